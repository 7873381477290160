"""The database of plant-care devices: planters, what they measure and move, what they measured, and alerts."""

from collections.abc import Iterator

from verger.domain.imports.installation import Installation, OldDevice, OldEvent, Word
from verger.domain.imports.lines import Found
from verger.edges.moving.matching import There, Wanted
from verger.edges.moving.reading import Reading
from verger.edges.moving.rows import Row

NAME = "plant"
WANTED = (
    Wanted("Device", ("id", "name")),
    Wanted("Sensor", ("id", "device", "type"), ("unit",)),
    Wanted("Actuator", ("id", "device", "type"), there=False),
    Wanted("SensorReading", ("sensor", "recorded_at", "value_numeric")),
    Wanted("Alert", ("id", "device", "type", "created_at"), ("severity", "message", "resolved_at"), there=False),
)
_UNITS = {"C": "Cel", "°C": "Cel"}


def read(there: There) -> Installation:
    """Return what a database holds, but for secrets: each planter gets a new one."""
    reading = Reading(there)
    devices = {each.key: each for each in reading.each("Device", _device)}
    series: dict[str, tuple[str, str, str]] = {}
    for model in ("Sensor", "Actuator"):
        for row, kind in reading.each(model, _part):
            key = row.id("device")
            if key in devices:
                devices[key] = devices[key].measures(row.id("id"), kind)
                unit = row.text("unit")
                series[row.id("id")] = key, kind, _UNITS.get(unit, unit)

    def measured(row: Row) -> Iterator[Word]:
        found, value = series.get(row.id("sensor")), row.number("value_numeric")
        if found is None:
            raise ValueError("Its sensor is not there.")
        if value is None:
            raise ValueError("It has no value.")
        yield Found(row.line, found[0], found[1], row.time("recorded_at"), value, found[2])

    words = reading.words([("SensorReading", measured), ("Alert", _alerted)])
    return Installation([], [*devices.values()], words, reading.bad, there.count("SensorReading", "Alert"), there.left)


def _device(row: Row) -> OldDevice:
    row.needed("id")
    return OldDevice(key=row.id("id"), address=row.id("id"), name=row.text("name"))


def _part(row: Row) -> tuple[Row, str]:
    """Return what a planter measures or moves, by the type that it is of."""
    row.needed("id")
    return row, row.needed("type").lower()


def _alerted(row: Row) -> Iterator[Word]:
    data = row.about("severity", "message", "resolved_at")
    kind = f"alert.{row.needed('type').lower()}"
    yield OldEvent(row.line, row.id("device"), kind, row.time("created_at"), f"alert-{row.id('id')}", data)
