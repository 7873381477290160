"""Who is told of an alert, and when: by a table of what happens minute by minute, once whole and once with restarts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import new_tenant
from verger.base.clock import HOUR, MINUTE, HeldClock
from verger.base.db import Database
from verger.base.jobs import Jobs
from verger.base.pages import Asked
from verger.domain.alerts.model import MANY, Alert, AlertState, Opening, Severity, acknowledged, resolved
from verger.domain.alerts.policy import AlertPolicy, Chain, PolicyStore, Turn
from verger.domain.alerts.store import AlertStore, Wanted
from verger.domain.notifications.outbox import Outbox
from verger.flows.escalating import Escalating

CHAIN = Chain((Turn("members"), Turn("managers", 600), Turn("owners", 1800)), 3600)
ONCE = Chain((Turn("members"),))


class Night:
    """One tenant whose alerts are opened and noted, while the clock goes on."""

    def __init__(self, db: Database, clock: HeldClock, tenant: str) -> None:
        self.db, self.clock, self.tenant, self.start = db, clock, tenant, clock.at
        self.begin()

    def begin(self) -> None:
        """Begin anew, knowing only what is kept."""
        self.store, self.policies, self.outbox = AlertStore(self.db), PolicyStore(self.db), Outbox(self.db, self.clock)
        escalating = Escalating(self.db, self.store, self.policies, self.outbox, self.clock, self.caught_up, self.where)
        self.store.listeners.append(escalating.heard)
        self.jobs = Jobs(self.db, self.clock, escalating.works)

    async def caught_up(self) -> None:
        """Have nothing to catch up with."""

    async def where(self, _tenant: str, _alert: Alert) -> str:
        """Be at one place with one device."""
        return "The well, Cottage"

    async def do(self, what: str, rule: str = "frost", **more: Any) -> Alert:
        opening = {"rule": rule, "device": None, "place": None, "severity": Severity.critical, "message": "Frost"}
        async with self.db.writing() as connection:
            opened = await self.store.open(connection, self.tenant, Opening(**{**opening, "at": self.clock.at, **more}))
        shown = opened.shown
        return shown if what == "open" else await self.change(what, shown)

    async def change(self, what: str, alert: Alert) -> Alert:
        async with self.db.writing() as connection:
            if what == "clear":
                await self.store.clear(connection, self.tenant, alert.rule, alert.device, self.clock.at)
                return alert
            change = acknowledged if what == "note" else resolved
            return await self.store.save(connection, self.tenant, change(alert, "ann", self.clock.at))

    async def go_on(self, minute: int) -> None:
        """Let it be so many minutes after the start; every job runs when it is due."""
        while self.clock.at < self.start + minute * MINUTE:
            self.clock.at += MINUTE
            await self.jobs.run_due()

    async def told(self) -> list[tuple[int, str]]:
        """Return the minute of each notice, and to whom it went."""
        puts = sorted(await self.outbox.waiting(), key=lambda put: put.id)
        return [((round(put.at.timestamp() * 1e6) - self.start) // MINUTE, put.notice.to) for put in puts]

    async def shown(self) -> list[Alert]:
        return (await self.store.page(self.tenant, Asked(), Wanted())).items


@pytest_asyncio.fixture
async def night(db: Database, clock: HeldClock) -> AsyncIterator[Night]:
    night = Night(db, clock, await new_tenant(db, clock))
    await night.policies.change(night.tenant, AlertPolicy(critical=CHAIN, warning=ONCE, clear_after_s=1800))
    yield night


EVERYBODY = "members,managers,owners"
WHOLE = [(0, "members"), (10, "managers"), (30, "owners"), (90, EVERYBODY), (150, EVERYBODY)]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("ends", "until", "expected"),
    [
        (None, 160, WHOLE),
        ((5, "note"), 200, WHOLE[:1]),
        ((20, "clear"), 200, WHOLE[:2]),
        ((95, "resolve"), 200, WHOLE[:4]),
    ],
)
async def test_people_are_told_in_turn_and_again_until_somebody_takes_note(
    night: Night, ends: tuple[int, str] | None, until: int, expected: list[tuple[int, str]], *, restarts: bool
) -> None:
    alert = await night.do("open")
    for minute in range(5, until + 1, 5):
        await night.go_on(minute)
        if restarts:
            night.begin()
        if ends is not None and minute == ends[0]:
            alert = await night.change(ends[1], alert)
    assert await night.told() == expected


async def test_what_fell_due_while_all_was_off_is_told_once_to_all_whose_turn_it_was(night: Night) -> None:
    alert = await night.do("open")
    night.clock.at += 3 * HOUR
    night.begin()
    await night.jobs.run_due()
    assert await night.told() == [(0, "members"), (180, EVERYBODY)]
    [put] = (await night.outbox.waiting())[1:]
    assert put.notice.body == "The well, Cottage\nIt is open for 3 hours, and nobody has taken note of it yet."
    said = (await night.store.comments(night.tenant, alert.id, Asked())).items
    assert [(each.kind, each.text, each.by) for each in said] == [
        ("told", "Told to members, managers, owners.", None),
        ("told", "Told to members.", None),
    ]


async def test_what_is_seen_again_is_told_anew_only_when_it_has_become_worse(night: Night) -> None:
    first = await night.do("open", severity=Severity.warning)
    await night.go_on(5)
    await night.do("open", severity=Severity.warning)
    await night.change("note", structs.replace(first, version=2))
    await night.go_on(8)
    worse = await night.do("open")
    assert (worse.state, worse.acknowledged_by) == (AlertState.active, None)
    assert await night.told() == [(0, "members"), (8, "members")]


async def test_many_at_once_are_told_once_more_and_then_as_one(night: Night) -> None:
    for number in range(MANY + 3):
        await night.do("open", device=f"d{number}", place="farm")
    await night.go_on(15)
    assert await night.told() == [(0, "members")] * MANY + [(15 - 5, "managers")]


async def test_what_is_momentary_ends_by_itself_when_it_does_not_come_again(night: Night) -> None:
    await night.do("open", momentary=True, severity=Severity.warning)
    await night.go_on(20)
    await night.do("open", momentary=True, severity=Severity.warning)
    night.begin()
    await night.go_on(49)
    assert [alert.state for alert in await night.shown()] == [AlertState.active]
    await night.go_on(51)
    assert [(alert.state, alert.count) for alert in await night.shown()] == [(AlertState.cleared, 2)]
    await night.do("open", momentary=True, severity=Severity.warning)
    assert len(await night.shown()) == 2


async def test_what_is_seen_again_just_as_it_would_end_stays(night: Night) -> None:
    await night.do("open", momentary=True, severity=Severity.warning)

    async def caught_up() -> None:
        await night.do("open", momentary=True, severity=Severity.warning)

    night.caught_up = caught_up  # type: ignore[method-assign]
    night.begin()
    await night.go_on(31)
    assert [(alert.state, alert.count) for alert in await night.shown()] == [(AlertState.active, 2)]


async def test_a_turn_that_is_overtaken_by_a_fresh_beginning_tells_nobody(night: Night) -> None:
    first = await night.do("open")

    async def caught_up() -> None:
        if night.clock.at == night.start + 10 * MINUTE:  # acknowledged, then worse, while others were waited for
            await night.change("note", first)
            async with night.db.writing() as connection:
                noted = await night.store.find(connection, night.tenant, first.id)
                active = structs.replace(noted, state=AlertState.active, acknowledged_by=None, acknowledged_at=None)
                await night.store.save(connection, night.tenant, active, fresh=True)

    night.caught_up = caught_up  # type: ignore[method-assign]
    night.begin()
    await night.go_on(15)
    assert await night.told() == [(0, "members"), (10, "members")]
