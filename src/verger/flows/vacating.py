"""Vacating: a place goes for good, with all that was ever measured or said while devices were there."""

from dataclasses import dataclass

from verger.base.clock import microseconds
from verger.domain.deletions.model import Deletion, Part
from verger.domain.devices.model import Stay
from verger.domain.places.store import PlaceStore
from verger.flows.retiring import Retiring


@dataclass(frozen=True)
class Vacating:
    """Deletes places for good."""

    places: PlaceStore
    retiring: Retiring

    async def erase(self, tenant: str, place: str, asked_by: str) -> Deletion:
        """Delete a place, what lies below it, and all data of the time that devices were there; raise Missing.

        A device that was never elsewhere goes whole. Of any other all goes that it said while it was there.
        """
        await self.places.get(tenant, place)
        below = (await self.places.tree(tenant)).below(place)
        parts = await self._parts(tenant, set(below))
        provisioning = self.retiring.provisioning
        there = await provisioning.kept.devices.at(tenant, below)
        deletion = await self.retiring.erasing.begin(tenant, asked_by, "place", place, parts)
        for device in there:
            provisioning.wire.drop(device.id)
        provisioning.screens.changed(tenant)
        return deletion

    async def _parts(self, tenant: str, below: set[str]) -> list[Part]:
        stays: dict[str, list[Stay]] = {}
        for stay in await self.retiring.provisioning.kept.devices.every_stay(tenant):
            stays.setdefault(stay.device, []).append(stay)
        here = {device: where for device, where in stays.items() if any(stay.place in below for stay in where)}
        parts = []
        for part in await self.retiring.parts(tenant, list(here)):
            where = here[part.device]
            if all(stay.place in below for stay in where):
                parts.append(part)
                continue
            for number, stay in enumerate(where):
                if stay.place in below:
                    start = microseconds(stay.since) if number else 0
                    end = None if stay.until is None else microseconds(stay.until)
                    parts.append(Part(part.device, part.series, start, end))
        return parts
