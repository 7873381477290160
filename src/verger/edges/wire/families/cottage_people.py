"""The people's side of CottagePilot: its sensors, its tasks and its live socket, over Verger's own sessions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from verger.base.clock import HOUR, SECOND
from verger.base.errors import Invalid, Missing
from verger.domain.alerts.model import Alert
from verger.domain.devices.model import Device
from verger.domain.tasks.model import Task
from verger.edges.wire.dialects.cottage import NAME
from verger.edges.wire.families.call import Call, Endpoint, Reply, Route, Socket, compact
from verger.edges.wire.families.cottage_accounts import ACCOUNTS
from verger.edges.wire.families.cottage_insights import ROUTES as INSIGHTS
from verger.edges.wire.families.cottage_insights import recent, shown
from verger.edges.wire.families.cottage_members import MEMBERS
from verger.edges.wire.families.cottage_sensors import Sensor, find, listed, of_device, sensors_of, series_of
from verger.edges.wire.families.cottage_tasks import TASKS, asks, told
from verger.edges.wire.families.desk import Desk

T = TypeVar("T")

_RANGES = {"1h": (HOUR, 1), "24h": (24 * HOUR, 5), "7d": (168 * HOUR, 45), "30d": (720 * HOUR, 90)}
_MOST = 100_000


async def sensors(desk: Desk, call: Call) -> Reply:
    """List the sensors."""
    caller = await asks(desk, call, "devices:read")
    found = await sensors_of(desk, caller.tenant)
    words = call.query.get("search", "").lower()
    told = [each for each in await _told(desk, caller.tenant, found) if _has(each, words)]
    return compact(listed(call.base + call.path, told, call.query.get("page", "")))


def _has(told: dict[str, Any], words: str) -> bool:
    return any(words in str(told[name] or "").lower() for name in ("name", "location", "type"))


async def sensor(desk: Desk, call: Call) -> Reply:
    """Tell one sensor."""
    caller = await asks(desk, call, "devices:read")
    return compact((await _told(desk, caller.tenant, [await find(desk, caller.tenant, call.args["sensor"])]))[0])


async def claim(desk: Desk, call: Call) -> Reply:
    """Adopt the device of a sensor that waits, at its enrolment's place."""
    caller = await asks(desk, call, "devices:write")
    body = call.json()
    name = str(body.get("sensor_id", "") if isinstance(body, dict) else "").strip()
    if not name:
        return compact({"status": "failed", "errors": {"sensor_id": ["This field is required."]}}, 400)
    found = await desk.people.stories.adopting.waiting(caller.tenant, NAME, name)
    if found is None:
        there = any(each.sensor_id == name for each in await sensors_of(desk, caller.tenant))
        why = "Sensor already claimed by someone." if there else "An unexpected error occurred."
        return compact({"status": why}, 404)
    await desk.people.stories.adopting.adopt(caller.tenant, found, {})
    mine = [each for each in await sensors_of(desk, caller.tenant) if each.sensor_id == name]
    told = await _told(desk, caller.tenant, mine)
    return compact({"status": "success", "results": told[0] if told else {}}, 202)


async def data(desk: Desk, call: Call) -> Reply:
    """Tell what a sensor measured, the newest first, every so many-th reading."""
    caller = await asks(desk, call, "history:read")
    one = await find(desk, caller.tenant, call.args["sensor"])
    if call.query.get("time_range", "24h") not in _RANGES:
        raise Invalid(f"time_range is one of {', '.join(_RANGES)}.")
    width, every = _RANGES[call.query.get("time_range", "24h")]
    now = desk.people.stories.clock.now()
    number = series_of(desk, one)
    if number is None:
        return compact({"status": "success", "results": []})
    raw = await desk.people.stories.charting.history.raw(number, now - width, now + SECOND, _MOST, newest=True)
    readings = sorted(zip(raw.at.tolist(), raw.value.tolist(), strict=True), reverse=True)
    points = [one.point(at, value) for at, value in readings]
    return compact({"status": "success", "results": points[::every]})


async def stats(desk: Desk, call: Call) -> Reply:
    """Count the sensors."""
    caller = await asks(desk, call, "devices:read")
    found = await sensors_of(desk, caller.tenant)
    told = await _told(desk, caller.tenant, found)
    active = sum(each["status"] == "active" for each in told)
    counts = {"total_sensors": len(told), "active_sensors": active, "inactive_sensors": len(told) - active}
    points = sum([await _points(desk, one) for one in found])
    more = {"error_sensors": 0, "total_data_points": points, "recent_alerts": await recent(desk, caller.tenant)}
    return compact({"status": "success", "results": counts | more})


async def _points(desk: Desk, one: Sensor) -> int:
    """Return how many readings of a sensor are kept."""
    number = series_of(desk, one)
    if number is None:
        return 0
    now = desk.people.stories.clock.now()
    kept = await desk.people.stories.charting.history.buckets(number, 0, now + SECOND, 1)
    return len(kept.at) if kept.raw else int(kept.count.sum())


# the live socket


async def may_watch(desk: Desk, call: Call) -> str | None:
    """Return whose sensors whoever opens the live socket may see; which cottage it names does not matter."""
    caller = await desk.people.by_cookie(call, "history:read")
    return None if caller is None else caller.tenant


async def watch(desk: Desk, call: Call, socket: Socket) -> None:
    """Tell each reading of a sensor, and each change of a task or an alert, as it comes."""
    tenant = await may_watch(desk, call)
    if tenant is None:
        return
    addresses = desk.people.stories.kept.addresses

    def devices() -> Iterable[str]:
        return addresses.all_of(tenant, NAME)

    async for word in desk.people.watch(tenant, devices):
        for frame in await _frames(desk, tenant, word):
            await socket.send(msgspec.json.encode(frame).decode())


def _thing(word: dict[str, Any], kind: type[T]) -> T:
    """Return the task or the alert that a word of the live socket tells of."""
    return msgspec.convert({name: value for name, value in word.items() if name != "type"}, kind)


async def _frames(desk: Desk, tenant: str, word: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a word of the live socket is in the old server's words."""
    if word["type"] == "task" and not word.get("gone"):
        return [{"type": "task_update", "payload": each} for each in await told(desk, tenant, [_thing(word, Task)])]
    if word["type"] == "alert":
        found = await shown(desk, tenant, [_thing(word, Alert)])
        return [{"type": "alert_update", "payload": each} for each in found]
    if word["type"] != "readings":
        return []
    try:
        device = await desk.people.stories.kept.devices.get(tenant, word["device"])
    except Missing:
        return []
    at = str(datetime.fromtimestamp(word["at"] / 1000, UTC))
    frames = []
    for one in of_device(device):
        if one.metric in word["values"]:
            payload = {"id": f"{one.id}-{word['at']}", "sensor": one.id, "sensor_id": one.id, "sensor_name": one.name}
            payload |= {"sensor_unit": one.unit, "value": word["values"][one.metric]}
            frames.append({"type": "sensor_update", "payload": payload | {"timestamp": at, "metadata": {}}})
    return frames


# shapes


async def _told(desk: Desk, tenant: str, found: list[Sensor]) -> list[dict[str, Any]]:
    devices = [each.device for each in found]
    shown = {each.id: each for each in await desk.people.stories.showing.devices(tenant, devices)}
    latest = await desk.people.stories.showing.latest(tenant, devices)
    places = (await desk.people.stories.places.tree(tenant)).places
    return [_shape(one, shown[one.device.id], latest[one.device.id].get(one.metric), places) for one in found]


def _shape(one: Sensor, shown: Device, last: Any, places: Any) -> dict[str, Any]:
    place = places.get(shown.place)
    return {
        "id": one.id,
        "sensor_id": one.sensor_id,
        "code": "",  # nobody's business
        "name": one.name,
        "type": one.metric,
        "unit": (last.unit if last is not None else "") or one.unit,
        "location": place.name if place else None,
        "description": None,
        "status": "active" if shown.online else "inactive",
        "last_reading": None if last is None else last.value,
        "created_at": shown.created_at,
        "updated_at": shown.last_seen or shown.created_at,
    }


def routes(prefix: str) -> list[Route]:
    """Return the people's routes below a prefix."""
    every = [
        *ACCOUNTS,
        *MEMBERS,
        ("GET", "/sensors/", sensors),
        ("GET", "/sensors/stats/", stats),
        ("POST", "/sensors/claim_sensor/", claim),
        ("GET", "/sensors/{sensor}/", sensor),
        ("GET", "/sensors/{sensor}/data/", data),
        *INSIGHTS,
        *TASKS,
    ]
    return [Route(method, prefix + path, handler, strangers=False) for method, path, handler in every]


SOCKETS = (Endpoint("/ws/unified/{cottage}/", watch, may_watch),)
