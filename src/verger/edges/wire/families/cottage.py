"""CottagePilot's sensors over HTTP, as they spoke before they knew MQTT."""

from typing import Any

from verger.base.errors import Unknown
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects import cottage, values
from verger.edges.wire.families import cottage_accounts, cottage_members, cottage_people
from verger.edges.wire.families.call import Call, HttpFamily, Reply, Route, compact, heard
from verger.edges.wire.families.desk import Desk

_PREFIXES = ("", "/api")
_WRONG_CODE = "This code is not the one of this sensor."


async def create(desk: Desk, call: Call) -> Reply:
    """Hear all sensors of a device; one without a code is told its code, one with a code the same again."""
    if b'"sensors"' not in call.body:
        told = call.json()
        if isinstance(told, dict) and "sensor_id" in told:
            return await _register(desk, call, told)
    voice = cottage.heard(call.body)
    met = await heard(desk, call, cottage.NAME, voice)
    return compact({"status": "success", "code": met.secret or voice.secret})


async def _register(desk: Desk, call: Call, told: dict[str, Any]) -> Reply:
    """Hear of a sensor by its id alone: 201 the first time, 200 for one that was met before."""
    voice = cottage.voice([{"sensor_id": told["sensor_id"]}], cottage.NO_CODE)
    met = await heard(desk, call, cottage.NAME, voice)
    return compact({"status": "success", "code": met.secret}, 201 if met.fresh else 200)


async def add_data(desk: Desk, call: Call) -> Reply:
    """Hear one value of a sensor that brings its code; what the path names does not matter."""
    told = call.json()
    if not isinstance(told, dict) or not {"sensor_id", "code", "value"} <= told.keys():
        raise Garbled("Send sensor_id, code and value.")
    code = str(told["code"]).strip()
    if code in {"", cottage.NO_CODE}:
        raise Unknown(_WRONG_CODE)
    voice = cottage.voice([{"sensor_id": told["sensor_id"], "sensor_data": told["value"]}], code)
    if not voice.said:
        raise Garbled("A value is a number.")
    await heard(desk, call, cottage.NAME, voice)
    return compact({"status": "Success", "errors": "None"}, 201)


async def _sender(desk: Desk, call: Call) -> str | None:
    """Return the sensor that a message names first."""
    address = values.mentioned(call.body, "sensor_id")
    return desk.meetings.find(call.door, cottage.NAME, address) if call.door is not None and address else None


async def alive(_desk: Desk, _call: Call) -> Reply:
    """Say that the server runs."""
    return Reply(200, b"Server is running, 200", b"text/html; charset=utf-8")


def refusal(call: Call, status: int, sentence: str) -> Reply:
    """Refuse as the old server did."""
    for wrong in (cottage_accounts.wrong, cottage_members.wrong):
        if (told := wrong(status, sentence)) is not None:
            return told
    if call.path.endswith("/add_data/") and status != 401:
        return compact({"status": "failed", "errors": sentence}, status)
    if status in {401, 403, 404, 405}:
        return compact({"detail": sentence}, status)
    return compact({"status": "failed", "message": sentence}, status)


def _routes() -> list[Route]:
    routes = []
    for prefix in _PREFIXES:
        routes += [
            Route("POST", f"{prefix}/sensors/create_sensor/", create, sender=_sender),
            Route("POST", f"{prefix}/sensors/{{any}}/add_data/", add_data, sender=_sender),
            Route("GET", f"{prefix}/health/", alive, strangers=False),
            *cottage_people.routes(prefix),
        ]
    return [*routes, Route("GET", "/", alive, strangers=False)]


FAMILY = HttpFamily(cottage.NAME, _routes(), cottage_people.SOCKETS, refusal)
