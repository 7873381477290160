"""The people's side of treatment machines: what they did, by day, as a list, and as a table."""

from datetime import date, datetime, timedelta
from typing import Any

from verger.base.cells import cell
from verger.base.clock import moment
from verger.base.errors import Invalid, Missing
from verger.domain.devices.model import Device
from verger.domain.telemetry.events import Happened
from verger.edges.wire.dialects.ozone import TREATMENTS
from verger.edges.wire.families.call import Call, Handler, Reply, compact, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ozone_shapes import Estate, asks, is_meant, number
from verger.flows.counting import Counted

_MOST, _RECENT, _EXPORTED = 10_000, 50, 100_000
_HEADER = "Timestamp,Device Timestamp,Event Type,Basic Count,Standard Count,Premium Count,WiFi Status"


async def events(desk: Desk, call: Call) -> Reply:
    """List what machines did, the newest first."""
    caller = await asks(desk, call, "events:read")
    estate = await Estate.of(desk, caller.tenant)
    since = None
    if call.query.get("days"):
        since = moment(desk.people.stories.clock.now()) - timedelta(days=_days(desk, call, 0))
    return compact(await _latest(estate, call.query.get("device_id"), _MOST, since))


async def recent(desk: Desk, call: Call) -> Reply:
    """List the latest of what machines did."""
    caller = await asks(desk, call, "events:read")
    estate = await Estate.of(desk, caller.tenant)
    most = whole(call.query.get("limit", ""), 1, _MOST, _RECENT)
    return compact(await _latest(estate, call.query.get("device_id"), most))


async def event(desk: Desk, call: Call) -> Reply:
    """Tell one treatment, by its number or its id."""
    caller = await asks(desk, call, "events:read")
    estate = await Estate.of(desk, caller.tenant)
    named = call.args["event"]
    begins = f"{int(named):015x}" if named.isdecimal() and len(named) <= 17 else ""
    start = f"{begins[:8]}-{begins[8:12]}-7{begins[12:]}-" if begins else named
    found = await desk.people.stories.events.begins(caller.tenant, start)
    mine = {each.id: each for each in estate.devices}
    if found is None or found[0] not in mine or not is_meant(named, found[1].id):
        raise Missing("Not found.")
    return compact(_event(estate, mine[found[0]], found[1]))


async def analytics(desk: Desk, call: Call) -> Reply:
    """Tell how often a device did what within some days, day by day, with what only its counters knew."""
    estate, device, first, last = await _asked(desk, call, 7)
    days = (last - first).days + 1
    counted = await desk.people.stories.counting.days(estate.tenant, first, last, device=device.id)
    by_day = [_day(estate, device, first + timedelta(days=each), counted) for each in range(days)]
    totals = {kind: sum(each[f"{kind}_count"] for each in by_day) for kind in TREATMENTS}
    told = {
        "device_id": device.address,
        "period": {"start_date": first, "end_date": last, "days": days},
        "totals": {"total": sum(totals.values())} | totals,
        "daily_stats": by_day,
        "recent_events": await _latest(estate, device.address, _RECENT, _midnight(estate, device, first)),
    }
    return compact(told)


async def export(desk: Desk, call: Call) -> Reply:
    """Give what a device did within some days as a table."""
    estate, device, first, last = await _asked(desk, call, 30)
    told = await _latest(estate, device.address, _EXPORTED, _midnight(estate, device, first))
    name = "".join(each if each.isalnum() else "_" for each in device.address or device.name)
    file = f'attachment; filename="telemetry_{name}_{first}_to_{last}.csv"'
    rows = [_HEADER, *(_row(each) for each in told)]
    body = "".join(f"{row}\r\n" for row in rows).encode()
    return Reply(200, body, b"text/csv; charset=utf-8", {b"content-disposition": file.encode("ascii", "replace")})


async def mqtt(desk: Desk, call: Call) -> Reply:
    """Tell that MQTT is spoken: it always is, so there is nothing to start or to stop."""
    await asks(desk, call, "devices:read")
    return compact({"status": "running", "running": True, "detail": "MQTT is spoken as long as Verger runs."})


async def _asked(desk: Desk, call: Call, usual: int) -> tuple[Estate, Device, date, date]:
    """Return the device that is asked about, and the first and the last of the days, so many where none are named."""
    caller = await asks(desk, call, "events:read")
    if not call.query.get("device_id"):
        raise Invalid("device_id required")
    estate = await Estate.of(desk, caller.tenant)
    device, days = estate.device(call.query["device_id"]), _days(desk, call, usual)
    last = _today(estate, device)
    return estate, device, last - timedelta(days=days - 1), last


def _days(desk: Desk, call: Call, usual: int) -> int:
    bounds = desk.people.stories.counting.bounds
    told = call.query.get("days", "")
    days = whole(told, 0, bounds.days + 1, 0) if told else min(usual, bounds.days)
    if told and not 1 <= days <= bounds.days:
        raise bounds.refuse("days", f"days is a number from 1 to {bounds.days:,}.")
    return days


def _today(estate: Estate, device: Device) -> date:
    now = moment(estate.desk.people.stories.clock.now())
    return now.astimezone(estate.zone(device.place)).date()


def _midnight(estate: Estate, device: Device, day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=estate.zone(device.place))


async def _latest(estate: Estate, named: str | None, most: int, since: datetime | None = None) -> list[dict[str, Any]]:
    """Return the latest treatments of a device, or of all, the newest first."""
    mine = {each.id: each for each in ([estate.device(named)] if named else estate.devices)}
    store = estate.desk.people.stories.events
    found = await store.latest(estate.tenant, mine, "treatment", most, since)
    return [_event(estate, mine[device], happened) for device, happened in found]


def _event(estate: Estate, device: Device, happened: Happened) -> dict[str, Any]:
    kind = happened.kind.partition(".")[2]
    data = happened.data if isinstance(happened.data, dict) else {}
    clock = happened.at.astimezone(estate.zone(device.place)).strftime("%Y-%m-%d %H:%M:%S")
    told: dict[str, Any] = {"id": number(happened.id), "device_id": device.address, "event_type": kind.upper()}
    told |= {f"count_{each}": data.get("count", 1) if each == kind else None for each in TREATMENTS}
    told["occurred_at"] = estate.local(happened.at, device.place)
    told["device_timestamp"] = None if happened.at == happened.received_at else clock
    return told | {"wifi_status": None, "payload": happened.data}


def _day(estate: Estate, device: Device, day: date, counted: list[Counted]) -> dict[str, Any]:
    """Return the statistics of a day."""
    own = [each for each in counted if each.day == day]
    counts = {f"{kind}_count": sum(each.count for each in own if each.kind == kind) for kind in TREATMENTS}
    first = min((each.first for each in own if each.first), default=None)
    last = max((each.last for each in own if each.last), default=None)
    return {
        "device_id": device.address,
        "date": day,
        **counts,
        "total_events": sum(each.count for each in own),
        "first_event": estate.local(first, device.place),
        "last_event": estate.local(last, device.place),
    }


def _row(told: dict[str, Any]) -> str:
    """Return a treatment as a row."""
    names = ("occurred_at", "device_timestamp", "event_type", *(f"count_{kind}" for kind in TREATMENTS), "wifi_status")
    return ",".join("" if told[name] is None else cell(str(told[name])) for name in names)


COUNTS: list[tuple[str, str, Handler]] = [
    ("GET", "/api/events/", events),
    ("GET", "/api/events/recent/", recent),
    ("GET", "/api/events/analytics/", analytics),
    ("GET", "/api/events/{event}/", event),
    ("GET", "/api/export/", export),
    ("POST", "/api/mqtt/start/", mqtt),
    ("POST", "/api/mqtt/stop/", mqtt),
]
