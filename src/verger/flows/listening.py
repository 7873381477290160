"""Listening: after how long each device is silent, by itself, its type and its gateway; a change is known at once."""

from verger.domain.devices.hearing import Hearing
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import DeviceType
from verger.domain.devices.registry import Known
from verger.domain.devices.silence import Silence, expected


class Listening:
    """Tells the hearing how to listen to each device that is known."""

    def __init__(self, kept: Kept, hearing: Hearing) -> None:
        """Know of no type yet."""
        self._kept, self._hearing = kept, hearing
        self._types: dict[tuple[str, str], tuple[Silence, list[float | None]]] = {}

    async def begin(self) -> None:
        """Tell it of every device, and of any that comes or changes."""
        for tenant, kind in await self._kept.types.everything():
            self._learn(tenant, kind)
        self._kept.types.changed = self._learn_and_expect
        self.stand()
        for known in self._kept.registry.everyone():
            self._expect(known)
        self._kept.registry.expect = self._expect

    def _learn(self, tenant: str, kind: DeviceType) -> None:
        self._types[tenant, kind.key] = kind.silence, [metric.every_s for metric in kind.metrics]

    def _learn_and_expect(self, tenant: str, kind: DeviceType) -> None:
        self._learn(tenant, kind)
        for known in self._kept.registry.everyone():
            if (known.tenant, known.kind) == (tenant, kind.key):
                self._expect(known)

    def _expect(self, known: Known) -> None:
        self._hearing.grow(self._kept.registry.slots)
        silence, intervals = self._types.get((known.tenant, known.kind or ""), (Silence(), []))
        self._hearing.expect(known.slot, expected(known.silence, silence, intervals))

    def stand(self) -> None:
        """Know who stands behind which gateway by now."""
        self._hearing.grow(self._kept.registry.slots)
        moved = self._kept.relays.moved
        if not moved:
            return
        for device in moved:
            known = self._kept.registry.known(device)
            gateway = self._kept.registry.known(self._kept.relays.gateway_of(device) or "")
            if known is not None:
                self._hearing.stand(known.slot, -1 if gateway is None else gateway.slot)
        moved.clear()
