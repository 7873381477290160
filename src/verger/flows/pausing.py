"""Pausing: Verger lets a rule judge no longer, and says why where people look."""

from dataclasses import dataclass

import structlog
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.domain.alerts.model import Opening
from verger.domain.alerts.store import AlertStore
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.model import Rule
from verger.flows.unheeded import UNHEEDED, matters

PAUSED = "paused"
"""How the alert of a rule that was paused is known: this and the rule's id."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Pausing:
    """Pauses rules within the transaction of whatever is the reason."""

    kept: RulesKept
    alerts: AlertStore
    clock: Clock

    async def pause(self, connection: AsyncConnection, tenant: str, rule: Rule, why: str, advice: str) -> None:
        """Pause a rule, and open an alert that matters as much as any that it might have opened.

        What it has opened stays open: it may hold still, and nobody watches whether it ends. What was true at a moment
        ends by itself.
        """
        await self.kept.rules.pause(connection, tenant, rule.id, moment(self.clock.now()), why)
        await self.kept.memories.forget_rule(connection, tenant, rule.id)
        if rule.momentary:
            await fade(self.alerts, connection, tenant, rule.id)
        opening = Opening(
            rule=f"{PAUSED} {rule.id}",
            device=None,
            place=rule.place,
            severity=matters(rule),
            message=f"The rule {rule.name} was paused. {why} {advice}",
            at=self.clock.now(),
        )
        await self.alerts.open(connection, tenant, opening)
        log.warning("a rule was paused", rule=rule.id, why=why)

    async def over(self, connection: AsyncConnection, tenant: str, rule: str) -> None:
        """End the alerts of a rule, and those about itself."""
        for about in (rule, f"{PAUSED} {rule}", f"{UNHEEDED} {rule}"):
            await self.alerts.clear_rule(connection, tenant, about, self.clock.now())


async def fade(alerts: AlertStore, connection: AsyncConnection, tenant: str, rule: str) -> None:
    """Let what is open for a rule end by itself after a while, since the rule does not look after it any longer."""
    for alert in await alerts.of_rule(connection, tenant, rule):
        await alerts.save(connection, tenant, structs.replace(alert, momentary=True))
