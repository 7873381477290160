"""Clearing: a place goes, and what was in it goes with it or elsewhere."""

from dataclasses import dataclass

from msgspec import structs

from verger.base.errors import Conflict, Fault, Invalid
from verger.base.plural import counted
from verger.domain.devices.kept import Kept
from verger.domain.places.store import PlaceStore
from verger.flows.provisioning import Provisioning


@dataclass(frozen=True)
class Clearing:
    """Takes places away without losing by accident what is in them."""

    places: PlaceStore
    kept: Kept
    provisioning: Provisioning

    async def clear(self, tenant: str, place: str, contents: str | None, to: str | None) -> None:
        """Delete a place; its contents are the reason not to (None), deleted ("delete") or moved to another ("move").

        Raise Missing, Conflict when there are contents and nothing was said of them, Invalid for a wrong `to`.
        """
        await self.places.get(tenant, place)
        below = (await self.places.tree(tenant)).below(place)
        if contents == "move":
            await self._move(tenant, place, below, to)
            below = [place]
        elif contents is None:
            await self._check_empty(tenant, place, below)
        else:
            for device in await self.kept.devices.at(tenant, below):
                await self.provisioning.retire(tenant, device.id)
        for each in reversed(below):
            await self.kept.devices.leave_place(tenant, each)
        await self.places.delete(tenant, reversed(below))
        self.provisioning.screens.changed(tenant)

    async def _check_empty(self, tenant: str, place: str, below: list[str]) -> None:
        devices = await self.kept.devices.at(tenant, below)
        if len(below) == 1 and not devices:
            return
        places = len(below) - 1
        inside = [counted(places, "place")] * bool(places) + [counted(len(devices), "device")] * bool(devices)
        are = "is" if (places or len(devices)) == 1 else "are"
        raise Conflict(
            f"There {are} {' and '.join(inside)} in it. Add contents=delete to delete them too, "
            "or contents=move&to=<place> to keep them."
        )

    async def _move(self, tenant: str, place: str, below: list[str], to: str | None) -> None:
        if to is None or to in below:
            raise Invalid("Say where its contents go.", [Fault("to", "Name a place that does not lie below this one.")])
        await self.places.get(tenant, to)
        for device in await self.kept.devices.at(tenant, [place]):
            await self.provisioning.change(tenant, structs.replace(device, place=to), {})
        await self.places.move_children(tenant, place, to)
