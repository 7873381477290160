"""Unheeded: a rule told a device something and nothing came of it, which somebody has to know."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds
from verger.domain.alerts.model import Opening, Severity, rank
from verger.domain.alerts.store import AlertStore
from verger.domain.commands.model import Command, Stage
from verger.domain.devices.kept import Kept
from verger.domain.rules.model import Rule
from verger.flows.court import Court

UNHEEDED = "unheeded"
"""How the alert of a rule that a device did not heed is known: this and the rule's id."""

_UNHEEDED = (Stage.failed, Stage.expired)
_HEEDED = (Stage.succeeded, Stage.acknowledged)


@dataclass(frozen=True)
class Unheeded:
    """Keeps one open alert for a rule and a device that it could not tell something, until it can."""

    kept: Kept
    alerts: AlertStore
    court: Court

    async def commanded(self, connection: AsyncConnection, tenant: str, command: Command) -> None:
        """Hear of a step of a command, within its transaction."""
        asked, _, name = command.asked_by.partition(":")
        rule = self.court.book.rule(tenant, name) if asked == "rule" else None
        if rule is None or command.noted:
            return
        at = microseconds(command.steps[-1].at)
        gone = self.kept.registry.known(command.device) is None  # nothing would ever end an alert about it
        if command.stage in _UNHEEDED and not gone:
            why = command.error or f"It {command.stage}."
            opening = await unheeded(self.kept, connection, tenant, rule.rule, command.device, why, at)
            await self.alerts.open(connection, tenant, opening)
        elif command.stage is Stage.succeeded or (command.stage in _HEEDED and command.one_way):
            await self.alerts.clear(connection, tenant, f"{UNHEEDED} {name}", command.device, at)


async def unheeded(
    kept: Kept, connection: AsyncConnection, tenant: str, rule: Rule, device: str, why: str, at: int
) -> Opening:
    """Return, within a transaction, that a device could not be told what a rule asks of it, and why."""
    known = kept.registry.known(device)
    named = await kept.devices.name(connection, tenant, device)
    place = rule.place if known is None else known.place
    return undone(rule, device or None, place, f"tell {named or 'a device'}: {why}", at)


def undone(rule: Rule, device: str | None, place: str | None, what: str, at: int) -> Opening:
    """Return that a rule could not do something."""
    return Opening(
        rule=f"{UNHEEDED} {rule.id}",
        device=device,
        place=place,
        severity=matters(rule),
        message=f"The rule {rule.name} could not {what}",
        at=at,
    )


def matters(rule: Rule) -> Severity:
    """Return how much it matters that a rule does not do what it should: as much as what it tells of, or a warning."""
    return max((Severity.warning, *(Severity(alert.severity) for alert in rule.alerts)), key=rank)
