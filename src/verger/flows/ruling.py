"""Ruling: people write rules, change them, and let them go."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import structlog
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock
from verger.base.errors import Fault, Forbidden, Invalid
from verger.base.pages import Asked, Page
from verger.base.patch import meant_for
from verger.base.plural import span
from verger.domain.alerts.store import AlertStore
from verger.domain.devices.kept import Kept
from verger.domain.places.store import PlaceStore
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.adjusting import moved, renamed
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.oversights import may_be
from verger.domain.rules.runs import Run
from verger.flows.pausing import PAUSED
from verger.flows.stranded import STRANDED, as_it_stands, waits_for_sun
from verger.flows.unheeded import UNHEEDED
from verger.flows.vetting import Vetting

log = structlog.get_logger()


class Judge(Protocol):
    """Who judges by the rules."""

    def still(self) -> AbstractAsyncContextManager[None]:
        """Judge nothing meanwhile."""
        ...

    def renewed(self, tenant: str, rule: str, *, forget: bool) -> None:
        """Judge by what a tenant's rules say now; remember of this one what it knew, or forget it."""
        ...


@dataclass(frozen=True)
class Ruling:
    """Keeps rules, checked against the place they are for, and has them judged by from then on."""

    kept: RulesKept
    vetting: Vetting
    alerts: AlertStore
    judge: Judge
    clock: Clock

    @property
    def devices(self) -> Kept:
        """Return what is kept of devices."""
        return self.vetting.devices

    @property
    def places(self) -> PlaceStore:
        """Return where places are kept."""
        return self.vetting.places

    async def page(self, tenant: str, asked: Asked, place: str | None = None) -> Page[KeptRule]:
        """Return a page of rules, all or those of a place and what lies below it; raise Missing."""
        places = None if place is None else await self.places.below(tenant, place)
        found = await self.kept.rules.page(tenant, asked, places)
        return Page(await self._as_they_stand(tenant, found.items), found.next)

    async def get(self, tenant: str, rule: str) -> KeptRule:
        """Return one rule, with what keeps it from judging at its place; raise Missing."""
        [found] = await self._as_they_stand(tenant, [await self.kept.rules.get(tenant, rule)])
        return found

    async def _as_they_stand(self, tenant: str, rules: Sequence[KeptRule]) -> list[KeptRule]:
        if not any(map(waits_for_sun, rules)):
            return list(rules)
        places = (await self.places.tree(tenant)).places
        return [as_it_stands(rule, places.get(rule.place)) for rule in rules]

    async def runs(self, tenant: str, rule: str, asked: Asked) -> Page[Run]:
        """Return a page of the runs of a rule, the newest first; raise Missing."""
        await self.kept.rules.get(tenant, rule)
        return await self.kept.runs.page(tenant, rule, asked)

    async def add(self, tenant: str, rule: KeptRule) -> KeptRule:
        """Keep a new rule and judge by it; raise Invalid."""
        await self.vetting.check(tenant, rule)
        async with self.judge.still():
            async with self.kept.db.writing() as connection:
                await self.kept.rules.add(connection, tenant, rule)
            self.judge.renewed(tenant, rule.id, forget=True)
        return rule

    async def change(self, tenant: str, before: KeptRule, after: KeptRule, expected: int | None) -> KeptRule:
        """Keep a changed rule; one that was paused judges again. Raise Stale or Invalid.

        It goes on with what it remembers unless it judges something else from now on: then its alerts end too, as do
        those of devices that it leaves alone from now on. One that would be refused today may still be switched off.
        """
        meant_for(before.version, expected)
        after = structs.replace(after, paused_at=None, paused_because=None)
        if after != structs.replace(before, enabled=False, paused_at=None, paused_because=None):
            await self.vetting.check(tenant, after, before)
            after = structs.replace(after, objection=None, unfit=False)
        return await self._keep(tenant, before, after)

    async def _keep(self, tenant: str, before: KeptRule, after: KeptRule) -> KeptRule:
        forget = _judged(before) != _judged(after) or before.paused_at is not None
        async with self.judge.still():
            async with self.kept.db.writing() as connection:
                kept = await self.kept.rules.change(connection, tenant, after, anew=forget)
                now = self.clock.now()
                if after.paused_at is None:
                    await self.alerts.clear(connection, tenant, f"{PAUSED} {after.id}", None, now)
                for word in (UNHEEDED, STRANDED):
                    await self.alerts.clear_rule(connection, tenant, f"{word} {after.id}", now)
                await self._let_go(connection, tenant, after.id, set(after.not_for) - set(before.not_for))
                if forget:
                    await self.kept.memories.forget_rule(connection, tenant, after.id)
                    await self.alerts.clear_rule(connection, tenant, after.id, now)
            self.judge.renewed(tenant, after.id, forget=forget)
        return kept

    async def adjust(self, tenant: str, rule: str, numbers: dict[str, float], expected: int | None) -> KeptRule:
        """Move thresholds, all at once, as far as members may; raise Missing, Forbidden, Invalid or Stale."""
        before = await self.kept.rules.get(tenant, rule)
        faults: list[Fault] = []
        for path, number in numbers.items():
            leeway = before.limits.get(path)
            if leeway is None:
                raise Forbidden(f"Members may not change {path[:200]} of this rule; ask a manager.")
            if not may_be(leeway, number):
                faults.append(Fault(path, f"Write a number {span(leeway.low, leeway.high)}."))
        if faults:
            raise Invalid(" ".join(f"{fault.field}: {fault.message}" for fault in faults), faults)
        return await self.change(tenant, before, moved(before, numbers), expected)

    async def spare(self, tenant: str, rule: str, device: str, *, spared: bool = True) -> None:
        """Let a rule leave a device alone, or no longer; in all else it goes on as it is. Raise Missing."""
        async with self.judge.still():
            before = await self.kept.rules.get(tenant, rule)
            if (device in before.not_for) == spared:
                return
            others = tuple(each for each in before.not_for if each != device)
            after = structs.replace(before, not_for=(*others, device) if spared else others)
            async with self.kept.db.writing() as connection:
                await self.kept.rules.change(connection, tenant, after)
                await self._let_go(connection, tenant, rule, {device})
            self.judge.renewed(tenant, rule, forget=False)

    async def _let_go(self, connection: AsyncConnection, tenant: str, rule: str, devices: set[str]) -> None:
        """Remember nothing of devices that a rule leaves alone from now on, and end its alerts about them."""
        await self.kept.memories.forget(connection, [(rule, device) for device in devices])
        for device in devices:
            await self.alerts.clear(connection, tenant, rule, device, self.clock.now())

    async def hand_over(self, tenant: str, device: str, to: str) -> None:
        """Let the rules that name a device name another one; those that cannot be so stay as they are."""
        async with self.kept.db.reading() as connection:
            found = await self.kept.rules.naming(connection, tenant, device)
        for before in found:
            if device in before.devices or device in before.not_for:
                spared = tuple(to if each == device else each for each in before.not_for)
                after = structs.replace(renamed(before, device, to), not_for=spared)
                try:
                    await self.vetting.check(tenant, after, before)
                    await self._keep(tenant, before, after)
                except Invalid as why:
                    log.warning("a rule does not take the other device", rule=before.id, why=str(why))

    async def remove(self, tenant: str, rule: str, expected: int | None) -> None:
        """Let a rule go; its alerts end."""
        meant_for((await self.kept.rules.get(tenant, rule)).version, expected)
        async with self.judge.still():
            async with self.kept.db.writing() as connection:
                now = self.clock.now()
                await self.alerts.clear_rule(connection, tenant, rule, now)
                for word in (PAUSED, UNHEEDED, STRANDED):
                    await self.alerts.clear_rule(connection, tenant, f"{word} {rule}", now)
                await self.kept.rules.remove(connection, tenant, rule)
            self.judge.renewed(tenant, rule, forget=True)


def _judged(rule: KeptRule) -> tuple[object, ...]:
    """Return what a rule's memory and open alerts rest on."""
    return rule.when, rule.only_if, rule.place, rule.runs, [action.alert for action in rule.then if action.alert]
