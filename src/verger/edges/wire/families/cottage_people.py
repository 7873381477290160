"""The people's side of CottagePilot: its sensors, its tasks and its live socket, over Verger's own sessions."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from verger.base.clock import HOUR, moment
from verger.base.errors import Invalid, Missing, Unknown
from verger.domain.devices.model import Device
from verger.domain.tasks.model import Task
from verger.edges.wire.dialects.cottage import NAME
from verger.edges.wire.families.call import Call, Endpoint, Reply, Route, Socket, compact
from verger.edges.wire.families.cottage_tasks import TASKS, asks, shape
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.people import cookie

_UNITS = {"temperature": "°C", "humidity": "%", "pressure": "hPa", "light": "lux", "air_quality": "AQI"}
_RANGES = {"1h": (HOUR, 1), "24h": (24 * HOUR, 5), "7d": (168 * HOUR, 45), "30d": (720 * HOUR, 90)}
_MOST = 100_000


class _Sensor(msgspec.Struct, frozen=True):
    """One of a device's metrics, which the old server took for a sensor."""

    device: Device
    metric: str
    sensor_id: str

    @property
    def id(self) -> str:
        """Return a UUID that is always the same."""
        return str(uuid5(NAMESPACE_OID, f"{self.device.id} {self.metric}"))


async def log_in(desk: Desk, call: Call) -> Reply:
    """Sign a person in by their e-mail address, and tell the token in both shapes that clients read."""
    told = call.form()
    try:
        user, tenants, token = await desk.people.log_in(told.get("username", ""), told.get("password", ""))
    except Unknown as unknown:
        raise _Wrong from unknown
    cottage = tenants[0].id if tenants else None
    about: dict[str, Any] = {
        "id": user.id,
        "username": user.email,
        "email": user.email,
        "first_name": user.name,
        "last_name": "",
    }
    about |= {"user_color": "#3C86FE", "access_to_cottage": cottage, "cottage_plan": "Premium"}
    active = "true" if cottage else "false"
    body = {"token": token, "created": False, "user": about, "account": about, "cottageInstanceActive": active}
    return Reply(200, msgspec.json.encode(body), headers=cookie(token))


class _Wrong(Unknown):
    """The name or the password is wrong; the client reads that from a field of its own."""

    def __init__(self) -> None:
        super().__init__("Invalid username or password")


def wrong(status: int, sentence: str) -> Reply | None:
    """Return how a failed sign-in is told."""
    if status == 401 and sentence == str(_Wrong()):
        return compact({"non_field_errors": [sentence]}, 400)
    return None


async def sensors(desk: Desk, call: Call) -> Reply:
    """List the sensors."""
    caller = await asks(desk, call, "devices:read")
    found = await _sensors(desk, caller.tenant)
    told = await _told(desk, caller.tenant, found)
    return compact({"count": len(told), "next": None, "previous": None, "results": told})


async def sensor(desk: Desk, call: Call) -> Reply:
    """Tell one sensor."""
    caller = await asks(desk, call, "devices:read")
    return compact((await _told(desk, caller.tenant, [await _find(desk, caller.tenant, call.args["sensor"])]))[0])


async def claim(desk: Desk, call: Call) -> Reply:
    """Adopt the device of a sensor that waits, at its enrolment's place."""
    caller = await asks(desk, call, "devices:write")
    name = str(call.json().get("sensor_id", "")).strip()
    if not name:
        return compact({"status": "failed", "errors": {"sensor_id": ["This field is required."]}}, 400)
    found = await desk.people.stories.adopting.waiting(caller.tenant, NAME, name)
    if found is None:
        there = any(each.sensor_id == name for each in await _sensors(desk, caller.tenant))
        why = "Sensor already claimed by someone." if there else "An unexpected error occurred."
        return compact({"status": why}, 404)
    await desk.people.stories.adopting.adopt(caller.tenant, found, {})
    mine = [each for each in await _sensors(desk, caller.tenant) if each.sensor_id == name]
    told = await _told(desk, caller.tenant, mine)
    return compact({"status": "success", "results": told[0] if told else {}}, 202)


async def data(desk: Desk, call: Call) -> Reply:
    """Tell what a sensor measured, the newest first, every so many-th reading."""
    caller = await asks(desk, call, "history:read")
    one = await _find(desk, caller.tenant, call.args["sensor"])
    if call.query.get("time_range", "24h") not in _RANGES:
        raise Invalid(f"time_range is one of {', '.join(_RANGES)}.")
    width, every = _RANGES[call.query.get("time_range", "24h")]
    now = desk.people.stories.clock.now()
    known = desk.people.stories.kept.registry.known(one.device.id)
    number = known.series.get(one.metric) if known else None
    if number is None:
        return compact({"status": "success", "results": []})
    raw = await desk.people.stories.charting.history.raw(number, now - width, now + 1, _MOST, newest=True)
    about = {"sensor": one.id, "sensor_name": _name(one), "sensor_unit": _UNITS.get(one.metric, ""), "metadata": {}}
    points = [
        {"id": f"{one.id}-{at}", **about, "value": value, "timestamp": moment(at)}
        for at, value in sorted(zip(raw.at.tolist(), raw.value.tolist(), strict=True), reverse=True)
    ]
    return compact({"status": "success", "results": points[::every]})


async def stats(desk: Desk, call: Call) -> Reply:
    """Count the sensors."""
    caller = await asks(desk, call, "devices:read")
    told = await _told(desk, caller.tenant, await _sensors(desk, caller.tenant))
    active = sum(each["status"] == "active" for each in told)
    counts = {"total_sensors": len(told), "active_sensors": active, "inactive_sensors": len(told) - active}
    return compact({"status": "success", "results": counts | {"error_sensors": 0}})


# the live socket


async def may_watch(desk: Desk, call: Call) -> bool:
    """Whether whoever opens the live socket may see the sensors; which cottage it names does not matter."""
    return await desk.people.by_cookie(call, "history:read") is not None


async def watch(desk: Desk, call: Call, socket: Socket) -> None:
    """Tell each reading of a sensor and each change of a task as it comes."""
    caller = await desk.people.by_cookie(call, "history:read")
    if caller is None:
        return
    addresses = desk.people.stories.kept.addresses

    def devices() -> Iterable[str]:
        return addresses.all_of(caller.tenant, NAME)

    async for word in desk.people.watch(caller.tenant, devices):
        for frame in await _frames(desk, caller.tenant, word):
            await socket.send(msgspec.json.encode(frame).decode())


async def _frames(desk: Desk, tenant: str, word: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a word of the live socket is in the old server's words."""
    if word["type"] == "task":
        now = moment(desk.people.stories.clock.now())
        task = msgspec.convert({key: value for key, value in word.items() if key not in {"type", "gone"}}, Task)
        return [{"type": "task_update", "payload": shape(task, now)}]
    if word["type"] != "readings":
        return []
    try:
        device = await desk.people.stories.kept.devices.get(tenant, word["device"])
    except Missing:
        return []
    at = str(datetime.fromtimestamp(word["at"] / 1000, UTC))
    frames = []
    for one in _of(device):
        if one.metric in word["values"]:
            payload = {"id": f"{one.id}-{word['at']}", "sensor": one.id, "sensor_id": one.id, "sensor_name": _name(one)}
            payload |= {"sensor_unit": _UNITS.get(one.metric, ""), "value": word["values"][one.metric]}
            frames.append({"type": "sensor_update", "payload": payload | {"timestamp": at, "metadata": {}}})
    return frames


# shapes


async def _sensors(desk: Desk, tenant: str) -> list[_Sensor]:
    devices = await desk.people.stories.kept.devices.at(tenant)
    return [each for device in devices if device.dialect == NAME for each in _of(device)]


def _of(device: Device) -> list[_Sensor]:
    return [_Sensor(device, metric, sensor_id) for sensor_id, metric in device.channels.items()]


async def _find(desk: Desk, tenant: str, sensor_uuid: str) -> _Sensor:
    found = next((each for each in await _sensors(desk, tenant) if each.id == sensor_uuid), None)
    if found is None:
        raise Missing("Not found.")
    return found


def _name(one: _Sensor) -> str:
    return f"{one.device.name} {one.metric.replace('_', ' ')}"


async def _told(desk: Desk, tenant: str, found: list[_Sensor]) -> list[dict[str, Any]]:
    devices = [each.device for each in found]
    shown = {each.id: each for each in await desk.people.stories.showing.devices(tenant, devices)}
    latest = await desk.people.stories.showing.latest(tenant, devices)
    places = (await desk.people.stories.places.tree(tenant)).places
    return [_shape(one, shown[one.device.id], latest[one.device.id].get(one.metric), places) for one in found]


def _shape(one: _Sensor, shown: Device, last: Any, places: Any) -> dict[str, Any]:
    place = places.get(shown.place)
    return {
        "id": one.id,
        "sensor_id": one.sensor_id,
        "code": "",  # nobody's business
        "name": _name(one),
        "type": one.metric,
        "unit": (last.unit if last is not None else "") or _UNITS.get(one.metric, ""),
        "location": place.name if place else None,
        "description": None,
        "status": "active" if shown.online else "inactive",
        "last_reading": None if last is None else last.value,
        "created_at": shown.created_at,
        "updated_at": shown.last_seen or shown.created_at,
    }


def routes(prefix: str) -> list[Route]:
    """Return the people's routes below a prefix."""
    told = [
        ("POST", "/login/", log_in),
        ("GET", "/sensors/", sensors),
        ("GET", "/sensors/stats/", stats),
        ("POST", "/sensors/claim_sensor/", claim),
        ("GET", "/sensors/{sensor}/", sensor),
        ("GET", "/sensors/{sensor}/data/", data),
        *TASKS,
    ]
    return [Route(method, prefix + path, handler, strangers=False) for method, path, handler in told]


SOCKETS = (Endpoint("/ws/unified/{cottage}/", watch, may_watch),)
