"""Limiting: what organisations and their devices may use, and what they use now."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from msgspec import Struct

from verger.base.bell import Bell
from verger.base.plural import counted
from verger.base.rates import Meter
from verger.base.settings import Settings
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import TypeLimits
from verger.domain.devices.registry import Known
from verger.domain.tenancy.limits import Limits, LimitStore
from verger.flows.oversight import Figure

_NONE = TypeLimits()


class Limit(Struct, frozen=True):
    """One limit of an organisation, and what is used of it where that can be counted: `of` says by whom."""

    name: str
    of: str
    value: int | str
    used: int | None = None


def usual(settings: Settings) -> Limits:
    """Return what an organisation may use that has no limits of its own."""
    return Limits(
        connections=settings.tenant_connections,
        data_points=settings.data_points_rate,
        messages=settings.message_rate,
        series=settings.series_per_device,
        attributes=settings.attributes_per_device,
        packet_bytes=settings.packet_bytes,
        api_per_s=settings.api_per_s,
        api_burst=settings.api_burst,
        inbox_messages=settings.inbox_messages,
        inbox_bytes=settings.inbox_bytes,
        inbox_days=settings.inbox_days,
        stranger_readings=settings.stranger_readings,
    )


@dataclass
class Limiting:
    """Tells every known device what it may use; a change is known at the next `look`, the `bell` rings for types."""

    kept: Kept
    store: LimitStore
    usual: Limits
    connections: Counter[str] = field(default_factory=Counter)
    turned_away: int = 0
    bell: Bell = field(default_factory=Bell)
    changed: list[Callable[[], None]] = field(default_factory=list)  # told once there are other limits
    _own: dict[str, dict[str, str]] = field(default_factory=dict)
    _tenants: dict[str, Limits] = field(default_factory=dict)
    _types: dict[tuple[str, str], TypeLimits] = field(default_factory=dict)
    _points: dict[str, Meter] = field(default_factory=dict)

    @classmethod
    async def over(cls, kept: Kept, store: LimitStore, settings: Settings) -> Self:
        """Tell the devices that are known, and any that comes, what they may use."""
        limiting = cls(kept, store, usual(settings), bell=kept.types.bell())
        await limiting.look()
        for known in kept.registry.everyone():
            limiting.allow(known)
        kept.registry.allow = limiting.allow
        return limiting

    async def look(self) -> None:
        """Learn which limits there are now, and tell the devices."""
        own, types = await self.store.everything(), await self.kept.types.limits()
        if (own, types) == (self._own, self._types):
            return
        self._own, self._types = own, types
        self._tenants = {tenant: self.usual.changed(limits) for tenant, limits in own.items()}
        for known in self.kept.registry.everyone():
            self.allow(known)
        for tell in self.changed:
            tell()

    def of(self, tenant: str) -> Limits:
        """Return what an organisation may use."""
        return self._tenants.get(tenant, self.usual)

    def inbox(self, known: Known) -> tuple[int, int, int]:
        """Return how many messages and bytes may wait for one session of a device, and for how many days."""
        limits, kind = self.of(known.tenant), self._types.get((known.tenant, known.kind or ""), _NONE)
        return (
            min(limits.inbox_messages, kind.inbox_messages or limits.inbox_messages),
            min(limits.inbox_bytes, kind.inbox_bytes or limits.inbox_bytes),
            min(limits.inbox_days, kind.inbox_days or limits.inbox_days),
        )

    def allow(self, known: Known) -> None:
        """Tell a device what it may use: what its organisation may, and no more than devices of its type."""
        limits, kind = self.of(known.tenant), self._types.get((known.tenant, known.kind or ""), _NONE)
        known.limit = min(limits.series, kind.series or limits.series)
        known.most_attributes = min(limits.attributes, kind.attributes or limits.attributes)
        known.packet_bytes = min(limits.packet_bytes, kind.packet_bytes or limits.packet_bytes)
        known.messages = _meter(known.messages, ",".join(filter(None, (limits.messages, kind.messages))))
        known.points = self._points[known.tenant] = _meter(self._points.get(known.tenant), limits.data_points)
        known.metered = bool(known.messages.rate or known.points.rate)
        known.rows.clear()

    def enter(self, tenant: str, *, again: bool) -> str:
        """Count a connection; return why there may be no more, empty when it is let in. `again`: in place of one."""
        most = self.of(tenant).connections
        if most and self.connections[tenant] >= most and not again:
            self.turned_away += 1
            return (
                f"Your organisation has {counted(most, 'connection')} already; close one, or ask the operator for more."
            )
        self.connections[tenant] += 1
        return ""

    def leave(self, tenant: str) -> None:
        """Count a connection no longer."""
        self.connections[tenant] -= 1

    def told(self, tenant: str) -> list[Limit]:
        """Return what an organisation may use, and what it uses now."""
        limits = self.of(tenant)
        mine = [known for known in self.kept.registry.everyone() if known.tenant == tenant]
        used = {
            "connections": self.connections[tenant],
            "series": max((len(known.series) for known in mine), default=0),
            "attributes": max((len(known.attributes) for known in mine), default=0),
        }
        return [Limit(name, _OF[name], getattr(limits, name), used.get(name)) for name in Limits.__struct_fields__]

    def figures(self) -> Iterator[Figure]:
        """Return what was turned away at a limit."""
        for name, count in {**self.kept.registry.over, "connections": self.turned_away}.items():
            labels = {"limit": name}
            yield Figure("limit_refused", "What was refused at a limit", count, grows=True, labels=labels)


_OF: dict[str, str] = {
    "connections": "organisation",
    "data_points": "organisation",
    "messages": "device",
    "series": "device",
    "attributes": "device",
    "packet_bytes": "device",
    "api_per_s": "caller",
    "api_burst": "caller",
    "inbox_messages": "session",
    "inbox_bytes": "session",
    "inbox_days": "session",
    "stranger_readings": "stranger",
}


def _meter(before: Meter | None, rate: str) -> Any:
    return before if before is not None and before.rate == rate else Meter(rate, 0)
