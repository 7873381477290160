"""Rules over a fresh database, judged by batches that a test makes up; it may end and begin anew at any moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import func, select

from tests.flows.conftest import FakeScreens, FakeWire, House
from verger.base.clock import SECOND, HeldClock, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.base.outgoing import Outgoing
from verger.base.secrets import ServerSecret
from verger.domain.alerts.store import AlertStore
from verger.domain.alerts.tables import alert_table
from verger.domain.commands.store import CommandStore, command_table
from verger.domain.notifications.outbox import Outbox
from verger.domain.notifications.tables import notice
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.runs import run_table
from verger.domain.tasks.store import TaskStore, task_table
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Attributes, Batch, Event, Told
from verger.domain.telemetry.store import FollowerStore
from verger.domain.tenancy.members import Members
from verger.flows.acting import Acting, Effects
from verger.flows.automation import Automation
from verger.flows.calling import Callbook
from verger.flows.commanding import Commanding
from verger.flows.court import Court
from verger.flows.desiring import Desiring
from verger.flows.overhearing import Overhearing
from verger.flows.rulebook import Rulebook
from verger.flows.ruling import Ruling
from verger.flows.unheeded import Unheeded
from verger.flows.vetting import Vetting

COUNTED = {"runs": run_table, "alerts": alert_table, "commands": command_table, "tasks": task_table, "notices": notice}
_NOTHING = np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0)


@dataclass
class World:
    """A house, its rules, and the log as a list of batches."""

    house: House
    db: Database
    device: str
    log: list[Batch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = RulesKept.over(self.db)
        self.commands = CommandStore(self.db)
        self.alerts, self.clock = AlertStore(self.db), self.house.clock
        self.book, self.outgoing = Callbook.over(self.db, self.clock, ServerSecret(b"s" * 32), 3), Outgoing()

    async def open(self) -> None:
        """Begin, or begin anew as a fresh process would, with what of the log was not kept as judged."""
        self.kept, self.commands = RulesKept.over(self.db), CommandStore(self.db)
        kept, house, clock = self.house.kept, self.house, self.clock
        court = Court(Rulebook(self.kept.rules, house.places, kept.registry), self.kept, EventStore(self.db), clock)
        outbox, members = Outbox(self.db, clock), Members(self.db)
        effects = Effects(self.alerts, TaskStore(self.db), self.commands, outbox, self.kept.runs, members)
        desiring = Desiring(kept, FakeWire(), FakeScreens(), clock, 100)
        acting = Acting(kept, Commanding(kept, self.commands, clock), effects, desiring, self.book.calls)
        self.automation = Automation(court, self.kept, acting, clock)
        position = (await FollowerStore(self.db).positions()).get(Automation.name, 0)
        await self.automation.open(position)
        heeds = (Overhearing(court, self.kept).commanded, Unheeded(kept, self.alerts, court).commanded)
        self.commands.listeners.extend(heeds)
        for batch in self.log[position:]:
            await self.automation.take(batch)

    @property
    def ruling(self) -> Ruling:
        vetting = Vetting(self.house.kept, self.house.places, Members(self.db), self.outgoing)
        return Ruling(self.kept, vetting, self.alerts, self.automation, self.clock)

    async def rule(self, **written: Any) -> KeptRule:
        """Write a rule as people would."""
        more = {"id": new_id(), "created_at": moment(self.clock.now()), "place": self.house.place.id}
        rule = msgspec.convert({"name": "Rule", **more, **written}, KeptRule)
        return await self.ruling.add(self.house.tenant, rule)

    async def say(
        self, values: Mapping[str, float], ago_s: float = 0, device: str | None = None, state: Any = None
    ) -> Batch:
        """Let a device say something now, measured so long ago, with attributes of the same moment."""
        who = device or self.device
        known = self.house.kept.registry.known(who)
        assert known is not None
        if fresh := [metric for metric in values if metric not in known.series]:
            for series in await self.house.kept.series.create({(self.house.tenant, who): fresh}):
                self.house.kept.registry.learn(who, {series.metric: series.number})
        at = self.clock.now() - round(ago_s * SECOND)
        numbers = np.array([known.series[metric] for metric in values], np.uint32)
        columns = numbers, np.full(len(values), at), np.array(list(values.values()), np.float64)
        told = (Told(self.house.tenant, who, Attributes(state, at)),) if state else ()
        return await self.hear(Batch(self.clock.now(), *columns, told))

    async def tell(self, *said: Event | Attributes) -> Batch:
        told = tuple(Told(self.house.tenant, self.device, each) for each in said)
        return await self.hear(Batch(self.clock.now(), *_NOTHING, told))

    async def hear(self, batch: Batch) -> Batch:
        """Put a batch into the log and judge it."""
        batch = msgspec.structs.replace(batch, sequence=len(self.log) + 1)
        self.log.append(batch)
        await self.automation.take(batch)
        return batch

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await self.automation.tick()

    async def count(self) -> dict[str, int]:
        """Return how many there are of each, and how many alerts are open."""
        async with self.db.reading() as connection:
            found = {
                name: await connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in COUNTED.items()
            }
        return found | {"open": len(await self.alerts.everything_open(self.house.tenant))}


async def world(house: House, db: Database) -> World:
    """Return a world with one device."""
    made = World(house, db, (await house.add()).id)
    await made.open()
    return made


Steps = Sequence[tuple[float, Mapping[str, float] | None]]
"""Seconds that pass, and what is said then."""


async def walk(made: World, steps: Steps, between: str = "") -> None:
    """Take some steps; between any two of them all is well, or it is `stopped` or `killed` and begins anew."""
    for seconds, said in steps:
        if between == "stopped":
            await made.automation.save()
        if between:
            await made.open()
        made.clock.advance(seconds)
        if said is not None:
            await made.say(said)
        await made.automation.tick()


__all__ = ["HeldClock", "World", "walk", "world"]
