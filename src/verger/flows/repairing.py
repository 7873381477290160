"""Repairing: what a device reports other than it is desired is desired of it again, if its type says so."""

from verger.base.clock import MINUTE, SECOND, Clock
from verger.base.errors import Missing
from verger.domain.devices.kept import Kept
from verger.domain.telemetry.model import Attributes, Batch, Told
from verger.flows.ports import Wire

_FRESH = 10 * SECOND  # for so long is known what a type repairs
_REST = MINUTE  # between two repairs of one attribute, should the device not give in
_OLD = 10 * MINUTE  # what is reported of a time so long past says nothing of now


class Repairing:
    """A follower of the log. It tells what is desired as people do, and never more often than once a minute."""

    name = "repairing"

    def __init__(self, kept: Kept, wire: Wire, clock: Clock) -> None:
        """Know of no drift; `repaired` only grows."""
        self.repaired = 0
        self._kept, self._wire, self._clock = kept, wire, clock
        self._types: dict[tuple[str, str], tuple[int, frozenset[str]]] = {}
        self._last: dict[tuple[str, str], int] = {}

    async def take(self, batch: Batch) -> None:
        """Look at what was reported in one record."""
        for told in batch.told:
            known = self._kept.registry.known(told.device)
            if isinstance(told.said, Attributes) and known is not None and known.kind is not None:
                await self._look(told, told.said, known.kind)

    def settled(self) -> int | None:
        """Return None: what is to be repaired shows with the next report."""
        return None

    async def _look(self, told: Told, said: Attributes, kind: str) -> None:
        now = self._clock.now()
        looked_after = await self._repairs(told.tenant, kind, now) & said.values.keys()
        if not looked_after or now - (said.at or now) > _OLD:
            return
        state = (await self._kept.attributes.of(told.tenant, [told.device])).get(told.device)
        desired = state.desired if state else {}
        drifted = [key for key in looked_after if key in desired and desired[key] != said.values[key]]
        due = [key for key in sorted(drifted) if abs(now - self._last.get((told.device, key), 0)) >= _REST]
        if due:
            await self._repair(told, {key: desired[key] for key in due}, now)

    async def _repair(self, told: Told, values: dict[str, object], now: int) -> None:
        try:
            device = await self._kept.devices.get(told.tenant, told.device)
        except Missing:
            return
        self._last = {each: at for each, at in self._last.items() if now - at < _REST}
        self._last |= dict.fromkeys([(told.device, key) for key in values], now)
        self._wire.desire(device, values, ())
        self.repaired += len(values)
        sentence = f"It reported {', '.join(values)} other than desired, and was told again."
        self._kept.remarks.note(told.tenant, told.device, "drift", sentence)

    async def _repairs(self, tenant: str, kind: str, now: int) -> frozenset[str]:
        """Return which attributes are looked after."""
        looked, repairs = self._types.get((tenant, kind), (-_FRESH, frozenset[str]()))
        if not 0 <= now - looked < _FRESH:
            try:
                repairs = frozenset((await self._kept.types.get(tenant, kind)).repairs)
            except Missing:
                repairs = frozenset()
            self._types[tenant, kind] = (now, repairs)
        return repairs
