"""The database of treatment machines: branches, machines, the devices in them, and what they did."""

from collections.abc import Iterator

from verger.domain.devices.families import identity
from verger.domain.imports.installation import Installation, OldDevice, OldEvent, OldPlace, Word
from verger.edges.moving.matching import There, Wanted
from verger.edges.moving.reading import Reading, readings
from verger.edges.moving.rows import Row

NAME = "ozone"
TREATMENTS = ("basic", "standard", "premium")
_ABOUT = ("machine_type", "installed_date", "last_maintenance", "notes")
WANTED = (
    Wanted("Outlet", ("id", "name"), ("location", "address", "contact_person", "contact_phone"), there=False),
    Wanted("Machine", ("id", "outlet"), ("name", *_ABOUT), there=False),
    Wanted("MachineDevice", ("machine", "device_id"), ("is_active", "assigned_date"), there=False),
    Wanted("DeviceStatus", ("device_id",), ("last_seen",)),
    Wanted("Event", ("device_id", "event_type", "occurred_at"), (*(f"count_{name}" for name in TREATMENTS), "payload")),
    Wanted(
        "TelemetryRecord",
        ("device_id", "created_at"),
        ("temperature_c", "humidity_percent", "pressure_hpa", "voltage_v", "rssi_dbm", "payload"),
        there=False,
    ),
)
_MEASURED = {
    "temperature_c": "temperature",
    "humidity_percent": "humidity",
    "pressure_hpa": "pressure",
    "voltage_v": "voltage",
    "rssi_dbm": "rssi",
}
_UNITS = {"temperature": "Cel", "humidity": "%", "pressure": "hPa", "voltage": "V", "rssi": "dB[mW]"}


def read(there: There) -> Installation:
    """Return what a database holds; a device stands at the machine that it is bound to now."""
    reading = Reading(there)
    places = [*reading.each("Outlet", _branch), *reading.each("Machine", _machine)]
    bound = {key: place for key, place in reading.each("MachineDevice", _binding) if place}
    told = dict(reading.each("DeviceStatus", _device))
    for model in ("MachineDevice", "Event", "TelemetryRecord"):
        told = dict(reading.each(model, _device, quietly=True)) | told
    devices = [OldDevice(key=key, address=name, name=name, place=bound.get(key)) for key, name in told.items()]
    words = reading.words([("Event", happened), ("TelemetryRecord", _recorded)])
    return Installation(places, devices, words, reading.bad, there.count("Event", "TelemetryRecord"), there.left)


def _branch(row: Row) -> OldPlace:
    about = row.about("contact_person", "contact_phone")
    address = ", ".join(filter(None, (row.text("address"), row.text("location"))))
    return OldPlace(key=f"o{row.needed('id')}", name=row.needed("name"), kind="branch", address=address, about=about)


def _machine(row: Row) -> OldPlace:
    name = row.text("name") or f"Machine {row.needed('id')}"
    about = row.about(*_ABOUT)
    return OldPlace(key=f"m{row.needed('id')}", name=name, kind="machine", within=f"o{row.text('outlet')}", about=about)


def _device(row: Row) -> tuple[str, str]:
    name = row.needed("device_id")
    return identity(NAME, name), name


def _binding(row: Row) -> tuple[str, str | None]:
    active = row.flag("is_active") is not False
    return identity(NAME, row.needed("device_id")), f"m{row.needed('machine')}" if active else None


def happened(row: Row) -> Iterator[Word]:
    """Give the treatment of a row; how a machine stood is none."""
    device, at = identity(NAME, row.needed("device_id")), row.time("occurred_at")
    kind = row.text("event_type").lower()
    if kind == "status":
        return
    kind = kind if kind in TREATMENTS else "unknown"
    number = row.number(f"count_{kind}")
    data = None
    if number is not None and number != 1:
        # Over MQTT it says how many treatments this is, over HTTP what the counter stood at.
        data = {"count" if "data" in row.told("payload") else "counter": int(number)}
    yield OldEvent(row.line, device, f"treatment.{kind}", at, f"{kind}-{at}", data)


def _recorded(row: Row) -> Iterator[Word]:
    device, at = identity(NAME, row.needed("device_id")), row.time("created_at")
    yield from readings(row, device, at, _MEASURED, _UNITS)
    counters = row.inside("payload", {f"count{place}": f"count_{name}" for place, name in enumerate(TREATMENTS, 1)})
    yield from readings(counters, device, at, {f"count_{name}": f"count_{name}" for name in TREATMENTS}, {})
