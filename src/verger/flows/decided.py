"""Decided: what a draft asks for, planned before it is written, and told once it is on disk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.memory import Decision
from verger.flows.acting import Acting, Plan
from verger.flows.court import Court
from verger.flows.minds import Draft, Key
from verger.flows.unheeded import undone


@dataclass(frozen=True)
class Decided:
    """Brings what a court has decided to whoever does it."""

    court: Court
    kept: RulesKept
    acting: Acting
    clock: Clock

    async def plans(self, draft: Draft, keys: Iterable[Key]) -> list[Plan]:
        """Return what is to be done for some rules, after what was seen of their open alerts before."""
        plans = []
        for key in keys:
            if (seen := self.court.minds.seen_of(draft, key)) is not None:
                plans.append(await self._plan(seen.rule, seen.decision, seen.times))
            plans += [await self._plan(*each) for each in draft.decisions.get(key, ())]
        return plans

    async def _plan(self, rule: Compiled, decision: Decision, times: int = 1) -> Plan:
        tenant = self.court.tenants[rule.rule.id]
        place, where = self.court.whereabouts(rule, decision.device)
        plan = await self.acting.plan(tenant, rule.rule, decision, place, where)
        plan.times = times
        return plan

    async def write(self, connection: AsyncConnection, plans: Iterable[Plan]) -> None:
        """Write what is to be done, within a transaction."""
        for plan in plans:
            await self.acting.write(connection, plan)

    def tell(self, plans: Sequence[Plan]) -> int:
        """Tell devices what is desired of them from now on; return how often rules fired."""
        for plan in plans:
            for desired in plan.desired:
                self.acting.desires.tell(desired)
        return sum(plan.decision.kind == "fire" for plan in plans)

    async def end(self, connection: AsyncConnection, draft: Draft) -> None:
        """Forget what rules knew of devices that are theirs no longer, with its alerts, and say what was lost."""
        alerts, now = self.acting.effects.alerts, self.clock.now()
        await self.kept.memories.forget(connection, [(rule, device or "") for rule, device in draft.gone])
        for (rule, device), tenant in draft.gone.items():
            await alerts.clear(connection, tenant, rule, device, now)
        for (_, subject), (judged, why) in draft.lost.items():
            place, _ = self.court.whereabouts(judged, subject)
            opening = undone(judged.rule, subject, place, f"do what it asks: {why}", now)
            await alerts.open(connection, self.court.tenants[judged.rule.id], opening)
