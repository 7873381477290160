"""Leaving: when a device or a place goes, what is open about it ends, and who judged by it rests."""

from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock
from verger.base.db import after_commit
from verger.domain.alerts.store import AlertStore
from verger.domain.devices.store import DeviceStore
from verger.domain.rules.kept import RulesKept
from verger.flows.pausing import Pausing
from verger.flows.tending import KINDS, rule_id

_UUID = 36  # characters: what is open by another word than a rule's id is Verger's own


@dataclass(frozen=True)
class Leaving:
    """Ends alerts with what they are about, and lets no rule go on that names a device which is gone."""

    alerts: AlertStore
    rules: RulesKept
    devices: DeviceStore
    clock: Clock

    @property
    def pausing(self) -> Pausing:
        """Return what pauses rules."""
        return Pausing(self.rules, self.alerts, self.clock)

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
                await self.pausing.over(connection, tenant, rule.id)
                await self.rules.rules.remove(connection, tenant, rule.id)
            elif rule.runs:
                why = f"{name}, which it names, is gone."
                await self.pausing.pause(connection, tenant, rule, why, "Name another device in it, or remove it.")
            for renewed in self.rules.rules.listeners:
                after_commit(connection, partial(renewed, tenant, rule.id))

    async def place(self, connection: AsyncConnection, tenant: str, place: str) -> None:
        """End what is open about a place that is deleted, and what its rules, which went with it, had opened."""
        await self.alerts.leave(connection, tenant, self.clock.now(), place=place)
        told = {rule.rpartition(" ")[2] for rule in await self.alerts.rules_open(connection, tenant)}
        ours = {rule for rule in told if len(rule) == _UUID}
        for rule in ours - await self.rules.rules.there(connection, tenant, ours):
            await self.pausing.over(connection, tenant, rule)
