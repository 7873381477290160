"""The tasks of CottagePilot, which are Verger's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from verger.base.clock import SECOND, microseconds, moment
from verger.base.errors import Invalid, Missing
from verger.base.pages import MOST, Asked
from verger.domain.places.model import Place
from verger.domain.tasks.model import Task, TaskState
from verger.domain.tasks.store import WantedTasks
from verger.domain.tenancy.model import Caller, Permission, User
from verger.edges.wire.families import cottage_extras as extra
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.cottage_sensors import Sensor, listed, sensors_of, series_of
from verger.edges.wire.families.desk import Desk

_MOST_TASKS = 5_000
_SORTS = ("name", "created_at", "updated_at", "status")
_SEARCHED = ("name", "location", "month_correlation")


async def asks(desk: Desk, call: Call, needs: Permission) -> Caller:
    """Return who asks, by the token in its header; raise Unknown or Forbidden."""
    return await desk.people.caller(call, needs, "Token")


async def tasks(desk: Desk, call: Call) -> Reply:
    """List the tasks, as they are looked for and in the order that is asked for."""
    caller = await asks(desk, call, "tasks:read")
    found: list[Task] = []
    cursor: str | None = None
    while len(found) < _MOST_TASKS:
        page = await desk.people.stories.tasking.page(caller.tenant, Asked(MOST, cursor), None, WantedTasks())
        found, cursor = [*found, *page.items], page.next
        if cursor is None:
            break
    words, order = call.query.get("search", "").lower(), call.query.get("ordering", "")
    shown = await told(desk, caller.tenant, found)
    shown = [each for each in shown if any(words in str(each[name] or "").lower() for name in _SEARCHED)]
    if order.removeprefix("-") in _SORTS:
        shown.sort(key=lambda each: str(each[order.removeprefix("-")]).lower(), reverse=order.startswith("-"))
    more = urlencode({name: call.query[name] for name in ("search", "ordering") if call.query.get(name)})
    return compact(listed(call.base + call.path, shown, call.query.get("page", ""), more))


async def task(desk: Desk, call: Call) -> Reply:
    """Tell one task."""
    caller = await asks(desk, call, "tasks:read")
    return await _one(desk, caller, await _find(desk, caller, call))


async def add_task(desk: Desk, call: Call) -> Reply:
    """Keep a new task."""
    caller = await asks(desk, call, "tasks:write")
    wanted = await _wanted(desk, caller.tenant, call.json(), None)
    if "title" not in wanted:
        raise Invalid("name: This field is required.")
    made = await desk.people.stories.tasking.add(caller.tenant, caller.name, wanted)
    return await _one(desk, caller, made, 201)


async def change_task(desk: Desk, call: Call) -> Reply:
    """Change a task; whoever changes a part of it is responsible for it from then on."""
    caller = await asks(desk, call, "tasks:write")
    before = await _find(desk, caller, call)
    wanted = await _wanted(desk, caller.tenant, call.json(), before)
    if call.method == "PATCH":
        wanted |= _responsible(caller)
    return await _one(desk, caller, await _changed(desk, caller, before, wanted))


async def remove_task(desk: Desk, call: Call) -> Reply:
    """Take a task away."""
    caller = await asks(desk, call, "tasks:write")
    found = await _find(desk, caller, call)
    await desk.people.stories.tasking.remove(caller.tenant, found.id, None)
    return Reply(204)


async def done(desk: Desk, call: Call) -> Reply:
    """Note that a task is done, and by whom."""
    caller = await asks(desk, call, "tasks:write")
    before = await _find(desk, caller, call)
    wanted = await _wanted(desk, caller.tenant, {"status": "done"}, before)
    await _changed(desk, caller, before, wanted | _responsible(caller))
    return compact({"status": "Task status updated"})


async def _find(desk: Desk, caller: Caller, call: Call) -> Task:
    try:
        return await desk.people.stories.tasking.store.get(caller.tenant, call.args["task"])
    except Missing:
        raise Missing("Not found.") from None


async def _changed(desk: Desk, caller: Caller, before: Task, wanted: dict[str, Any]) -> Task:
    return await desk.people.stories.tasking.change(caller.tenant, before.id, caller.name, wanted, before.version)


async def _one(desk: Desk, caller: Caller, found: Task, status: int = 200) -> Reply:
    return compact((await told(desk, caller.tenant, [found]))[0], status)


def _responsible(caller: Caller) -> dict[str, Any]:
    return {"assignee": caller.who.id} if isinstance(caller.who, User) else {}


# what is wanted


async def _wanted(desk: Desk, tenant: str, told: Any, before: Task | None) -> dict[str, Any]:
    """Return what of a task changes; fields that mean nothing here are left alone. Raise Invalid."""
    if not isinstance(told, dict):
        raise Invalid("Send an object.")
    text, extras = extra.parted(before.notes if before else "")
    wanted: dict[str, Any] = {}
    if isinstance(told.get("name"), str):
        wanted["title"] = told["name"]
    if "description" in told:
        text = str(told["description"] or "")
    for field in ("group", "additional_info"):
        if field in told:
            extras[field] = extra.words_of(told, field)
    now = moment(desk.people.stories.clock.now())
    if told.get("status"):
        status = extra.status_of(told)
        wanted["state"] = TaskState.done if status == "done" else TaskState.open
        extras["status"] = status if status in {"in progress", "overdue"} else ""
    if "limit_value" in told:
        extras["limit_value"] = extra.limit_of(told)
    if told.get("status") or "limit_value" in told:
        extras["since"] = now.isoformat() if extras.get("limit_value") else ""
    wanted |= await _where(desk, tenant, told, extras) | _when(told, extras, before, now)
    return wanted | {"notes": extra.joined(text, extras)}


async def _where(desk: Desk, tenant: str, told: dict[str, Any], extras: dict[str, str]) -> dict[str, Any]:
    """Return where a task is, by the sensor it is about and by a place of that name; other places are a line."""
    wanted: dict[str, Any] = {}
    if "sensor" in told:
        sensor = None
        if told["sensor"]:
            found = (each for each in await sensors_of(desk, tenant) if each.id == str(told["sensor"]))
            sensor = next(found, None)
            if sensor is None:
                raise Invalid("sensor: there is no such sensor.")
        wanted["device"] = sensor.device.id if sensor else None
        extras["sensor"] = sensor.sensor_id if sensor else ""
    if "location" in told:
        words = extra.words_of(told, "location")
        places = (await desk.people.stories.places.tree(tenant)).places.values()
        place = next((each.id for each in places if words and each.name.lower() == words.lower()), None)
        wanted["place"], extras["location"] = place, "" if place else words
    return wanted


def _when(told: dict[str, Any], extras: dict[str, str], before: Task | None, now: datetime) -> dict[str, Any]:
    """Return when a task is due: on its day, else as its month ends."""
    due, was = (before.due if before else None), extras.get("month_correlation", "")
    day = None if due is None or extra.is_of_month(due, was) else due.date()
    asked = extra.day_of(told) if "time_correlation" in told else day
    month = extra.month_of(told) if "month_correlation" in told else was
    if (asked, month) == (day, was):
        return {}
    extras["month_correlation"] = month
    last = extra.last_day(month, now) if month else None
    until = asked or last
    return {"due": extra.end_of(until) if until else None}


# how it is told


@dataclass(frozen=True)
class _Sight:
    """What is looked at to tell tasks."""

    desk: Desk
    sensors: list[Sensor]
    places: dict[str, Place]
    now: datetime

    def sensor(self, task: Task, extras: dict[str, str]) -> Sensor | None:
        own = [each for each in self.sensors if each.device.id == task.device]
        return next((each for each in own if each.sensor_id == extras.get("sensor")), own[0] if own else None)

    async def fell(self, task: Task, sensor: Sensor | None, extras: dict[str, str]) -> bool:
        """Whether a sensor was below the limit of a task since that was set or the task was last looked after."""
        number = series_of(self.desk, sensor) if sensor else None
        limit, since = extras.get("limit_value", ""), extras.get("since", "")
        if number is None or not limit.lstrip("-").isdigit():
            return False
        try:
            start = microseconds(datetime.fromisoformat(since)) if since else microseconds(task.created_at)
        except (ValueError, TypeError):  # somebody changed the line
            start = microseconds(task.created_at)
        history, now = self.desk.people.stories.charting.history, microseconds(self.now)
        found = await history.buckets(number, min(start, now), now + SECOND, 1)
        return len(found.at) > 0 and float((found.avg if found.raw else found.min).min()) < int(limit)


async def told(desk: Desk, tenant: str, some: Sequence[Task]) -> list[dict[str, Any]]:
    """Return tasks as clients read them."""
    sensors, tree = await sensors_of(desk, tenant), await desk.people.stories.places.tree(tenant)
    sight = _Sight(desk, sensors, dict(tree.places), moment(desk.people.stories.clock.now()))
    return [await _shape(sight, each) for each in some]


async def _shape(sight: _Sight, task: Task) -> dict[str, Any]:
    text, extras = extra.parted(task.notes)
    sensor, month = sight.sensor(task, extras), extras.get("month_correlation", "")
    limit, place = extras.get("limit_value", ""), sight.places.get(task.place or "")
    day = None if task.due is None or extra.is_of_month(task.due, month) else task.due.date().isoformat()
    shown: dict[str, Any] = {"id": task.id, "name": task.title, "group": extras.get("group")}
    shown |= {"description": text or None, "additional_info": extras.get("additional_info")}
    shown |= {"location": extras.get("location") or (place.name if place else None)}
    shown |= {"status": await _status(sight, task, sensor, extras), "sensor": sensor.id if sensor else None}
    if sensor is not None:
        shown |= {"sensor_name": sensor.name, "sensor_unit": sensor.unit}
    shown |= {"limit_value": int(limit) if limit.lstrip("-").isdigit() else None}
    shown |= {"month_correlation": month or None, "time_correlation": day}
    return shown | {"created_at": task.created_at, "updated_at": task.done_at or task.created_at}


async def _status(sight: _Sight, task: Task, sensor: Sensor | None, extras: dict[str, str]) -> str:
    if task.state is TaskState.done:
        return "done"
    if extras.get("status") in extra.STATUSES:
        return extras["status"]
    late = task.due is not None and task.due < sight.now
    return "overdue" if late or await sight.fell(task, sensor, extras) else "waiting"


TASKS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/task/", tasks),
    ("POST", "/task/", add_task),
    ("GET", "/task/{task}/", task),
    ("PUT", "/task/{task}/", change_task),
    ("PATCH", "/task/{task}/", change_task),
    ("DELETE", "/task/{task}/", remove_task),
    ("POST", "/task/{task}/mark_done/", done),
)
