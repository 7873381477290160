"""Telemetry records of treatment machines: what a device measured and counted at one time, read from its history."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from verger.base.clock import SECOND, microseconds, moment
from verger.base.errors import Missing
from verger.domain.devices.model import Device
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import Garbled, Readings
from verger.edges.wire.dialects import ozone, values
from verger.edges.wire.families.call import Call, Handler, Reply, compact, heard, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ozone_shapes import Estate, asks, number, told_object

MEASURED = {
    "temperature_c": "temperature",
    "humidity_percent": "humidity",
    "pressure_hpa": "pressure",
    "voltage_v": "voltage",
    "rssi_dbm": "rssi",
}
_COUNTS = {f"count{place}": f"count_{kind}" for place, kind in enumerate(ozone.TREATMENTS, 1)}
_MOST = 1_000
_NOTHING = f"Send at least one of {', '.join(MEASURED)}, or counters in payload."
_UNKNOWN = "Device not found: register it first, or send this to the address of an enrolment."

Record = dict[str, float]
"""What a device measured at one time, by metric."""


async def records(desk: Desk, call: Call) -> Reply:
    """List what devices measured and counted, the newest first."""
    caller = await asks(desk, call, "history:read")
    return compact(await _told(await Estate.of(desk, caller.tenant), call, _MOST))


async def latest(desk: Desk, call: Call) -> Reply:
    """Tell the newest record, nothing where there is none."""
    caller = await asks(desk, call, "history:read")
    found = await _told(await Estate.of(desk, caller.tenant), call, 1)
    return compact(found[0] if found else {})


async def summary(desk: Desk, call: Call) -> Reply:
    """Tell the newest record in short."""
    caller = await asks(desk, call, "history:read")
    found = await _told(await Estate.of(desk, caller.tenant), call, 1)
    if not found:
        return compact({"device_id": call.query.get("device_id") or None, "latest": None})
    (one,) = found
    payload = one["payload"] or {}
    counts = {kind: payload.get(f"count{place}") for place, kind in enumerate(ozone.TREATMENTS, 1)}
    shown = {"device_id": one["device_id"], "mode": payload.get("mode"), "counts": counts}
    return compact(shown | {"on_time": dict.fromkeys(ozone.TREATMENTS, 0), "created_at": one["created_at"]})


async def record(desk: Desk, call: Call) -> Reply:
    """Tell one record."""
    caller = await asks(desk, call, "history:read")
    estate = await Estate.of(desk, caller.tenant)
    named, _, at = call.args["record"].rpartition("-")
    told_at = whole(at, 0, 1 << 62, -1)
    device = next((each for each in estate.devices if str(number(each.id)) == named), None)
    found = {} if device is None or told_at < 0 else await _measured(estate, device, told_at, told_at + 1, 1)
    if device is None or told_at not in found:
        raise Missing("Not found.")
    return compact(_record(estate, device, told_at, found[told_at], await _modes(estate, [device], 1, told_at)))


async def add(desk: Desk, call: Call) -> Reply:
    """Keep a record: of a device within its enrolment, or told in its stead by people and programs."""
    told = told_object(call)
    address = str(told.get("device_id") or "").strip()
    if not address:
        raise Garbled("device_id required")
    now = desk.people.stories.clock.now()
    voice = ozone.voice(address, [Readings(_values(told), now)])
    if call.door is None or "authorization" in call.headers:
        caller = await asks(desk, call, "devices:write")
        found = desk.meetings.find(Admitted(caller.tenant), ozone.NAME, address)
        if found is None:
            raise Missing(_UNKNOWN)
        call = replace(call, door=Admitted(caller.tenant, (), found))
    met = await heard(desk, call, ozone.NAME, voice)
    shown = {name: _values(told).get(metric) for name, metric in MEASURED.items()}
    named = f"{number(met.device)}-{now}" if met.device and met.known else None
    about = {"id": named, "device_id": voice.address, **shown, "payload": told.get("payload")}
    return compact(about | {"created_at": moment(now)}, 201)


def _values(told: Mapping[str, Any]) -> Record:
    """Return what a record says by metric; raise Garbled for what is no number, or nothing at all."""
    found: Record = {}
    for name, metric in MEASURED.items():
        if told.get(name) in (None, ""):
            continue
        value = values.number_of(told[name])
        if value is None or not abs(value) <= values.LARGEST:
            raise Garbled(f"{name}: A valid number is required.")
        found[metric] = value
    payload = told["payload"] if isinstance(told.get("payload"), dict) else {}
    counts = {metric: ozone.count(payload.get(name)) for name, metric in _COUNTS.items()}
    found |= {metric: value for metric, value in counts.items() if value is not None}
    if not found:
        raise Garbled(_NOTHING)
    return found


async def _told(estate: Estate, call: Call, most: int) -> list[dict[str, Any]]:
    """Return the newest records of the device that is asked about, or of all."""
    named = call.query.get("device_id")
    devices = estate.devices if not named else [each for each in [estate.known(named)] if each is not None]
    end = estate.desk.people.stories.clock.now() + SECOND
    found: list[tuple[int, Device, Record]] = []
    for device in devices:
        measured = await _measured(estate, device, 0, end, most)
        found += [(at, device, own) for at, own in measured.items()]
    found = sorted(found, key=lambda each: each[0], reverse=True)[:most]
    modes = await _modes(estate, devices, most, found[-1][0]) if found else {}
    return [_record(estate, device, at, own, modes) for at, device, own in found]


async def _measured(estate: Estate, device: Device, start: int, end: int, most: int) -> dict[int, Record]:
    """Return what a device measured within a time, the newest, by time in microseconds."""
    stories = estate.desk.people.stories
    known = stories.kept.registry.known(device.id)
    records: dict[int, Record] = {}
    for metric in (*MEASURED.values(), *_COUNTS.values()) if known else ():
        series = known.series.get(metric) if known else None
        if series is not None:
            raw = await stories.charting.history.raw(series, start, end, most, newest=True)
            for at, value in zip(raw.at.tolist(), raw.value.tolist(), strict=True):
                records.setdefault(at, {})[metric] = value
    return records


async def _modes(estate: Estate, devices: list[Device], most: int, since: int) -> dict[tuple[str, int], str]:
    """Return which treatments there were since a time, by device and time."""
    ids, events = [each.id for each in devices], estate.desk.people.stories.events
    found = await events.latest(estate.tenant, ids, "treatment", most, moment(since))
    return {(device, microseconds(each.at)): each.kind.partition(".")[2].upper() for device, each in found}


def _record(
    estate: Estate, device: Device, at: int, own: Record, modes: Mapping[tuple[str, int], str]
) -> dict[str, Any]:
    counts = {name: int(own[metric]) for name, metric in _COUNTS.items() if metric in own}
    payload = {"mode": modes.get((device.id, at), "status"), **counts} if counts else None
    shown: dict[str, Any] = {"id": f"{number(device.id)}-{at}", "device_id": device.address}
    shown |= {name: own.get(metric) for name, metric in MEASURED.items()}
    return shown | {"payload": payload, "created_at": estate.local(moment(at), device.place)}


TELEMETRY: list[tuple[str, str, Handler]] = [
    ("GET", "/api/telemetry/", records),
    ("POST", "/api/telemetry/", add),
    ("GET", "/api/telemetry/latest/", latest),
    ("GET", "/api/telemetry/summary/", summary),
    ("GET", "/api/telemetry/{record}/", record),
]
