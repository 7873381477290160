"""What of another system's installation is moved in, and what came of it."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from verger.base.errors import Invalid
from verger.domain.imports.installation import Bad, Installation, OldDevice, OldPlace

MOST_FAULTS = 50
_TURN = 2_000


class RowFault(Struct, frozen=True):
    """What is wrong with one row of a table, by its number; the first is 1."""

    table: str
    row: int
    message: str


class Part(Struct, frozen=True):
    """How many there are of one kind, and how many of them are, or on a trial would be, new here."""

    found: int = 0
    new: int = 0


class Moved(Struct, frozen=True, kw_only=True):
    """What an installation holds, and what came of it.

    `faults` tells the first of the `faulty` rows. `left` are the rows of each table of which nothing is taken,
    `elsewhere` those of devices that were not asked for.
    """

    trial: bool
    places: Part
    devices: Part
    readings: Part
    events: Part
    faulty: int
    faults: tuple[RowFault, ...]
    elsewhere: int
    left: dict[str, int]
    first: str | None
    last: str | None


class Chosen:
    """What of an installation was asked for."""

    def __init__(self, installation: Installation, only: str) -> None:
        """Take all of it, or the places of one name with what lies in them; raise Invalid where there is none."""
        self.installation = installation
        self.places: list[OldPlace] = _parents_first(installation.places)
        self.devices: Sequence[OldDevice] = installation.devices
        if only:
            keys = {place.key for place in self.places if place.name == only}
            if not keys:
                names = ", ".join(sorted({place.name for place in self.places})) or "none"
                raise Invalid(f"No place there is called {only}; there are {names}.")
            for place in self.places:
                if place.within in keys:
                    keys.add(place.key)
            self.places = [place for place in self.places if place.key in keys]
            self.devices = [device for device in self.devices if device.place in keys]
        self.others = {device.key for device in installation.devices} - {device.key for device in self.devices}
        self.rows = installation.rows

    def look(self, going: Callable[[], None], earliest: int) -> dict[str, int]:
        """Return when each device first said something; what lies in no time that can be does not count."""
        since: dict[str, int] = {}
        self.rows = 0
        for word in self.installation.words():
            self.rows += 1
            if not isinstance(word, Bad) and word.at < since.get(word.device, 1 << 62) and word.at >= earliest:
                since[word.device] = word.at
            if self.rows % _TURN == 0:
                going()
        return since


def _parents_first(places: Sequence[OldPlace]) -> list[OldPlace]:
    """Return places, each after the one that it lies in; one that lies in nothing that is there stands first."""
    keys = {place.key for place in places}
    done: dict[str, OldPlace] = {}
    waiting = list(places)
    while waiting:
        ready = [place for place in waiting if place.within not in keys or place.within in done]
        if not ready:  # they lie in each other
            return [*done.values(), *waiting]
        done |= {place.key: place for place in ready}
        waiting = [place for place in waiting if place.key not in done]
    return list(done.values())
