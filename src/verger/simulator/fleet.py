"""Fleets: so many devices of one family, each with its place in the world, as `verger simulate` asks for them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from verger.base.clock import Clock, SystemClock
from verger.base.errors import Invalid
from verger.simulator import boards, cottage, farm, outlet, ozone, plant
from verger.simulator.faults import Faults
from verger.simulator.growing import Growing
from verger.simulator.kinds import seed_of
from verger.simulator.life import Door, Life, Nature
from verger.simulator.plant import Pair
from verger.simulator.pots import Pot
from verger.simulator.rooms import Room

MQTT_PORT, HTTP_PORT = 1883, 8000
DEVICES = 3  # where nobody says how many


@dataclass(frozen=True)
class Wish:
    """What somebody wants of a fleet; what is None or empty is left to its family."""

    devices: int | None = None
    every_s: float | None = None
    firmware: str = ""
    faults: Mapping[str, float] = field(default_factory=dict)
    pairs: Sequence[Pair] = ()
    seed: int = 1
    pages: int | None = None  # the port of the first control unit's own pages
    clock: Clock = field(default_factory=SystemClock)


Make = Callable[[Wish, Door, list[Nature]], Iterator[Life]]


@dataclass(frozen=True)
class Firmware:
    """One generation of a family's devices: its port and pace where nobody names others, and how one is made."""

    port: int
    every_s: float
    make: Make


def _sensors(kind: type[cottage.Sensor]) -> Make:
    def make(wish: Wish, door: Door, natures: list[Nature]) -> Iterator[Life]:
        before = cottage.Eeprom()
        for each in natures:
            memory = before if each.faults.holds("code") else cottage.Eeprom()
            before = memory
            more = ("temperature", "humidity", "pressure") if each.number % 3 == 0 else ()
            yield kind(each, door, Room(each.seed, wish.clock.now(), wish.seed), memory, more)

    return make


def _machines(kind: Callable[[Nature, Door], Life]) -> Make:
    def make(_wish: Wish, door: Door, natures: list[Nature]) -> Iterator[Life]:
        return (kind(each, door) for each in natures)

    return make


def _pis(*, refreshes: bool) -> Make:
    def make(wish: Wish, door: Door, natures: list[Nature]) -> Iterator[Life]:
        for each, pair in zip(natures, wish.pairs, strict=False):
            pot = Pot(each.seed, wish.clock.now())
            yield plant.Pi(each, (door.host, door.port), pair, pot, refreshes=refreshes)

    return make


def _units(*, old: bool) -> Make:
    def make(wish: Wish, door: Door, natures: list[Nature]) -> Iterator[Life]:
        """Let each eight outlets have a unit, and its pages the port after those of the one before."""
        most = outlet.MOST_OUTLETS
        for number, first in enumerate(range(0, len(natures), most), 1):
            each = natures[number - 1]
            owned = outlet.names(min(most, len(natures) - first), first)
            behind = {name: outlet.outlet_of(name, each.seed) for name in owned}
            pages = wish.pages + number - 1 if wish.pages else wish.pages
            yield outlet.Unit(each, door, behind, old=old, pages=pages)

    return make


def _rooms(*, readme: bool) -> Make:
    def make(wish: Wish, door: Door, natures: list[Nature]) -> Iterator[Life]:
        """Let each three devices have a room."""
        for number, each in enumerate(natures[::3], 1):
            names = farm.names_of(number, f"farm-{wish.seed}")
            yield farm.GrowRoom(each, door, Growing(each.seed, wish.clock.now()), names, readme=readme)

    return make


def _boards(wish: Wish, door: Door, natures: list[Nature]) -> Iterator[Life]:
    return (boards.Board(each, door, Growing(each.seed, wish.clock.now())) for each in natures)


FAMILIES: dict[str, dict[str, Firmware]] = {
    "cottage": {
        "mqtt": Firmware(MQTT_PORT, cottage.EVERY_S, _sensors(cottage.Sensor)),
        "http": Firmware(HTTP_PORT, cottage.OLD_EVERY_S, _sensors(cottage.OldSensor)),
    },
    "ozone": {
        "mqtt": Firmware(MQTT_PORT, ozone.EVERY_S, _machines(ozone.OverMqtt)),
        "form": Firmware(HTTP_PORT, ozone.EVERY_S, _machines(ozone.ByForm)),
        "successor": Firmware(HTTP_PORT, ozone.POLLS_S, _machines(ozone.Successor)),
    },
    "plant": {
        "refreshing": Firmware(HTTP_PORT, plant.EVERY_S, _pis(refreshes=True)),
        "pi": Firmware(HTTP_PORT, plant.EVERY_S, _pis(refreshes=False)),
    },
    "outlet": {
        "v9": Firmware(HTTP_PORT, outlet.EVERY_S, _units(old=False)),
        "v1": Firmware(HTTP_PORT, outlet.EVERY_S, _units(old=True)),
    },
    "farm": {
        "flat": Firmware(MQTT_PORT, farm.EVERY_S, _rooms(readme=False)),
        "readme": Firmware(MQTT_PORT, farm.EVERY_S, _rooms(readme=True)),
        "board": Firmware(MQTT_PORT, boards.EVERY_S, _boards),
    },
}
"""Each family's generations, the usual one first."""


def firmware_of(dialect: str, name: str) -> Firmware:
    """Return a generation of a family, the usual one if none is named; raise Invalid."""
    known = FAMILIES[dialect]
    if name and name not in known:
        raise Invalid(f"{dialect} devices have no firmware {name}; choose one of {', '.join(known)}.")
    return known[name or next(iter(known))]


def fleet(dialect: str, door: Door, wish: Wish) -> list[Life]:
    """Return so many devices of a family; raise Invalid when what they need is missing."""
    firmware, count = firmware_of(dialect, wish.firmware), wish.devices
    if dialect == plant.NAME:
        count = len(wish.pairs) if count is None else count
        if not 0 < count <= len(wish.pairs):
            raise Invalid(
                f"{count} Pis need as many pairs, and {len(wish.pairs)} are given: add devices of the dialect plant in "
                "Verger and write the credentials that it shows, one a line, to a file for --pairs."
            )
    count = DEVICES if count is None else count
    if not 0 < count <= 10_000:
        raise Invalid(f"Between 1 and 10000 devices can be simulated at once, not {count}.")
    every_s = firmware.every_s if wish.every_s is None else wish.every_s
    if not 0.05 <= every_s <= 86_400:
        raise Invalid(f"A device measures every 0.05 to 86400 seconds, not every {every_s:g}.")
    natures = []
    for number in range(1, count + 1):
        seed = seed_of(wish.seed, f"{dialect} {number}")
        natures.append(Nature(number, seed, every_s, Faults(wish.faults, seed), wish.clock))
    return list(firmware.make(wish, door, natures))
