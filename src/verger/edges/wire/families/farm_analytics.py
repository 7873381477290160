"""The people's side of mushroom farms: how a farm does, and what its air is advised to be, by fixed ranges."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from msgspec import Struct

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
from verger.edges.wire.families.farm_readings import Row, measured, span
from verger.edges.wire.families.farm_rules import told
from verger.edges.wire.families.farm_shapes import Farms, asks, success, text

MODEL = "verger-ranges-1"
_MOST_HOURS = 2_000


class Band(Struct, frozen=True):
    """What a parameter should be, and what to do below and above that."""

    metric: str
    name: str
    unit: str
    low: float
    high: float
    raise_it: str
    lower_it: str


BANDS = (
    Band("temperature", "temperature", "°C", 18, 24, "Heat the room.", "Cool the room or air it."),
    Band("humidity", "humidity", "%", 80, 95, "Moisten the air.", "Air the room, or moisten less."),
    Band("co2", "co2", "ppm", 800, 1200, "Air the room less.", "Let fresh air in."),
    Band("light", "light", "lux", 200, 500, "Light the room longer.", "Dim the light."),
    Band("ph_level", "ph", "", 6.0, 7.5, "Add lime to the substrate.", "Add gypsum to the substrate."),
    Band("substrate_moisture", "substrate_moisture", "%", 70, 85, "Water the substrate.", "Let the substrate drain."),
)
"""What mushrooms do well in, whatever their kind and stage."""


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
    advice = advised(rows)
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


def advised(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Return what the means of some hours say of a room, None where nothing was measured."""
    means = [(band, [values[band.metric] for _, _, values, _ in rows if band.metric in values]) for band in BANDS]
    known = [(band, found) for band, found in means if found]
    if not known:
        return None
    issues, advice = [], []
    for band, found in known:
        mean, bound = fmean(found), band.high if fmean(found) > band.high else band.low
        if band.low <= mean <= band.high:
            continue
        away = abs(mean - bound) / (band.high - band.low)
        severity = "critical" if away > 1 else "high" if away > 0.5 else "medium" if away > 0.1 else "low"
        word, action = ("above", band.lower_it) if mean > band.high else ("below", band.raise_it)
        said = f"The mean of a day is {mean:.1f} {band.unit}".rstrip() + f", {word} {bound:g}."
        issues.append({"parameter": band.name, "severity": severity, "description": said, "recommendation": action})
        impact = f"Brings {band.name.replace('_', ' ')} back to {band.low:g} to {band.high:g} {band.unit}".rstrip()
        advice.append({"priority": severity, "action": action, "expected_impact": f"{impact}."})
    worst = {each["severity"] for each in issues}
    status = "poor" if "critical" in worst else "fair" if "high" in worst else "good" if worst else "excellent"
    right = len(known) - len(issues)
    return {
        "overall_status": status,
        "confidence": round(len(known) / len(BANDS), 2),
        "issues": issues,
        "recommendations": advice,
        "summary": f"{right} of {len(known)} measured parameters are as they should be.",
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
    fits = [fit for row in rows for fit in _fits(row)]
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


def _fits(row: Row) -> list[bool]:
    """Return, of what was measured in an hour, whether it was as it should be."""
    return [band.low <= row[2][band.metric] <= band.high for band in BANDS if band.metric in row[2]]


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
