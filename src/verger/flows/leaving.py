"""Leaving: when a device or a place goes, what is open about it ends in the same transaction."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock
from verger.domain.alerts.store import AlertStore


@dataclass(frozen=True)
class Leaving:
    """Ends alerts with what they are about."""

    alerts: AlertStore
    clock: Clock

    async def device(self, connection: AsyncConnection, tenant: str, device: str) -> None:
        """End what is open about a device that is retired."""
        await self.alerts.leave(connection, tenant, self.clock.now(), device=device)

    async def place(self, connection: AsyncConnection, tenant: str, place: str) -> None:
        """End what is open about a place that is deleted."""
        await self.alerts.leave(connection, tenant, self.clock.now(), place=place)
