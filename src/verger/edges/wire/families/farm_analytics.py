"""The people's side of mushroom farms: how a farm does, and what its air is advised to be at its stage."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from verger.base.clock import HOUR, moment
from verger.base.errors import Conflict
from verger.base.ids import new_id
from verger.base.pages import MOST, Asked
from verger.domain.alerts.model import AlertState
from verger.domain.alerts.store import Wanted
from verger.domain.cycles.store import WantedCycles
from verger.domain.places.model import Place
from verger.domain.tenancy.model import Caller
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_bands import advised, bands, stage_of
from verger.edges.wire.families.farm_readings import Row, measured, span
from verger.edges.wire.families.farm_rules import told
from verger.edges.wire.families.farm_shapes import Farms, asks, success, text

MODEL = "verger-ranges-1"
_MOST_HOURS = 2_000


# advice


async def recommend(desk: Desk, call: Call) -> Reply:
    """Judge the last day of a room."""
    caller = await asks(desk, call, "history:read")
    there = await Farms.of(desk, caller.tenant)
    made = await _advised(desk, there, there.room(call.args["room"]))
    if made is None:
        raise Conflict("Failed to generate recommendation: nothing was measured in this room within a day.")
    return success(recommendation=made)


async def recommendations(desk: Desk, call: Call) -> Reply:
    """Judge the last day of a room, if anything was measured; what was advised before is not kept."""
    caller = await asks(desk, call, "history:read")
    there = await Farms.of(desk, caller.tenant)
    made = await _advised(desk, there, there.room(call.args["room"]))
    return success(recommendations=[] if made is None else [made])


async def _advised(desk: Desk, there: Farms, room: Place) -> dict[str, Any] | None:
    now = desk.people.stories.clock.now()
    rows = await measured(desk, there.inside(room.id), now - 24 * HOUR, now + 1, HOUR, _MOST_HOURS)
    advice = advised(stage_of(there.tree, room.id), [values for _, _, values, _ in rows])
    if advice is None:
        return None
    return {
        "rec_id": new_id(),
        **there.where(room.id),
        "payload": advice,
        "confidence": advice["confidence"],
        "model_id": MODEL,
        "created_at": text(moment(now)),
    }


# a farm as a whole


async def overview(desk: Desk, call: Call) -> Reply:
    """Tell how a farm does, over a span of time."""
    caller = await asks(desk, call, "history:read")
    there = await Farms.of(desk, caller.tenant)
    farm = there.farm(call.args["farm"])
    devices = there.inside(farm.id)
    start, end, _ = span(desk, call)
    rows = await measured(desk, devices, start, end, HOUR, _MOST_HOURS)
    shown = await there.devices_told(devices)
    kinds = [each["category"] for each in shown]
    alerts = await _open(desk, caller, farm)
    fits = [fit for row in rows for fit in _fits(there, row)]
    cycles = await desk.people.stories.growing.page(caller.tenant, Asked(limit=MOST), farm.id, WantedCycles())
    about = {
        "totalDevices": len(shown),
        "activeDevices": sum(each["status"] != "offline" for each in shown),
        "avgTemperature": _mean(rows, "temperature"),
        "avgHumidity": _mean(rows, "humidity"),
        "avgCO2": _mean(rows, "co2"),
        "totalYield": round(sum(each.harvested_kg for each in cycles.items), 3),
        "efficiency": round(100 * sum(fits) / len(fits)) if fits else 0,
        "alerts": len(alerts),
    }
    distribution = [{"name": kind, "value": kinds.count(kind)} for kind in dict.fromkeys(kinds)]
    data = {"overview": about, "trends": _trends(rows), "distribution": distribution, "alerts": told(there, alerts)}
    return compact({"status": "success", "data": data})


async def _open(desk: Desk, caller: Caller, farm: Place) -> Sequence[Any]:
    wanted = Wanted(states=tuple(state for state in AlertState if state.open))
    page = await desk.people.stories.alerting.page(caller.tenant, Asked(limit=100), farm.id, wanted)
    return page.items


def _fits(there: Farms, row: Row) -> list[bool]:
    """Return, of what was measured in an hour, whether it was as it should be in the stage that its place is in."""
    device, _, values, _ = row
    held = bands(stage_of(there.tree, device.place))
    return [band.low <= values[band.metric] <= band.high for band in held if band.metric in values]


def _mean(rows: Sequence[Row], metric: str) -> float | None:
    found = [row[2][metric] for row in rows if metric in row[2]]
    return round(fmean(found), 2) if found else None


def _trends(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the means of each hour, the oldest first."""
    hours: dict[Any, list[Row]] = {}
    for row in reversed(rows):
        hours.setdefault(row[1], []).append(row)
    return [
        {"timestamp": text(at), **{metric: _mean(some, metric) for metric in ("temperature", "humidity", "co2")}}
        for at, some in hours.items()
    ]


ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/rooms/{room}/recommend", recommend),
    ("POST", "/rooms/{room}/ai/recommend", recommend),
    ("GET", "/rooms/{room}/recommendations", recommendations),
    ("GET", "/rooms/{room}/ai/recommendations", recommendations),
    ("GET", "/farms/{farm}/analytics", overview),
    ("GET", "/analytics/{farm}", overview),
]
