"""One open alert for a rule and a device, however often it is opened; many at once are one with a list."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio

from verger.base.clock import MINUTE, moment
from verger.base.db import Database
from verger.base.errors import Conflict, Missing, Stale
from verger.base.pages import Asked
from verger.domain.alerts.model import (
    MANY,
    Alert,
    AlertState,
    Comment,
    Opened,
    Opening,
    Severity,
    acknowledged,
    resolved,
)
from verger.domain.alerts.store import AlertStore, Wanted
from verger.domain.tenancy import tables

MINE, THEIRS = "mine", "theirs"
START = 30_000_000 * MINUTE
Step = tuple[Any, ...]


class Home:
    """One rule, whose alerts are opened and cleared minute by minute."""

    def __init__(self, db: Database) -> None:
        self.db, self.store = db, AlertStore(db)

    async def open(self, device: str | None, minute: int = 0, tenant: str = MINE, **more: Any) -> Opened:
        known = {"rule": "dry", "place": "barn", "severity": Severity.warning, "message": f"{device} is dry"}
        opening = Opening(device=device, at=START + minute * MINUTE, **known | more)
        async with self.db.writing() as connection:
            return await self.store.open(connection, tenant, opening)

    async def clear(self, device: str | None, minute: int = 0, tenant: str = MINE) -> list[Alert]:
        async with self.db.writing() as connection:
            return await self.store.clear(connection, tenant, "dry", device, START + minute * MINUTE)

    async def shown(self, tenant: str = MINE, **wanted: Any) -> list[Alert]:
        return (await self.store.page(tenant, Asked(), Wanted(**wanted))).items


@pytest_asyncio.fixture
async def home(db: Database) -> AsyncIterator[Home]:
    async with db.writing() as connection:
        for name in (MINE, THEIRS):
            row = {"id": name, "name": name, "timezone": "UTC", "created_at": moment(0), "version": 1}
            await connection.execute(tables.tenant.insert().values(row))
    yield Home(db)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([("open", "a")], [("a", "active", 1)]),
        ([("open", "a"), ("open", "a", 1), ("open", "a", 2)], [("a", "active", 3)]),
        ([("open", "a"), ("open", "b")], [("a", "active", 1), ("b", "active", 1)]),
        ([("open", None), ("open", "a")], [(None, "active", 1), ("a", "active", 1)]),
        ([("open", "a"), ("clear", "a", 1)], [("a", "cleared", 1)]),
        ([("open", "a"), ("clear", "a", 1), ("open", "a", 2)], [("a", "cleared", 1), ("a", "active", 1)]),
        ([("clear", "a")], []),
        ([("open", "a"), ("clear", "b", 1)], [("a", "active", 1)]),
    ],
)
async def test_one_is_open_for_a_rule_and_a_device(
    home: Home, steps: Sequence[Step], expected: list[tuple[str | None, str, int]]
) -> None:
    for verb, *rest in steps:
        await getattr(home, verb)(*rest)
    found = sorted(await home.shown(), key=lambda alert: alert.id)
    assert [(alert.device, alert.state, alert.count) for alert in found] == expected


async def test_it_keeps_the_last_value_and_the_greatest_severity(home: Home) -> None:
    first = await home.open("a", 0, value=30.0)
    await home.open("a", 2, value=20.0, severity=Severity.critical, message="Very dry")
    late = await home.open("a", 1, value=25.0)
    assert (first.fresh, late.fresh) == (True, False)
    assert (late.alert.value, late.alert.message, late.alert.severity) == (20.0, "Very dry", Severity.critical)
    assert late.alert.opened_at == moment(START)
    assert late.alert.last_at == moment(START + 2 * MINUTE)


async def test_each_organisation_has_its_own(home: Home) -> None:
    mine, theirs = await home.open("a"), await home.open("a", tenant=THEIRS)
    assert await home.clear("a", tenant=THEIRS) != []
    assert await home.shown() == [mine.alert]
    assert [alert.id for alert in await home.shown(THEIRS)] == [theirs.alert.id]


async def test_many_at_once_are_one_with_a_list_until_the_last_is_well(home: Home) -> None:
    few = [await home.open(f"d{number}") for number in range(MANY - 1)]
    assert len(await home.shown()) == MANY - 1
    last = await home.open("last", 1)
    further = await home.open("further", 3)
    again = await home.open("d0", 31)
    assert [opened.fresh for opened in (*few, last, further, again)] == [True] * MANY + [False] * 2
    assert {alert.id for alert in last.folded} == {opened.alert.id for opened in few}
    [lead] = await home.shown()
    assert lead.id == last.shown.id == further.shown.id == again.shown.id
    assert (lead.device, lead.count) == (None, MANY + 1)
    assert lead.message == f"{MANY + 1} devices at once, the last: d0 is dry"
    listed = await home.shown(within=lead.id)
    assert len(listed) == MANY + 1
    for number, alert in enumerate(listed, 1):
        over = await home.clear(alert.device, 40)
        assert [each.id for each in over] == [alert.id, lead.id][: 1 + (number == len(listed))]
    assert [alert.state for alert in await home.shown()] == [AlertState.cleared]
    assert (await home.open("d1", 41)).shown.device == "d1"


async def test_who_comes_later_is_no_part_of_what_was_at_once(home: Home) -> None:
    for number in range(MANY):
        await home.open(f"d{number}")
    await home.open("d0", 5)
    later = [await home.open(f"later {number}", 6, severity=Severity.critical) for number in range(MANY)]
    assert [(opened.fresh, opened.shown.device) for opened in later] == [
        *((True, f"later {number}") for number in range(MANY - 1)),
        (True, None),
    ]
    assert [(lead.device, lead.count, lead.severity) for lead in reversed(await home.shown())] == [
        (None, MANY, Severity.warning),
        (None, MANY, Severity.critical),
    ]


async def test_one_more_has_to_be_noted_anew(home: Home) -> None:
    *_, last = [await home.open(f"d{number}") for number in range(MANY)]
    async with home.db.writing() as connection:
        await home.store.save(connection, MINE, acknowledged(last.shown, "ann", START))
    again, further = await home.open("d0", 1), await home.open("further", 2)
    assert (again.fresh, again.shown.state) == (False, AlertState.acknowledged)
    assert (further.fresh, further.shown.state, further.shown.acknowledged_by) == (True, AlertState.active, None)


@pytest.mark.parametrize("more", [{"rule": "wet"}, {"place": "shed"}, {"minute": 10}])
async def test_what_has_little_in_common_stays_apart(home: Home, more: dict[str, Any]) -> None:
    for number in range(MANY - 1):
        await home.open(f"d{number}")
    await home.open("last", **more)
    assert len(await home.shown()) == MANY


async def test_all_of_a_rule_end_with_it(home: Home) -> None:
    for number in range(MANY):
        await home.open(f"d{number}")
    await home.open("a", rule="wet")
    async with home.db.writing() as connection:
        over = await home.store.clear_rule(connection, MINE, "dry", START)
    assert len(over) == MANY + 1
    assert [alert.rule for alert in await home.shown(states=[AlertState.active])] == ["wet"]


async def test_a_list_shows_what_was_asked_for(home: Home) -> None:
    await home.open("a", severity=Severity.critical)
    await home.open("b", place="shed")
    assert [alert.device for alert in await home.shown(severity=Severity.critical)] == ["a"]
    assert [alert.device for alert in await home.shown(places=["shed"])] == ["b"]
    assert await home.shown(states=[AlertState.resolved]) == []


async def test_a_list_may_be_of_some_devices_or_some_rules_each_alert_by_itself(home: Home) -> None:
    for number in range(MANY):
        await home.open(f"d{number}")
    await home.open(None, rule="cold")
    await home.open(None, rule="hot")
    await home.open("d1", tenant=THEIRS)
    found = await home.shown(about=(("d0", "d1"), ("cold",)))
    assert {(alert.device, alert.rule) for alert in found} == {("d0", "dry"), ("d1", "dry"), (None, "cold")}
    assert len(found) == 3
    assert await home.shown(about=((), ())) == []


async def test_what_somebody_changed_since_it_was_read_is_not_overwritten(home: Home) -> None:
    read = (await home.open("a")).alert
    await home.open("a", 1)
    async with home.db.writing() as connection:
        with pytest.raises(Stale):
            await home.store.save(connection, MINE, acknowledged(read, "ann", START))
    assert (await home.store.get(MINE, read.id)).state is AlertState.active


async def test_a_person_takes_note_of_it_and_ends_it(home: Home) -> None:
    alert = (await home.open("a")).alert
    async with home.db.writing() as connection:
        noted = await home.store.save(connection, MINE, acknowledged(alert, "ann", START))
    assert (noted.state, noted.acknowledged_by) == (AlertState.acknowledged, "ann")
    assert acknowledged(noted, "bob", START) == noted
    assert (await home.open("a", 1)).alert.state is AlertState.acknowledged
    async with home.db.writing() as connection:
        over = resolved(await home.store.find(connection, MINE, alert.id), "bob", START + MINUTE)
        over = await home.store.save(connection, MINE, over)
    assert resolved(over, "ann", START) == over
    with pytest.raises(Conflict):
        acknowledged(over, "ann", START)
    assert (await home.open("a", 2)).alert.id != alert.id


async def test_what_was_said_of_it_is_told_to_its_organisation_alone(home: Home) -> None:
    alert = (await home.open("a")).alert
    async with home.db.writing() as connection:
        for number, text in enumerate(("Who goes?", "I do.")):
            said = Comment(id=f"{number}", alert=alert.id, at=moment(START + number), by="ann", text=text)
            await home.store.comment(connection, MINE, said)
    assert [said.text for said in (await home.store.comments(MINE, alert.id, Asked())).items] == ["I do.", "Who goes?"]
    assert (await home.store.comments(THEIRS, alert.id, Asked())).items == []
    with pytest.raises(Missing):
        await home.store.get(THEIRS, alert.id)


async def test_what_is_over_goes_in_time_and_what_is_open_stays(home: Home) -> None:
    await home.open("a")
    await home.clear("a", 10)
    await home.open("b")
    for number in range(MANY):
        await home.open(f"shown {number}", 20)
    [lead] = [alert for alert in await home.shown() if alert.device is None]
    async with home.db.writing() as connection:
        await home.store.save(connection, MINE, resolved(lead, "aino", START + 21 * MINUTE))
    assert await home.store.purge(moment(START + 10 * MINUTE)) == 0
    assert await home.store.purge(moment(START + 11 * MINUTE)) == 1
    assert await home.store.purge(moment(START + 99 * MINUTE)) == 0  # the lead shows what is open
    for number in range(MANY):
        await home.clear(f"shown {number}", 30)
    while await home.store.purge(moment(START + 99 * MINUTE)):
        pass
    assert [alert.device for alert in await home.shown()] == ["b"]


async def test_an_alert_about_no_device_is_found_by_those_that_led_to_it(home: Home) -> None:
    await home.open(None, sources=("d1",))
    await home.open(None, 1, sources=("d2", "d1"))
    await home.open("d3", 2, sources=("d2",))
    await home.open(None, rule="other", sources=("d11",))
    assert [alert.sources for alert in await home.shown(device="d1")] == [("d1", "d2")]
    assert [(alert.device, alert.sources) for alert in await home.shown(device="d2")] == [
        ("d3", ("d2",)),
        (None, ("d1", "d2")),
    ]
    assert await home.shown(device="d") == []
    assert await home.shown(device="d%") == []
    async with home.db.writing() as connection:
        ended = await home.store.leave(connection, MINE, START + 5 * MINUTE, device="d1")
    assert [alert.sources for alert in ended] == [("d1", "d2")]
    while await home.store.expire(MINE, ["d2"], moment(0), moment(START + 9 * MINUTE)):
        pass
    assert await home.shown(device="d2") == []
