"""Leaving: when a device or a place goes, what is open about it ends, and who judged by it rests."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import after_commit
from verger.domain.alerts.model import Opening, Severity
from verger.domain.alerts.store import AlertStore
from verger.domain.devices.store import DeviceStore
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.store import KeptRule
from verger.flows.ruling import PAUSED
from verger.flows.tending import KINDS, rule_id

_UUID = 36  # characters: what is open by another word than a rule's id is Verger's own


@dataclass(frozen=True)
class Leaving:
    """Ends alerts with what they are about, and lets no rule go on that names a device which is gone."""

    alerts: AlertStore
    rules: RulesKept
    devices: DeviceStore
    clock: Clock

    async def device(self, connection: AsyncConnection, tenant: str, device: str) -> None:
        """End what is open about a device that is retired; rules that name it are paused, its own profile goes."""
        await self.alerts.leave(connection, tenant, self.clock.now(), device=device)
        found = [rule for rule in await self.rules.rules.naming(connection, tenant, device) if device in rule.devices]
        if not found:
            return
        own = {rule_id(device, kind) for kind in KINDS}
        name = next((each.name for each in await self.devices.these(tenant, [device])), "")
        for rule in found:
            if rule.id in own:
                await self._over(connection, tenant, rule.id)
                await self.rules.rules.remove(connection, tenant, rule.id)
            elif rule.runs:
                await self._pause(connection, tenant, rule, f"{name}, which it names, is gone.")
            for renewed in self.rules.rules.listeners:
                after_commit(connection, partial(renewed, tenant, rule.id))

    async def place(self, connection: AsyncConnection, tenant: str, place: str) -> None:
        """End what is open about a place that is deleted, and what its rules, which went with it, had opened."""
        await self.alerts.leave(connection, tenant, self.clock.now(), place=place)
        told = {rule.removeprefix(f"{PAUSED} ") for rule in await self.alerts.rules_open(connection, tenant)}
        ours = {rule for rule in told if len(rule) == _UUID}
        for rule in ours - await self.rules.rules.there(connection, tenant, ours):
            await self._over(connection, tenant, rule)

    async def _pause(self, connection: AsyncConnection, tenant: str, rule: KeptRule, why: str) -> None:
        await self._over(connection, tenant, rule.id)
        await self.rules.rules.pause(connection, tenant, rule.id, moment(self.clock.now()), why)
        await self.rules.memories.forget_rule(connection, tenant, rule.id)
        told = f"The rule {rule.name} was paused. {why} Name another device in it, or remove it."
        opening = Opening(
            rule=f"{PAUSED} {rule.id}",
            device=None,
            place=rule.place,
            severity=Severity.warning,
            message=told,
            at=self.clock.now(),
        )
        await self.alerts.open(connection, tenant, opening)

    async def _over(self, connection: AsyncConnection, tenant: str, rule: str) -> None:
        now = self.clock.now()
        await self.alerts.clear_rule(connection, tenant, rule, now)
        await self.alerts.clear(connection, tenant, f"{PAUSED} {rule}", None, now)
