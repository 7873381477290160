"""A place, and what can be said of one."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import msgspec
from msgspec import Struct

from verger.base.errors import Fault, Invalid

DEEPEST = 16
_NAME_LONGEST = 200
_KIND_LONGEST = 60
_ADDRESS_LONGEST = 500
_ATTRIBUTES_BYTES = 16 << 10


class Place(Struct, frozen=True, kw_only=True):
    """A place; `timezone` is an IANA name, `latitude` and `longitude` degrees (WGS 84) or both None."""

    id: str
    name: str
    kind: str = "place"
    parent: str | None = None
    timezone: str = "UTC"
    latitude: float | None = None
    longitude: float | None = None
    address: str = ""
    attributes: dict[str, Any] = {}
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a place that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(fault.message for fault in faults), faults)


@cache
def _zones() -> frozenset[str]:
    # Listing the zones reads the disk, which nobody should wait for at every place that is read.
    return frozenset(available_timezones())


def _faults(place: Place) -> Iterable[Fault]:
    if not 1 <= len(place.name.strip()) <= _NAME_LONGEST:
        yield Fault("name", f"Give the place a name of 1 to {_NAME_LONGEST} characters.")
    if not 1 <= len(place.kind) <= _KIND_LONGEST:
        yield Fault("kind", "Say what kind of place it is, such as cottage, farm, room or branch.")
    if place.timezone not in _zones():
        yield Fault("timezone", "Write the time zone as its IANA name, such as Europe/Helsinki.")
    if (place.latitude is None) != (place.longitude is None):
        yield Fault("latitude", "Give latitude and longitude together, or neither.")
    if place.latitude is not None and not -90 <= place.latitude <= 90:
        yield Fault("latitude", "Latitude lies between -90 and 90 degrees.")
    if place.longitude is not None and not -180 <= place.longitude <= 180:
        yield Fault("longitude", "Longitude lies between -180 and 180 degrees.")
    if len(place.address) > _ADDRESS_LONGEST:
        yield Fault("address", f"Write the address in at most {_ADDRESS_LONGEST} characters.")
    if len(msgspec.json.encode(place.attributes)) > _ATTRIBUTES_BYTES:
        yield Fault("attributes", f"Attributes may hold {_ATTRIBUTES_BYTES >> 10} KiB of JSON.")


class Tree:
    """All places of one tenant, as the tree they are."""

    def __init__(self, places: Iterable[Place]) -> None:
        """Take the places in any order."""
        self.places = {place.id: place for place in places}
        self._children: dict[str | None, list[str]] = {}
        for place in self.places.values():
            self._children.setdefault(place.parent, []).append(place.id)

    def below(self, place: str) -> list[str]:
        """Return a place and everything below it, parents before children."""
        found = [place]
        for each in found:
            found += self._children.get(each, [])
        return found

    def above(self, place: str) -> list[str]:
        """Return what a place lies in, nearest first."""
        found: list[str] = []
        parent = self.places[place].parent if place in self.places else None
        while parent is not None and parent not in found:
            found.append(parent)
            parent = self.places[parent].parent
        return found

    def said(self, place: str, attribute: str) -> Any:
        """Return an attribute of a place, or of the nearest that it lies in and that has one; None without."""
        for each in (place, *self.above(place)):
            if each in self.places and attribute in self.places[each].attributes:
                return self.places[each].attributes[attribute]
        return None

    def check(self, place: Place) -> None:
        """Refuse a parent that is not there, lies below the place itself, or makes the tree too deep."""
        if place.parent is None:
            return
        if place.parent not in self.places:
            raise Invalid("There is no such place to put it in.", [Fault("parent", "There is no such place.")])
        if place.parent in self.below(place.id):
            raise Invalid(
                "A place cannot lie within itself.",
                [Fault("parent", "Choose a place that does not lie below this one.")],
            )
        deep = 1 + len(self.above(place.parent)) + self._height(place.id)
        if deep >= DEEPEST:
            raise Invalid(
                "The tree of places would grow too deep.", [Fault("parent", f"Places may lie {DEEPEST} levels deep.")]
            )

    def _height(self, place: str) -> int:
        return max((1 + self._height(child) for child in self._children.get(place, [])), default=0)
