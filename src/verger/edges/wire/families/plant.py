"""Plant-care devices over HTTP: they sign in, send batches, fetch what they are to do and tell what became of it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

import msgspec

from verger.base.clock import moment
from verger.base.errors import Invalid, Missing, Unknown
from verger.base.ids import new_id
from verger.domain.commands.model import Command
from verger.domain.devices.addresses import Addressed
from verger.domain.devices.plants import NAME
from verger.domain.telemetry.model import Ack
from verger.edges.wire.dialects import plant
from verger.edges.wire.dialects.family import Ask, Voice
from verger.edges.wire.families import plant_devices, plant_people
from verger.edges.wire.families.call import Call, Handler, HttpFamily, Reply, Route, Sender, compact, heard, nobody
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.plant_shapes import profile_told
from verger.flows.passing import Passed
from verger.flows.tending import Tending

_SESSION, _KEY = "vs_", "vk_"  # tokens of people and of programs


def answering(handler: Handler) -> Handler:
    """Let a handler refuse as this family does: a body that does not fit with the reasons, what cannot be with 400."""

    @wraps(handler)
    async def answer(desk: Desk, call: Call) -> Reply:
        try:
            return await handler(desk, call)
        except plant.Unfit as unfit:
            if device := await _sender(desk, call):
                desk.house.remark(device, "refused", str(unfit))
            return compact({"detail": unfit.told}, 422)
        except plant.UnknownSensor as unknown:
            return compact({"detail": str(unknown)}, 400)

    return answer


async def sign_in(desk: Desk, call: Call) -> Reply:
    """Give a device tokens for its id and secret."""
    told = plant.body(call.body, plant.SignIn)
    passed = await desk.passes.sign_in(NAME, told.device_id, told.device_secret, call.door)
    known = desk.meetings.addressed(passed.device)
    about = {"id": known.address if known else told.device_id, "name": passed.name}
    return compact(_tokens(passed) | {"device": about, "automation_profile": await _profile(desk, passed)})


async def _profile(desk: Desk, passed: Passed) -> dict[str, Any] | None:
    known = desk.meetings.addressed(passed.device)
    if known is None:
        return None
    stories = desk.people.stories
    device = await stories.kept.devices.get(known.tenant, known.device)
    profile = (await Tending(stories.ruling).all(known.tenant, [device])).get(device.id)
    return None if profile is None else profile_told(profile)


async def refresh(desk: Desk, call: Call) -> Reply:
    """Exchange a refresh token for new tokens; one that comes twice ends them all."""
    told = plant.body(call.body, plant.Refresh)
    if told.refresh_token.startswith((_SESSION, _KEY)):
        return compact({"detail": "Unexpected token scope"}, 400)
    try:
        return compact(_tokens(await desk.passes.exchange(told.refresh_token)))
    except Invalid as wrong:
        return compact({"detail": str(wrong)}, 400)


async def either(desk: Desk, call: Call) -> Reply:
    """Exchange a refresh token of a device or a person."""
    told = plant.body(call.body, plant.Refresh)
    if told.refresh_token.startswith(_KEY):
        return compact({"detail": "Unsupported token scope"}, 400)
    if told.refresh_token.startswith(_SESSION):
        return await plant_people.renewed(desk, told.refresh_token)
    return await refresh(desk, call)


async def telemetry(desk: Desk, call: Call) -> Reply:
    """Keep a batch of readings, all of it on disk when it is answered."""
    known, call = speaker(desk, call)
    batch = plant.body(call.body, plant.Batch)
    try:
        voice, accepted = plant.read(known.address, known.channels, batch)
    except plant.UnknownSensor:
        desk.house.remark(known.device, "refused", "A batch was refused: it speaks of a sensor that is not its own.")
        raise
    if not accepted:
        raise plant.unfit("Input should be a finite number", "readings", 0, "value")
    await heard(desk, call, NAME, voice)
    return compact({"batch_id": new_id(), "accepted": accepted})


async def commands(desk: Desk, call: Call) -> Reply:
    """Tell a device what it is to do, each once; what it cannot be told has failed."""
    known, call = speaker(desk, call)
    told, had = [], []
    for each in await desk.orders.fetch(known.device):
        order = plant.write(each.method, each.params, known.channels)
        if order is None:
            refused = Ack(each.number, "answer", answered=True, result={"error": plant.NO_SUCH})
            await heard(desk, call, NAME, Voice(known.address, (refused,)))
            continue
        told.append(command(each, order, known.channels))
        had.append(Ask(each.number, each.method, each.params))
    await desk.fetched(known.device, had)
    return compact(told)


def command(asked: Command, order: plant.Order, channels: Mapping[str, str]) -> dict[str, Any]:
    """Return a command as devices and people of this family read it."""
    return {
        "id": asked.id,
        "command": order.verb,
        "payload": order.payload,
        "actuator_id": next((each for each, name in channels.items() if name == order.actuator), None),
        "created_at": plant.moment_text(asked.asked_at),
    }


async def acknowledge(desk: Desk, call: Call) -> Reply:
    """Hear what became of a command, and how what it moves stands now."""
    known, call = speaker(desk, call)
    told = plant.body(call.body, plant.Acked)
    found = await desk.orders.asked(known.tenant, known.device, told.command_id)
    if found is None:
        raise Missing("Command not found")
    order = plant.write(found.method, found.params, known.channels)
    await heard(desk, call, NAME, Voice(known.address, plant.acked(told, found.number, order)))
    message = None if told.feedback is None else msgspec.json.encode(told.feedback).decode()
    return compact({"id": found.id, "status": told.status, "message": message})


def speaker(desk: Desk, call: Call) -> tuple[Addressed, Call]:
    """Return the device that a token belongs to, and the call with its door; raise Unknown."""
    if "authorization" not in call.headers:
        raise Unknown("Missing credentials")
    door = desk.passes.admitted(call.bearer())
    known = None if door is None or door.device is None else desk.meetings.addressed(door.device)
    if known is None or known.dialect != NAME:
        raise Unknown("Invalid token")
    return known, replace(call, door=door)


async def _sender(desk: Desk, call: Call) -> str | None:
    """Return the device that a token belongs to."""
    door = desk.passes.admitted(call.bearer())
    return None if door is None else door.device


def _tokens(passed: Passed) -> dict[str, str]:
    return {
        "access_token": passed.access,
        "refresh_token": passed.refresh,
        "token_type": "bearer",
        "expires_at": plant.moment_text(moment(passed.until)),
    }


def refusal(_call: Call, status: int, sentence: str) -> Reply:
    """Refuse as the old server did."""
    # 401 would sign out of the app whoever mistypes a device's secret.
    return compact({"detail": sentence}, 400 if sentence == plant_devices.NOT_PROVED else status)


def _routes() -> list[Route]:
    told: list[tuple[str, str, Handler]] = [
        *plant_people.ROUTES,
        *plant_devices.ROUTES,
        ("POST", "/auth/device", sign_in),
        ("POST", "/auth/device/refresh", refresh),
        ("POST", "/auth/refresh", either),
        ("POST", "/telemetry", telemetry),
        ("GET", "/commands", commands),
        ("POST", "/commands/ack", acknowledge),
    ]
    senders: dict[Handler, Sender] = {telemetry: _sender, acknowledge: _sender}
    return [
        Route(method, path, answering(handler), strangers=False, sender=senders.get(handler, nobody))
        for method, path, handler in told
    ]


FAMILY = HttpFamily(NAME, _routes(), refusal=refusal)
