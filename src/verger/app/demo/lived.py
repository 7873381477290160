"""What makes the demo look lived in: people, alerts that came and went, tasks that were done and some that wait."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import convert, structs

from verger.app.demo.estate import BRANCH, COTTAGE, ROOM_1, ROOM_2, WORKSHOP, Plot
from verger.app.demo.town import Town
from verger.app.demo.troubles import Trouble
from verger.base.clock import DAY, HOUR, MINUTE, moment
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.alerts.model import Comment, Kind, Opening, acknowledged, cleared
from verger.domain.alerts.store import AlertStore
from verger.domain.cycles.model import CycleStage
from verger.domain.rules.accepted import KeptRule
from verger.domain.tasks.model import Priority, Task, TaskState
from verger.domain.tasks.store import TaskStore, WantedTasks
from verger.domain.tenancy.model import Role

PEOPLE = (("Aino", "aino@verger.example", Role.manager), ("Minh", "minh@verger.example", Role.member))
_ACKNOWLEDGED_AFTER = 11 * MINUTE


WISHES = (
    ("Order birch logs for the sauna", COTTAGE, "", Priority.normal, 5),
    ("Take the boat out of the water before the ice", COTTAGE, "Aino", Priority.high, 1),
    ("Bring fresh spawn bags to Room 2", ROOM_2, "Minh", Priority.normal, 1),
    ("Wash the filter of the humidifier", ROOM_1, "Minh", Priority.low, 9),
    ("Oil the hinge of Bay 1", BRANCH, "", Priority.low, 12),
    ("Replace the cable of the compressor", WORKSHOP, "Aino", Priority.normal, 3),
)
"""What is still to be done: what, where, by whom, how pressing, and in how many days."""
STAGES = ((26, "incubation"), (9, "pinning"), (5, "fruiting"), (1.5, "harvest"))
COURSE = (
    (20, "contamination", 0.4, "A green spot on one bag"),
    (1.2, "harvest", 6.4, "First flush"),
    (0.2, "harvest", 3.1, ""),
)
"""What grows in a room: since how many days it is in which stage, and what happened then."""


async def inhabit(town: Town) -> None:
    """Let people have lived here for a month. Nobody is told of what is long over."""
    people = {name: await _person(town, name, email, role) for name, email, role in PEOPLE}
    alerts, tasks = AlertStore(town.house.stores.db), TaskStore(town.house.stores.db)
    await _settled_in(town, tasks)
    for trouble, span in town.troubles:
        await _troubled(town, alerts, tasks, trouble, span, people["Aino"])
    for title, plot, who, priority, days in WISHES:
        wish = Task(
            id=new_id(),
            title=title,
            place=town.places[plot.name],
            assignee=people.get(who),
            due=moment((town.past.until // DAY + days) * DAY + 9 * HOUR),
            priority=priority,
            made_by=f"user:{town.by}",
            created_at=moment(town.past.until - 3 * DAY),
        )
        await _keep(town, tasks, wish)
    for rule in (*_airing(town, ROOM_1, 1), *_airing(town, ROOM_2, 2)):
        await town.house.grounds.ruling.add(town.tenant, rule)
    await _grow(town, ROOM_1)


async def _grow(town: Town, plot: Plot) -> None:
    """Let something grow at a place since a month, and be harvested now."""
    growing, tenant, by = town.house.grounds.growing, town.tenant, f"user:{town.by}"

    def ago(days: float) -> datetime:
        return moment(town.past.until - round(days * DAY))

    begun = {"place": town.places[plot.name], "crop": "Pearl oyster", "started_at": ago(27)}
    cycle = (await growing.begin(tenant, begun | {"notes": "Straw, 40 bags"})).id
    for days, stage in STAGES:
        await growing.move(tenant, cycle, CycleStage(stage), ago(days))
    for days, kind, weight_kg, note in COURSE:
        told = {"kind": kind, "weight_kg": weight_kg, "note": note, "at": ago(days)}
        await growing.happen(tenant, cycle, by, told)


async def _person(town: Town, name: str, email: str, role: Role) -> str:
    users = town.house.stores.tenancy.users
    return (await users.add(town.tenant, role, name, email, f"{new_id()}{new_id()}")).id


async def _troubled(
    town: Town, alerts: AlertStore, tasks: TaskStore, trouble: Trouble, span: tuple[int, int, float], by: str
) -> None:
    """Keep an alert that somebody took note of and that ended, and the task that came of it."""
    start, end, value = span
    device = town.devices[f"{trouble.plot.name}/{trouble.device}"]
    rule, seen = town.rules[f"{trouble.plot.name}/{trouble.rule}"], min(start + _ACKNOWLEDGED_AFTER, end)
    about: dict[str, Any] = {"device": device.id, "place": device.place, "severity": trouble.severity, "value": value}
    opening = Opening(rule=rule, message=trouble.message.format(value=value), at=start, **about)
    async with town.house.stores.db.writing() as connection:
        alert = (await alerts.open(connection, town.tenant, opening)).alert
        alert = await alerts.save(connection, town.tenant, acknowledged(alert, by, seen))
        seen_last = structs.replace(alert, last_at=moment(end - trouble.every), count=trouble.seen(span))
        await alerts.save(connection, town.tenant, cleared(seen_last, end))
        words: list[tuple[Kind, str | None, int, str]] = [("acknowledged", by, seen, ""), ("cleared", None, end, "")]
        if trouble.said:
            words.append(("comment", by, end + HOUR, trouble.said))
        for kind, who, at, text in words:
            comment = Comment(id=new_id(), alert=alert.id, at=moment(at), by=who, kind=kind, text=text)
            await alerts.comment(connection, town.tenant, comment)
    done = Task(
        id=new_id(),
        title=trouble.task,
        place=device.place,
        device=device.id,
        assignee=by,
        made_by=f"rule:{rule}",
        alert=alert.id,
        state=TaskState.done,
        created_at=moment(start),
        done_at=moment(end),
        done_by=f"user:{by}",
    )
    await _keep(town, tasks, done)


async def _settled_in(town: Town, tasks: TaskStore) -> None:
    """Let what a blueprint asks for at the beginning have been done in the first days, but for what has time."""
    began = moment(town.since)
    for number, task in enumerate((await tasks.page(town.tenant, Asked(limit=500), WantedTasks())).items):
        after = structs.replace(task, created_at=began, due=None)
        if number % 4:
            done_at = began + timedelta(days=1 + number / 3)
            after = structs.replace(after, state=TaskState.done, done_at=done_at, done_by=f"user:{town.by}")
        async with town.house.stores.db.writing() as connection:
            await tasks.change(connection, town.tenant, after)


async def _keep(town: Town, tasks: TaskStore, task: Task) -> None:
    async with town.house.stores.db.writing() as connection:
        await tasks.add(connection, town.tenant, task)


def _airing(town: Town, plot: Plot, number: int) -> list[KeptRule]:
    """Return the rules that keep a growing room damp and aired: what its sensor tells moves humidifier and fan."""
    climate = town.devices[f"{plot.name}/Climate {number}"].id
    wanted: list[tuple[str, dict[str, Any], str, str]] = [
        ("Humidify", {"metric": "humidity", "is": "below", "value": 84, "clear": 92}, "Humidifier", "turn_on"),
        ("Damp enough", {"metric": "humidity", "is": "above", "value": 92, "clear": 84}, "Humidifier", "turn_off"),
        ("Let fresh air in", {"metric": "co2", "is": "above", "value": 1120, "clear": 780}, "Fan", "turn_on"),
        ("Fresh enough", {"metric": "co2", "is": "below", "value": 780, "clear": 1120}, "Fan", "turn_off"),
    ]
    rules = []
    for name, when, what, method in wanted:
        command = {"device": town.devices[f"{plot.name}/{what} {number}"].id, "method": method}
        about = {"id": new_id(), "place": town.places[plot.name], "created_at": moment(town.since)}
        told = about | {"name": f"{name} · {plot.name}", "when": when | {"device": climate}}
        rules.append(convert(told | {"then": [{"command": command}]}, KeptRule))
    return rules
