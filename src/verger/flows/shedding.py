"""Shedding: when more flows through a meter than may, what people chose is cut off, one by one, within seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from msgspec import structs

from verger.base.clock import SECOND, Clock, microseconds
from verger.base.errors import Busy, Refused
from verger.domain.alerts.model import Opening, Severity
from verger.domain.alerts.store import AlertStore
from verger.domain.commands.model import Command
from verger.domain.commands.store import CommandStore
from verger.domain.devices import outlets
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import State
from verger.domain.shedding.deciding import decide
from verger.domain.shedding.model import Load, Memory
from verger.domain.shedding.store import KeptPlan, SheddingStore
from verger.domain.telemetry.model import Batch
from verger.flows.commanding import Wish
from verger.flows.oversight import Figure

RULE = "shedding"
"""The word by which its alerts are known, and before the meter's id who asked for its commands."""
_LATE = 30 * SECOND
"""How old what was measured may be: what is older tells nothing of what flows now."""
_FRESH = 300 * SECOND
_TTL_S = 30

Latest = Callable[[Sequence[int]], list[tuple[int, float] | None]]
"""Gives (at, value) of the greatest time for each series number, None where there is none."""


@dataclass(frozen=True)
class Effects:
    """Where it is kept what follows."""

    commands: CommandStore
    alerts: AlertStore


async def in_force(kept: Kept, plan: KeptPlan) -> KeptPlan:
    """Return a plan with the limit that holds: of a breaker it is the threshold of its unit, however that was said."""
    limit = await breaker_limit(kept, plan.tenant, plan.device) if plan.plan.metric == outlets.BREAKER_METRIC else None
    return plan if limit is None else structs.replace(plan, plan=structs.replace(plan.plan, limit=limit))


async def breaker_limit(kept: Kept, tenant: str, device: str) -> int | None:
    """Return how much may flow through the breaker of a unit of power outlets, in mA; None for anything else."""
    known = kept.addresses.of(device)
    if known is None or known.dialect != outlets.NAME or not outlets.is_central(known.address):
        return None
    state = (await kept.attributes.of(tenant, [device])).get(device, State())
    return outlets.breaker_limit(state.reported, state.desired)


class Orders(Protocol):
    """Who knows what devices can be told."""

    async def prepare(self, tenant: str, device: str, wish: Wish, asked_by: str) -> Command:
        """Return a command that may be added to the store; raise Missing or Invalid."""
        ...


class Shedding:
    """A follower of the log. A command, its alert and the memory of both are kept in one transaction.

    So what comes again after a crash cuts nothing twice.
    """

    name: ClassVar[str] = "shedding"

    def __init__(
        self, kept: Kept, store: SheddingStore, orders: Orders, effects: Effects, latest: Latest, clock: Clock
    ) -> None:
        """Know of no plans; `latest` tells what the history holds of some series."""
        self.cut = 0
        self._kept, self._store, self._orders, self._effects = kept, store, orders, effects
        self._latest, self._clock = latest, clock
        self._plans: dict[str, KeptPlan] = {}  # by meter
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Go on with the plans that are kept, and what was remembered."""
        self._plans = {each.device: each for each in await self._store.everything()}

    @asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Judge nothing meanwhile."""
        async with self._turn:
            yield

    def renewed(self, device: str, plan: KeptPlan | None) -> None:
        """Judge a meter by what its plan says now, None where it has none any more."""
        if plan is None:
            self._plans.pop(device, None)
        else:
            self._plans[device] = plan

    def memory(self, device: str) -> Memory:
        """Return what is remembered of a meter."""
        found = self._plans.get(device)
        return Memory() if found is None else found.memory

    def figures(self) -> Iterator[Figure]:
        """Return the figures of shedding."""
        yield Figure("shedding_plans", "Meters that have a plan of what to cut off", len(self._plans))
        yield Figure("loads_cut", "Loads that were cut off because too much flowed", self.cut, grows=True)

    def settled(self) -> int | None:
        """Return None: what was taken is on disk, as far as it matters."""
        return None

    async def take(self, batch: Batch) -> None:
        """Judge what one record says of meters, by the time it was received; what is old by now is not judged."""
        if not self._plans or self._clock.now() - batch.received_at > _LATE:
            return
        async with self._turn:
            for device, value in self._measured(batch).items():
                await self._judge(await in_force(self._kept, self._plans[device]), batch.received_at, value)

    def _measured(self, batch: Batch) -> dict[str, float]:
        """Return the newest value of each meter with a plan, unless it was late."""
        wanted: dict[int, str] = {}
        for device, each in self._plans.items():
            known = self._kept.registry.known(device)
            if known is not None and known.tenant == each.tenant:
                number = known.series.get(each.plan.metric)
                if number is not None:
                    wanted[number] = device
        found: dict[str, tuple[int, float]] = {}
        for row in np.flatnonzero(np.isin(batch.series, list(wanted))).tolist():
            device, at = wanted[int(batch.series[row])], int(batch.at[row])
            if batch.received_at - at <= _LATE and at >= found.get(device, (at, 0.0))[0]:
                found[device] = (at, float(batch.value[row]))
        return {device: value for device, (_, value) in found.items()}

    async def _judge(self, kept: KeptPlan, at: int, value: float) -> None:
        memory, chosen = await self._decided(kept, at, value)
        if memory.worth_keeping != kept.memory.worth_keeping:
            opening = None if chosen is None else await self._opening(kept, *chosen, value)
            async with self._kept.db.writing() as connection:
                await self._store.remember(connection, kept.tenant, kept.device, memory)
                if chosen is not None and opening is not None:
                    await self._effects.commands.add(connection, kept.tenant, chosen[1])
                    await self._effects.alerts.open(connection, kept.tenant, opening)
                elif kept.memory.cut and not memory.cut:
                    await self._effects.alerts.clear(connection, kept.tenant, RULE, kept.device, at)
        self._plans[kept.device] = structs.replace(kept, memory=memory)
        self.cut += chosen is not None

    async def _opening(self, kept: KeptPlan, load: Load, command: Command, value: float) -> Opening:
        """Return what people are told of a cut."""
        names = await self._kept.devices.these(kept.tenant, {load.device, kept.device})
        called = {each.id: each.name for each in names}
        what = " ".join([called.get(load.device, ""), *(str(each) for each in load.params.values())])
        told = f"{what} is being cut off: {called.get(kept.device, '')} carries {value:g} of {kept.plan.limit:g}."
        known = self._kept.registry.known(kept.device)
        return Opening(
            rule=RULE,
            device=kept.device,
            place=None if known is None else known.place,
            severity=Severity.critical,
            message=told,
            value=value,
            at=microseconds(command.asked_at),
        )

    async def _decided(self, kept: KeptPlan, at: int, value: float) -> tuple[Memory, tuple[Load, Command] | None]:
        """Return what is remembered after a reading, and what is to be cut off; who cannot be told is passed over."""
        untold: set[str] = set()
        while True:
            memory, load = decide(
                kept.plan, kept.memory, at, value, lambda each: each.key not in untold and self._draws(each, at)
            )
            if load is None:
                return memory, None
            wish = Wish(method=load.method, params=load.params, ttl_s=_TTL_S)
            try:
                command = await self._orders.prepare(kept.tenant, load.device, wish, f"{RULE}:{kept.device}")
            except Busy:
                raise  # it is to be tried again
            except Refused as why:
                untold.add(load.key)
                self._kept.remarks.note(kept.tenant, kept.device, RULE, f"Nothing was cut off: {why}")
            else:
                return memory, (load, command)

    def _draws(self, load: Load, at: int) -> bool:
        """Tell whether a load may draw something: what was not measured lately may."""
        known = self._kept.registry.known(load.device)
        number = known.series.get(load.metric) if known is not None and load.metric is not None else None
        last = self._latest([number])[0] if number is not None else None
        return last is None or at - last[0] > _FRESH or last[1] > 0
