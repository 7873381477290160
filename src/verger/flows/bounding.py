"""Bounding: people say how much may flow through a meter, what is cut off when it is more, and what never is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from verger.base.clock import Clock, moment
from verger.base.errors import Fault, Invalid, Missing, Refused
from verger.base.patch import meant_for, merge
from verger.base.sentences import sentence
from verger.domain.alerts.store import AlertStore
from verger.domain.devices import outlets
from verger.domain.devices.kept import Kept
from verger.domain.shedding.model import Load, Memory, Plan
from verger.domain.shedding.store import KeptPlan, SheddingStore
from verger.flows.commanding import Commanding, Wish
from verger.flows.desiring import Desiring
from verger.flows.shedding import RULE, Shedding, breaker_limit, in_force


class Standing(Plan, frozen=True, kw_only=True):
    """A plan as it stands: since when more flows than may, when something was cut off last, and what since then."""

    device: str
    over_since: datetime | None = None
    cut_at: datetime | None = None
    cut: tuple[Load, ...] = ()
    version: int = 1


@dataclass(frozen=True)
class Bounding:
    """Keeps plans, checked against what is there, and has them judged by from then on."""

    kept: Kept
    store: SheddingStore
    shedding: Shedding
    commanding: Commanding
    desiring: Desiring
    alerts: AlertStore
    clock: Clock

    async def all(self, tenant: str) -> list[Standing]:
        """Return the plans of a tenant, those of the newest meters first."""
        return [await self._standing(each) for each in await self.store.of_tenant(tenant)]

    async def get(self, tenant: str, device: str) -> Standing:
        """Return the plan of a meter; raise Missing."""
        return await self._standing(await self.store.get(tenant, device))

    async def change(
        self, tenant: str, device: str, change: Mapping[str, Any], expected: int | None = None
    ) -> Standing:
        """Merge a change into the plan of a meter (RFC 7396), which may be its first; raise Missing, Stale or Invalid.

        What it remembers begins anew. The limit of a breaker is from then on what is desired of its unit.
        """
        await self.kept.devices.get(tenant, device)
        before, breaker = await self._before(tenant, device), await breaker_limit(self.kept, tenant, device)
        if before is not None:
            meant_for(before.version, expected)
        plan = self._with_metrics(tenant, _merged(before, change, breaker))
        wish = {} if breaker is None else _wish(plan)
        await self._check(tenant, plan)
        async with self.shedding.still():
            version = 1 if before is None else before.version + 1
            kept = KeptPlan(tenant, device, plan, Memory(), version)
            async with self.kept.db.writing() as connection:
                await self.store.put(connection, kept)
                await self.alerts.clear(connection, tenant, RULE, device, self.clock.now())
                desired = await self.desiring.within(connection, tenant, device, wish) if wish else None
            self.shedding.renewed(device, kept)
        if desired is not None:
            self.desiring.tell(desired)
            await self.desiring.wire.kept()
        return await self._standing(kept)

    async def end(self, tenant: str, device: str, expected: int | None = None) -> None:
        """Let a plan go; its alert ends. Raise Missing or Stale."""
        meant_for((await self.store.get(tenant, device)).version, expected)
        async with self.shedding.still():
            async with self.kept.db.writing() as connection:
                await self.store.remove(connection, tenant, device)
                await self.alerts.clear(connection, tenant, RULE, device, self.clock.now())
            self.shedding.renewed(device, None)

    async def _before(self, tenant: str, device: str) -> KeptPlan | None:
        try:
            return await in_force(self.kept, await self.store.get(tenant, device))
        except Missing:
            return None

    async def _standing(self, kept: KeptPlan) -> Standing:
        kept, memory = await in_force(self.kept, kept), self.shedding.memory(kept.device)
        return Standing(
            **structs.asdict(kept.plan),
            device=kept.device,
            over_since=None if memory.over_since is None else moment(memory.over_since),
            cut_at=None if memory.cut_at is None else moment(memory.cut_at),
            cut=tuple(load for load in kept.plan.order if load.key in memory.cut),
            version=kept.version,
        )

    def _with_metrics(self, tenant: str, plan: Plan) -> Plan:
        """Return a plan that knows what sockets of outlets draw."""
        mine = set(self.kept.addresses.all_of(tenant, outlets.NAME))
        order = tuple(
            structs.replace(load, metric=f"current_{load.params['socket']}")
            if load.metric is None and load.device in mine and load.params.get("socket") in ("a", "b")
            else load
            for load in plan.order
        )
        return structs.replace(plan, order=order)

    async def _check(self, tenant: str, plan: Plan) -> None:
        """Raise Invalid for what is not there, or cannot be told."""
        faults: list[Fault] = []
        for at, load in enumerate(plan.order):
            try:
                await self.commanding.prepare(tenant, load.device, Wish(method=load.method, params=load.params), "")
            except Refused as why:
                faults.append(Fault(f"order[{at}]", str(why)))
        there = {each.id for each in await self.kept.devices.these(tenant, {each.device for each in plan.protected})}
        for at, guarded in enumerate(plan.protected):
            if guarded.device not in there:
                faults.append(Fault(f"protected[{at}]", "There is no such device."))
        if faults:
            raise Invalid(" ".join(dict.fromkeys(fault.message for fault in faults)), faults)


def _merged(before: KeptPlan | None, change: Mapping[str, Any], breaker: int | None) -> Plan:
    """Return a plan with a change merged in; the first of a breaker has the limit of that. Raise Invalid."""
    usual = {} if breaker is None else {"metric": outlets.BREAKER_METRIC, "limit": breaker}
    whole = merge(usual if before is None else msgspec.to_builtins(before.plan), change)
    for name in ("metric", "limit"):
        if name not in whole:
            raise Invalid(f"Say the {name} of the plan.", [Fault(name, f"Say the {name}.")])
    try:
        return msgspec.convert(whole, Plan)
    except msgspec.ValidationError as wrong:
        said, _, path = str(wrong).partition(" - at `$.")
        raise Invalid(f"This is no plan. {sentence(said)}", [Fault(path.rstrip("`"), sentence(said))]) from None


def _wish(plan: Plan) -> dict[str, int]:
    """Return what is desired of a unit by the plan of its breaker, nothing by one of another metric; raise Invalid."""
    if plan.metric != outlets.BREAKER_METRIC:
        return {}
    wish = {outlets.THRESHOLD: round(plan.limit)}
    if wrong := outlets.wrong_threshold(outlets.CENTRAL, wish):
        raise Invalid(wrong.message, [Fault("limit", wrong.message)])
    return wish
