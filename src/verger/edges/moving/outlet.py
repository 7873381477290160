"""The database of power outlets: control units, the outlets behind them, what flowed, and what people did."""

from collections.abc import Iterator

from verger.domain.devices.families import identity
from verger.domain.devices.outlets import central
from verger.domain.imports.installation import Installation, OldDevice, OldEvent, Word
from verger.domain.imports.lines import Found
from verger.edges.moving.matching import There, Wanted
from verger.edges.moving.reading import Reading, Rooms
from verger.edges.moving.rows import Row

NAME = "outlet"
WANTED = (
    Wanted("CentralControlUnit", ("id", "ccu_id"), ("name", "location"), there=False),
    Wanted("Outlet", ("id", "device_id"), ("name", "location", "ccu")),
    Wanted("SensorData", ("outlet", "current_a", "current_b", "timestamp"), ("is_overload",)),
    Wanted("MainBreakerReading", ("ccu_id", "current_ma", "timestamp"), there=False),
    Wanted("EventLog", ("id", "action_type", "target_device", "timestamp"), ("source", "details"), there=False),
)
OVERLOAD = 65_535
_HAPPENED = {
    "TOGGLE_RELAY": "relay.toggled",
    "SET_THRESHOLD": "threshold.set",
    "THRESHOLD_EXCEEDED": "threshold.exceeded",
}


def read(there: There) -> Installation:
    """Return what a database holds; an outlet stands where its location says."""
    reading, rooms = Reading(there), Rooms([])
    units = reading.each("CentralControlUnit", lambda row: (row.needed("id"), _unit(row, rooms)))
    known = {key: unit.key for key, unit in units}
    outlets = reading.each("Outlet", lambda row: (row.needed("id"), _outlet(row, rooms, known)))
    names = {key: outlet.key for key, outlet in outlets}
    devices = {each.key: each for _, each in (*units, *outlets)}
    for row in reading.each("MainBreakerReading", lambda row: row if row.text("ccu_id") else None, quietly=True):
        key = central(row.text("ccu_id"))
        devices.setdefault(key, OldDevice(key=key, address=key, name=key))
    overloaded: dict[str, bool] = {}

    def flowed(row: Row) -> Iterator[Word]:
        if (key := names.get(row.needed("outlet"))) is None:
            raise ValueError("Its outlet is not there.")
        yield from currents(row, key, overloaded)

    parts = [("SensorData", flowed), ("MainBreakerReading", breaker), ("EventLog", lambda row: _happened(row, devices))]
    words, rows = reading.words(parts), there.count(*(model for model, _ in parts))
    return Installation(rooms.all, [*devices.values()], words, reading.bad, rows, there.left)


def _unit(row: Row, rooms: Rooms) -> OldDevice:
    key = central(row.needed("ccu_id"))
    return OldDevice(key=key, address=key, name=row.text("name") or key, place=rooms.at("", row.text("location")))


def _outlet(row: Row, rooms: Rooms, units: dict[str, str]) -> OldDevice:
    key = identity(NAME, row.needed("device_id"))
    gateway = units.get(row.text("ccu"))
    place = rooms.at("", row.text("location"))
    return OldDevice(key=key, address=key, name=row.text("name") or key, place=place, gateway=gateway)


def currents(row: Row, key: str, overloaded: dict[str, bool]) -> Iterator[Word]:
    """Give what flowed through both sockets of an outlet; an overload is an event, once for as long as it lasts."""
    at = row.time("timestamp")
    told = {name: row.number(name) for name in ("current_a", "current_b")}
    tripped = OVERLOAD in told.values() or row.flag("is_overload") is True
    for name, value in told.items():
        if value is not None and 0 <= value < OVERLOAD:
            yield Found(row.line, key, name, at, value, "mA")
    if tripped and not overloaded.get(key):
        sockets = [name[-1] for name, value in told.items() if value == OVERLOAD]
        yield OldEvent(row.line, key, "overload.tripped", at, f"overload-{at}", {"sockets": sockets})
    overloaded[key] = tripped


def breaker(row: Row) -> Iterator[Word]:
    """Give what flowed through the main breaker of a control unit."""
    key, value = central(row.needed("ccu_id")), row.number("current_ma")
    if value is not None and value >= 0:
        yield Found(row.line, key, "current_ma", row.time("timestamp"), value, "mA")


def _happened(row: Row, devices: dict[str, OldDevice]) -> Iterator[Word]:
    """Give what people did, of the outlet that they did it to; overloads are told by what flowed."""
    kind = _HAPPENED.get(row.needed("action_type"))
    target = row.text("target_device").removeprefix("0x").removeprefix("0X")
    key = identity(NAME, target) if target else ""
    if kind is not None and key in devices:
        data = row.about("source", "details")
        yield OldEvent(row.line, key, kind, row.time("timestamp"), f"log-{row.text('id')}", data)
