"""Deriving: people say what is to be reckoned from what is measured."""

from dataclasses import dataclass

from verger.base.errors import Fault, Invalid
from verger.base.patch import meant_for
from verger.domain.derived.expression import metrics, parse
from verger.domain.derived.model import Derived
from verger.domain.derived.store import DerivedStore
from verger.domain.devices.registry import Registry
from verger.domain.devices.series import SeriesStore
from verger.domain.places.store import PlaceStore
from verger.flows.reckoning import Reckoning


@dataclass(frozen=True)
class Deriving:
    """Keeps derived metrics, checked against the place they are for."""

    store: DerivedStore
    series: SeriesStore
    places: PlaceStore
    registry: Registry
    reckoning: Reckoning

    async def add(self, tenant: str, derived: Derived) -> Derived:
        """Reckon a new one from now on; raise Invalid."""
        await self._check(tenant, derived)
        await self.store.add(tenant, derived)
        self.reckoning.forget(derived.id)
        return derived

    async def change(self, tenant: str, before: Derived, after: Derived, expected: int | None) -> Derived:
        """Reckon it otherwise from now on; raise Stale or Invalid."""
        meant_for(before.version, expected)
        await self._check(tenant, after)
        kept = await self.store.change(tenant, after)
        self.reckoning.forget(kept.id)
        await self._call(tenant, before, kept)
        return kept

    async def remove(self, tenant: str, derived: str, expected: int | None) -> None:
        """Reckon it no longer; what was reckoned stays."""
        meant_for((await self.store.get(tenant, derived)).version, expected)
        await self.store.remove(tenant, derived)
        self.reckoning.forget(derived)

    async def _call(self, tenant: str, before: Derived, after: Derived) -> None:
        """Let its series have its new name and unit, except where people gave them others."""
        old, new = ({"name": each.name, "unit": each.unit} for each in (before, after))
        if old == new:
            return
        below = (await self.places.tree(tenant)).below(after.place)
        mine = [known for known in self.registry.everyone() if known.tenant == tenant and known.place in below]
        showing = [known.device for known in mine if after.metric in known.series]
        await self.series.call(tenant, after.metric, showing, old, new)

    async def _check(self, tenant: str, derived: Derived) -> None:
        """Raise Invalid for a place or a device that is not there, or a device that lies elsewhere."""
        tree = await self.places.tree(tenant)
        if derived.place not in tree.places:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")])
        below = tree.below(derived.place)
        named = [("expression", each.device) for each in metrics(parse(derived.expression)) if each.device]
        for field, device in [*named, ("device", derived.device)]:
            known = self.registry.known(device) if device is not None else None
            if device is not None and (known is None or known.tenant != tenant or known.place not in below):
                sentence = f"{device} is no device at this place or below it."
                raise Invalid(sentence, [Fault(field, sentence)])
