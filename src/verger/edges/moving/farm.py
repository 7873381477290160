"""The database of mushroom farms: farms, rooms, devices, what they measured, and what was notified."""

from collections.abc import Iterator

from verger.domain.imports.installation import Installation, OldDevice, OldEvent, OldPlace, Word
from verger.edges.moving.matching import There, Wanted
from verger.edges.moving.reading import Reading, readings
from verger.edges.moving.rows import Row

NAME = "farm"
MEASURED = {
    "temperature_c": "temperature",
    "humidity_pct": "humidity",
    "co2_ppm": "co2",
    "light_lux": "light",
    "substrate_moisture": "substrate_moisture",
    "battery_v": "battery_voltage",
}
WANTED = (
    Wanted("Farm", ("farm_id", "name"), ("location",)),
    Wanted("Room", ("room_id", "farm_id", "name"), ("description", "mushroom_type", "stage")),
    Wanted("Device", ("device_id", "room_id", "name")),
    Wanted("SensorData", ("device_id", "recorded_at"), tuple(MEASURED)),
    Wanted("Notification", ("notification_id", "device_id", "level", "message", "created_at"), there=False),
)
_UNITS = {
    "temperature": "Cel",
    "humidity": "%",
    "co2": "[ppm]",
    "light": "lx",
    "substrate_moisture": "%",
    "battery_voltage": "V",
}


def read(there: There) -> Installation:
    """Return what a database holds."""
    reading = Reading(there)
    places = [*reading.each("Farm", _farm), *reading.each("Room", _room)]
    devices = reading.each("Device", _device)
    words = reading.words([("SensorData", _measured), ("Notification", _notified)])
    return Installation(places, devices, words, reading.bad, there.count("SensorData", "Notification"), there.left)


def _farm(row: Row) -> OldPlace:
    row.needed("farm_id")
    return OldPlace(key=row.id("farm_id"), name=row.needed("name"), kind="farm", address=row.text("location"))


def _room(row: Row) -> OldPlace:
    row.needed("room_id")
    about = row.about("description", "mushroom_type", "stage")
    return OldPlace(key=row.id("room_id"), name=row.needed("name"), kind="room", within=row.id("farm_id"), about=about)


def _device(row: Row) -> OldDevice:
    row.needed("device_id")
    return OldDevice(
        key=row.id("device_id"), address=row.id("device_id"), name=row.text("name"), place=row.id("room_id")
    )


def _measured(row: Row) -> Iterator[Word]:
    yield from readings(row, row.id("device_id"), row.time("recorded_at"), MEASURED, _UNITS)


def _notified(row: Row) -> Iterator[Word]:
    if device := row.id("device_id"):
        kind, data = f"notification.{row.text('level') or 'info'}", row.about("message")
        yield OldEvent(row.line, device, kind, row.time("created_at"), f"note-{row.id('notification_id')}", data)
