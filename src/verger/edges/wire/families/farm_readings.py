"""The people's side of mushroom farms: what devices measured, one by one and by the minute or hour."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from verger.base.clock import HOUR, MINUTE, microseconds, moment
from verger.domain.devices.model import Device
from verger.domain.history.model import Readings
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.families.call import Call, Handler, Reply, compact, time_asked, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_devices import find
from verger.edges.wire.families.farm_shapes import MEASURED, Farms, asks, success, text

_WIDTHS = {"minute": MINUTE, "hour": HOUR}
_MOST_ROWS, _USUAL_ROWS = 10_000, 1_000
_MOST_READ = 200_000  # readings of one answer
_NAMES = {metric: name for name, metric in MEASURED.items()}


async def latest(desk: Desk, call: Call) -> Reply:
    """Tell one device and what it measured last."""
    caller = await asks(desk, call, "history:read")
    found = await find(desk, caller, call.args["device"])
    there = await Farms.of(desk, caller.tenant)
    (shown,) = await there.devices_told([found])
    last = (await desk.people.stories.showing.latest(caller.tenant, [found]))[found.id]
    known = {metric: each for metric, each in last.items() if metric in _NAMES}
    values = {metric: each.value for metric, each in known.items()}
    reading = there.reading(found, max(each.at for each in known.values()), values) if known else None
    return success(device=shown, latest_reading=reading)


async def telemetry(desk: Desk, call: Call) -> Reply:
    """Tell what was measured in a room, the newest first, by the minute unless the hour or all is asked for."""
    caller = await asks(desk, call, "history:read")
    there = await Farms.of(desk, caller.tenant)
    devices = there.inside(there.room(call.args["room"]).id)
    start, end, limit = span(desk, call)
    named = call.query.get("agg", "minute")
    rows = await measured(desk, devices, start, end, _WIDTHS.get(named), limit)
    told = [_row(there, *row) if named in _WIDTHS else there.reading(*row[:3]) for row in rows]
    asked = {"aggregation": named if named in _WIDTHS else "raw", "from": text(moment(start)), "to": text(moment(end))}
    return compact({"status": "success", "data": told, "count": len(told)} | asked)


def _row(there: Farms, device: Device, at: datetime, values: dict[str, float], count: int) -> dict[str, Any]:
    shown = there.reading(device, at, values)
    averages = {name: shown[name] for name in MEASURED if name != "battery_v"}
    return {
        "timestamp": text(at),
        "recorded_at": text(at),
        "device_id": device.id,
        **averages,
        "sample_count": count,
    }


async def sensor_history(desk: Desk, call: Call) -> Reply:
    """Tell what all devices on farms measured, in the words of the first pages."""
    there = await Farms.of(desk, (await asks(desk, call, "history:read")).tenant)
    start, end, limit = span(desk, call)
    rows = await measured(desk, there.on_farms(), start, end, None, limit)
    told = [
        {
            "timestamp": text(at),
            **{name: values.get(name) for name in ("temperature", "humidity", "light", "co2")},
            "device_id": device.id,
            "room_id": there.where(device.place)["room_id"],
        }
        for device, at, values, _ in rows
    ]
    asked = {"from": text(moment(start)), "to": text(moment(end))}
    return compact({"success": True, "data": told, "count": len(told), **asked})


def span(desk: Desk, call: Call) -> tuple[int, int, int]:
    """Return from when to when is asked, and how many rows at most; raise Garbled."""
    now = moment(desk.people.stories.clock.now())
    end = _time(call.query.get("to")) or now
    start = _time(call.query.get("from")) or end - timedelta(days=1)
    rows = whole(call.query.get("limit", ""), 1, _MOST_ROWS, _USUAL_ROWS)
    return microseconds(start), microseconds(end) + 1, rows


def _time(told: str | None) -> datetime | None:
    if not told:
        return None
    try:
        return time_asked(told)
    except ValueError:
        raise Garbled("A time is written like 2026-01-31T12:00:00Z.") from None


Row = tuple[Device, datetime, dict[str, float], int]
"""Whose, when, what was measured then, and of how many readings it is the mean."""


async def measured(
    desk: Desk, devices: Sequence[Device], start: int, end: int, width: int | None, limit: int
) -> list[Row]:
    """Return what devices measured, each time by itself or the means of spans of a width, the newest first."""
    registry = desk.people.stories.kept.registry
    wanted = [
        (device, metric, known.series[metric])
        for device in devices
        if (known := registry.known(device.id)) is not None
        for metric in _NAMES
        if metric in known.series
    ]
    most = _MOST_READ // max(len(wanted), 1)
    rows: dict[tuple[int, str], tuple[Device, dict[str, float], int]] = {}
    for device, metric, number in wanted:
        raw = await desk.people.stories.charting.history.raw(
            number, start, end, min(most, limit) if width is None else most, newest=True
        )
        for at, value, count in _means(raw, width):
            _, values, before = rows.setdefault((at, device.id), (device, {}, 0))
            values[metric] = value
            rows[at, device.id] = (device, values, max(count, before))
    newest = sorted(rows, reverse=True)[:limit]
    return [(rows[key][0], moment(key[0]), rows[key][1], rows[key][2]) for key in newest]


def _means(raw: Readings, width: int | None) -> Iterator[tuple[int, float, int]]:
    """Give (at, mean, how many) of each span of a width, or each reading by itself."""
    if width is None:
        yield from zip(raw.at.tolist(), raw.value.tolist(), [1] * len(raw), strict=True)
        return
    spans, of, counts = np.unique(raw.at // width, return_inverse=True, return_counts=True)
    sums = np.bincount(of, weights=raw.value, minlength=len(spans))
    yield from zip((spans * width).tolist(), (sums / counts).tolist(), counts.tolist(), strict=True)


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/devices/{device}/latest", latest),
    ("GET", "/rooms/{room}/telemetry", telemetry),
    ("GET", "/sensor-history", sensor_history),
]
