"""CottagePilot's alerts, readings and analytics, made of Verger's own alerts and history."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from verger.base.clock import DAY, HOUR, SECOND, microseconds, moment
from verger.base.errors import Invalid, Missing
from verger.base.pages import MOST, Asked
from verger.domain.alerts.model import Alert, Severity
from verger.domain.alerts.store import Wanted
from verger.domain.rules.conditions import Condition, within
from verger.edges.wire.families.call import Call, Handler, Reply, compact, time_asked, whole
from verger.edges.wire.families.cottage_sensors import Sensor, find, listed, sensors_of, series_of
from verger.edges.wire.families.cottage_tasks import asks
from verger.edges.wire.families.desk import Desk

_SEVERITIES = {Severity.info: "low", Severity.warning: "medium", Severity.critical: "critical"}
_RANGES = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
_WEEK_HOURS = 168
_MOST_READINGS = 5_000
_LATEST = 1 << 62  # microseconds that fit


# readings of all sensors


async def readings(desk: Desk, call: Call) -> Reply:
    """List what sensors measured, the newest first: of all, or as the query narrows it."""
    caller, query = await asks(desk, call, "history:read"), call.query
    sensors = await sensors_of(desk, caller.tenant)
    chosen = [each for each in sensors if query.get("sensor", each.id) in {each.id, ""}]
    start, end = _span(query, desk.people.stories.clock.now())
    low, high = _number(query, "value_min"), _number(query, "value_max")
    found: list[tuple[int, float, Sensor]] = []
    for sensor in chosen:
        number = series_of(desk, sensor)
        if number is None:
            continue
        most = max(_MOST_READINGS // len(chosen), 1)
        raw = await desk.people.stories.charting.history.raw(number, start, end, most, newest=True)
        for at, value in zip(raw.at.tolist(), raw.value.tolist(), strict=True):
            if (low is None or value >= low) and (high is None or value <= high):
                found.append((at, value, sensor))
    found.sort(key=lambda each: each[0], reverse=True)
    told = listed(call.base + call.path, found, query.get("page", ""))
    return compact(told | {"results": [sensor.point(at, value) for at, value, sensor in told["results"]]})


async def reading(desk: Desk, call: Call) -> Reply:
    """Tell one reading."""
    caller = await asks(desk, call, "history:read")
    sensor_uuid, _, at = call.args["reading"].rpartition("-")
    sensor = await find(desk, caller.tenant, sensor_uuid)
    number = series_of(desk, sensor)
    told = whole(at, 0, _LATEST, _LATEST)
    if number is None or told == _LATEST:
        raise Missing("Not found.")
    raw = await desk.people.stories.charting.history.raw(number, told, told + 1, 1)
    if not len(raw.at):
        raise Missing("Not found.")
    return compact(sensor.point(int(raw.at[0]), float(raw.value[0])))


def _span(query: Mapping[str, str], now: int) -> tuple[int, int]:
    width = _RANGES.get(query.get("time_range") or "24h")
    if width is None:
        raise Invalid(f"time_range is one of {', '.join(_RANGES)}.")
    after, before = _time(query, "timestamp_after"), _time(query, "timestamp_before")
    end = now + SECOND if before is None else before  # what came together is told apart by microseconds
    return (end - width if after is None else after), end


def _time(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return microseconds(time_asked(text))
    except ValueError:
        raise Invalid(f"{name}: write a time such as 2026-01-20T10:00:00Z.") from None


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise Invalid(f"{name}: write a number.") from None


# alerts


async def alerts(desk: Desk, call: Call) -> Reply:
    """List the alerts of sensors, the newest first: the last 500."""
    caller = await asks(desk, call, "alerts:read")
    told = [each for each in await _alerts(desk, caller.tenant) if _fits(each, call.query)]
    return compact(listed(call.base + call.path, told, call.query.get("page", "")))


async def alert(desk: Desk, call: Call) -> Reply:
    """Tell one alert."""
    caller = await asks(desk, call, "alerts:read")
    return compact(await _alert(desk, caller.tenant, call.args["alert"]))


async def resolve(desk: Desk, call: Call) -> Reply:
    """End an alert of a sensor."""
    caller = await asks(desk, call, "alerts:write")
    found = await _alert(desk, caller.tenant, call.args["alert"])
    await desk.people.stories.alerting.resolve(caller.tenant, found["id"], caller.who.id)
    return compact({"status": "success", "results": await _alert(desk, caller.tenant, found["id"])})


async def of_sensor(desk: Desk, call: Call) -> Reply:
    """List the alerts of one sensor."""
    caller = await asks(desk, call, "alerts:read")
    sensor = await find(desk, caller.tenant, call.args["sensor"])
    told = [each for each in await _alerts(desk, caller.tenant) if each["sensor"] == sensor.id]
    return compact({"status": "success", "results": told})


async def recent(desk: Desk, tenant: str) -> int:
    """Return how many alerts of sensors there were within a week."""
    since = moment(desk.people.stories.clock.now()) - timedelta(days=7)
    return sum(each["created_at"] >= since for each in await _alerts(desk, tenant))


async def _alert(desk: Desk, tenant: str, wanted: str) -> dict[str, Any]:
    stories = desk.people.stories
    try:
        found = await stories.alerting.store.get(tenant, wanted)
    except Missing:
        raise Missing("Not found.") from None
    told = await shown(desk, tenant, [found])
    if not told:
        raise Missing("Not found.")
    return told[0]


async def _alerts(desk: Desk, tenant: str) -> list[dict[str, Any]]:
    devices = {each.device.id for each in await sensors_of(desk, tenant)}
    rules = await desk.people.stories.ruling.kept.rules.of_tenant(tenant)
    wanted = Wanted(about=(tuple(devices), [rule.id for rule in rules if not devices.isdisjoint(rule.devices)]))
    page = await desk.people.stories.alerting.page(tenant, Asked(limit=MOST), None, wanted)
    return await shown(desk, tenant, page.items)


async def shown(desk: Desk, tenant: str, found: Iterable[Alert]) -> list[dict[str, Any]]:
    """Return alerts of sensors as the pages read them; which sensor it is, is what their rule judges by."""
    by_device: dict[str, list[Sensor]] = {}
    for sensor in await sensors_of(desk, tenant):
        by_device.setdefault(sensor.device.id, []).append(sensor)
    rules = {rule.id: rule for rule in await desk.people.stories.ruling.kept.rules.of_tenant(tenant)}
    told = []
    for each in found:
        rule = rules.get(each.rule)
        judged = [one for _, one in within("when", rule.when)] if rule is not None else []
        about = each.device or next((one.device for one in judged if one.device in by_device), None)
        sensors = by_device.get(about or "")
        if not sensors:
            continue
        by = next((one for one in judged if one.metric in {sensor.metric for sensor in sensors}), None)
        sensor = next((one for one in sensors if by is not None and one.metric == by.metric), sensors[0])
        told.append(_shape(each, sensor, by))
    return told


def _shape(alert: Alert, sensor: Sensor, by: Condition | None) -> dict[str, Any]:
    ended = alert.resolved_at or alert.cleared_at
    return {
        "id": alert.id,
        "sensor": sensor.id,
        "sensor_name": sensor.name,
        "alert_type": "offline" if alert.rule == "silence" else "threshold" if by is not None else "anomaly",
        "severity": _SEVERITIES[alert.severity],
        "message": alert.message,
        "threshold_value": None if by is None else by.value,
        "actual_value": alert.value,
        "is_resolved": not alert.state.open,
        "created_at": alert.opened_at,
        "resolved_at": ended,
    }


def _fits(told: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    for name in ("sensor", "alert_type", "severity"):
        if query.get(name) and query[name] != told[name]:
            return False
    wanted = query.get("is_resolved", "").lower()
    return wanted not in {"true", "false", "1", "0"} or told["is_resolved"] is (wanted in {"true", "1"})


# analytics


async def insights(desk: Desk, call: Call) -> Reply:
    """Tell of each sensor how its last seven days were."""
    caller = await asks(desk, call, "history:read")
    return compact({"status": "success", "data": await _insights(desk, caller.tenant)})


async def reports(desk: Desk, call: Call) -> Reply:
    """Tell the last seven days of all sensors as one report, once there is anything in it."""
    caller = await asks(desk, call, "history:read")
    found, now = await _insights(desk, caller.tenant), moment(desk.people.stories.clock.now())
    report = {
        "id": str(uuid5(NAMESPACE_OID, f"{caller.tenant} weekly {now.date()}")),
        "name": "The last seven days",
        "report_type": "weekly",
        "sensors": [each["sensor"] for each in found],
        "start_date": now - timedelta(days=7),
        "end_date": now,
        "data": {each["sensor"]: each["data"] for each in found},
        "created_at": now,
    }
    return compact(listed(call.base + call.path, [report] if found else [], call.query.get("page", "")))


async def _insights(desk: Desk, tenant: str) -> list[dict[str, Any]]:
    now = desk.people.stories.clock.now()
    found = []
    for sensor in await sensors_of(desk, tenant):
        number = series_of(desk, sensor)
        told = None if number is None else await _week(desk, number, now)
        if told is not None:
            found.append(_insight(sensor, *told, now))
    return found


async def _week(desk: Desk, number: int, now: int) -> tuple[dict[str, Any], float] | None:
    """Return what seven days come to, and in what share of them anything was measured; None for nothing."""
    found = await desk.people.stories.charting.history.buckets(number, now - 7 * DAY, now + SECOND, _WEEK_HOURS)
    if not len(found.at):
        return None
    if found.raw:
        count, total, low, high = len(found.avg), float(found.avg.sum()), found.avg.min(), found.avg.max()
        covered = len(set((found.at // HOUR).tolist())) / _WEEK_HOURS
    else:
        count, total, low, high = int(found.count.sum()), float(found.sum.sum()), found.min.min(), found.max.max()
        covered = len(found.at) * found.width_us / (7 * DAY)
    told = {"average": total / count, "maximum": float(high), "minimum": float(low), "data_points": count}
    return told, min(covered, 1.0)


def _insight(sensor: Sensor, told: dict[str, Any], covered: float, now: int) -> dict[str, Any]:
    unit = f" {sensor.unit}" if sensor.unit else ""
    return {
        "id": str(uuid5(NAMESPACE_OID, f"{sensor.id} {now // DAY}")),
        "sensor": sensor.id,
        "sensor_name": sensor.name,
        "insight_type": "trend",
        "title": f"7-Day Trend Analysis for {sensor.name}",
        "description": f"Average reading: {told['average']:.2f}{unit}",
        "confidence_score": round(covered, 2),
        "data": told,
        "created_at": moment(now),
    }


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/sensor-data/", readings),
    ("GET", "/sensor-data/{reading}/", reading),
    ("GET", "/alerts/", alerts),
    ("GET", "/alerts/{alert}/", alert),
    ("POST", "/alerts/{alert}/resolve/", resolve),
    ("GET", "/sensors/{sensor}/alerts/", of_sensor),
    ("GET", "/analytics/insights/", insights),
    ("GET", "/analytics/insights/generate_insights/", insights),
    ("GET", "/analytics/reports/", reports),
)
