"""CottagePilot's database: cottages, sensors by their physical device, and what they measured."""

from collections.abc import Iterator

from verger.domain.devices.families import CHANNELS, identity, sensor
from verger.domain.imports.installation import Installation, OldDevice, OldPlace, Word
from verger.domain.imports.lines import Found
from verger.edges.moving.matching import There, Wanted
from verger.edges.moving.reading import Reading, Rooms
from verger.edges.moving.rows import Row

NAME = "cottage"
WANTED = (
    Wanted("CottageInstanceModel", ("id", "name"), ("address",), there=False),
    Wanted("Sensor", ("id", "sensor_id"), ("type", "unit", "location", "owner")),
    Wanted("SensorData", ("sensor", "value", "timestamp")),
)
_UNITS = {"°c": "Cel", "c": "Cel", "celsius": "Cel", "hpa": "hPa", "lux": "lx"}


def read(there: There) -> Installation:
    """Return what a database holds; sensors of one physical device are one device."""
    reading = Reading(there)
    rooms = Rooms(reading.each("CottageInstanceModel", _place))
    devices: dict[str, OldDevice] = {}
    series: dict[str, tuple[str, str, str]] = {}
    for row in reading.each("Sensor", _sensor):
        name, unit = row.text("sensor_id"), row.text("unit")
        key, metric = identity(NAME, name), _metric(row)
        room = rooms.at(row.text("owner"), row.text("location"))
        known = devices.setdefault(key, OldDevice(key=key, address=name, name=key, place=room))
        if any(other != name and measured == metric for other, measured in known.channels.items()):
            metric = name
        devices[key] = known.measures(name, metric)
        series[row.id("id")] = series[name] = key, metric, _UNITS.get(unit.lower(), unit)

    def measured(row: Row) -> Iterator[Word]:
        found, value = series.get(row.id("sensor")), row.number("value")
        if found is None:
            raise ValueError("Its sensor is not there.")
        if value is None:
            raise ValueError("It has no value.")
        key, metric, unit = found
        yield Found(row.line, key, metric, row.time("timestamp"), value, unit)

    words = reading.words([("SensorData", measured)])
    return Installation(rooms.all, [*devices.values()], words, reading.bad, there.count("SensorData"), there.left)


def _place(row: Row) -> OldPlace:
    return OldPlace(key=row.needed("id"), name=row.needed("name"), kind="cottage", address=row.text("address"))


def _sensor(row: Row) -> Row:
    row.needed("sensor_id")
    return row


def _metric(row: Row) -> str:
    """Return what a sensor measures, by its id, else by its type."""
    _, metric = sensor(row.text("sensor_id"))
    kind = row.text("type")
    return CHANNELS.get(kind, kind) if metric == "value" and kind else metric
