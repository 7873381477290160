"""What is wrong with Verger itself becomes an alert once it lasts, and ends with it."""

import pytest_asyncio

from tests.flows.conftest import new_tenant
from verger.base.clock import MINUTE, HeldClock
from verger.base.db import Database
from verger.base.jobs import Jobs, ask
from verger.base.pages import Asked
from verger.domain.alerts.model import AlertState, Severity
from verger.domain.alerts.store import AlertStore, Wanted
from verger.flows.watching import Asked as Question
from verger.flows.watching import Trouble, Watching


class Machine:
    """A Verger whose log may fail, and a bridge of another tenant."""

    def __init__(self, db: Database, clock: HeldClock, operator: str, other: str) -> None:
        self.db, self.clock, self.operator, self.other = db, clock, operator, other
        self.store, self.log, self.bridges = AlertStore(db), "ok", list[Trouble]()
        self.begin()

    def begin(self) -> None:
        """Begin anew, knowing only what is kept."""
        questions = (Question("log", self.check, Severity.critical),)
        self.watching = Watching(self.db, self.store, questions, lambda: self.bridges, self.runs_it, self.clock)

    async def check(self) -> str:
        return self.log

    async def runs_it(self) -> str:
        return self.operator

    async def look(self, seconds: int = 20) -> None:
        self.clock.advance(seconds)
        await self.watching.look()

    async def shown(self, tenant: str) -> list[tuple[str, AlertState, int]]:
        page = await self.store.page(tenant, Asked(), Wanted())
        return [(alert.rule, alert.state, alert.count) for alert in page.items]


@pytest_asyncio.fixture
async def machine(db: Database, clock: HeldClock) -> Machine:
    return Machine(db, clock, await new_tenant(db, clock), await new_tenant(db, clock))


async def test_what_lasts_a_minute_is_one_alert_until_it_is_right_again(machine: Machine) -> None:
    machine.log = "The log cannot keep what is sent."
    for _ in range(3):
        await machine.look()
    assert await machine.shown(machine.operator) == []
    await machine.look()
    await machine.look()
    machine.begin()
    await machine.look()
    assert await machine.shown(machine.operator) == [("verger.log", AlertState.active, 1)]
    machine.log = "ok"
    await machine.look()
    assert await machine.shown(machine.operator) == [("verger.log", AlertState.cleared, 1)]


async def test_a_moment_of_trouble_is_no_alert(machine: Machine) -> None:
    for said in ("Slow.", "Slow.", "ok") * 3:
        machine.log = said
        await machine.look()
    assert await machine.shown(machine.operator) == []


async def test_a_bridge_that_is_down_is_told_to_whom_it_belongs(machine: Machine) -> None:
    machine.bridges.append(Trouble("bridge:b", "The bridge is down.", tenant=machine.other))
    await machine.look()
    await machine.look(60)
    assert await machine.shown(machine.other) == [("verger.bridge:b", AlertState.active, 1)]
    assert await machine.shown(machine.operator) == []


async def test_a_job_that_fails_again_and_again_is_told(machine: Machine) -> None:
    async def fail(_: object) -> None:
        raise OSError("no room")

    async with machine.db.writing() as connection:
        await ask(connection, "backup", "daily", machine.clock.at)
    jobs = Jobs(machine.db, machine.clock, {"backup": fail})
    for _ in range(3):
        machine.clock.at += MINUTE
        await jobs.run_due()
    await machine.look()
    await machine.look(60)
    [alert] = (await machine.store.page(machine.operator, Asked(), Wanted())).items
    assert alert.message == "A job fails again and again: backup. no room"
