"""The live sockets of power outlets: each reading of an outlet or a breaker, to whoever may see it."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from verger.base.clock import moment
from verger.base.errors import Refused
from verger.domain.devices.addresses import Addressed
from verger.domain.devices.families import identity
from verger.domain.devices.outlets import central
from verger.edges.wire.dialects import outlet
from verger.edges.wire.families.call import Call, Endpoint, Socket
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.outlet_shapes import name_of, relays
from verger.flows.commanding import Wish

_METRICS = ("current_a", "current_b")


async def may_watch(desk: Desk, call: Call) -> str | None:
    """Return whose outlets whoever opens a socket may see."""
    try:
        return (await desk.people.signed_in(call, "history:read")).tenant
    except Refused:
        return None


async def watch_outlet(desk: Desk, call: Call, socket: Socket) -> None:
    """Tell how an outlet stands, then each of its readings; a relay is switched for those who may."""
    tenant = (await desk.people.signed_in(call, "history:read")).tenant
    found = desk.people.stories.kept.addresses.find(tenant, outlet.NAME, identity(outlet.NAME, call.args["device"]))
    if found is None or name_of(found) is None:
        await socket.send(_frame("initial_data", None))
        while True:  # it is told nothing more, until it leaves
            await socket.heard()
    await socket.send(_frame("initial_data", await _sample(desk, found)))
    switching = asyncio.create_task(_switch(desk, call, socket, found))
    try:
        async for word in desk.people.watch(tenant, lambda: [found.device]):
            if word.get("device") == found.device and word["type"] in {"readings", "attributes"}:
                await socket.send(_frame("sensor_data", await _sample(desk, found)))
    finally:
        switching.cancel()


async def _switch(desk: Desk, call: Call, socket: Socket, found: Addressed) -> None:
    """Ask an outlet to turn a socket over whenever a page says so, if whoever opened it may still do that."""
    while True:
        said = await socket.heard()
        with suppress(Refused, msgspec.DecodeError, RecursionError):
            told = msgspec.json.decode(said)
            if not isinstance(told, dict) or told.get("type") != "toggle_relay":
                continue
            caller = await desk.people.signed_in(call, "devices:control")
            which = str(told.get("socket", "a")).lower()
            reported = (await desk.house.attributes(found.device, [f"relay_{which}"], []))[0]
            method = "relay_off" if reported.get(f"relay_{which}") is True else "relay_on"
            wish = Wish(method=method, params={"socket": which})
            await desk.people.stories.commanding.ask(caller.tenant, found.device, wish, caller.name)


async def watch_breaker(desk: Desk, call: Call, socket: Socket) -> None:
    """Tell each reading of a breaker."""
    tenant = (await desk.people.signed_in(call, "history:read")).tenant
    address = central(call.args["ccu"])
    found = desk.people.stories.kept.addresses.find(tenant, outlet.NAME, identity(outlet.NAME, address))
    if found is None:
        while True:
            await socket.heard()
    async for word in desk.people.watch(tenant, lambda: [found.device]):
        if word["type"] != "readings" or word["device"] != found.device or "current_ma" not in word["values"]:
            continue
        now = word["values"]["current_ma"]
        told = {"ccu_id": address.partition("-")[2], "current_ma": round(now), "current_amps": now / 1000}
        await socket.send(_frame("sensor_data", told | {"timestamp": moment(word["at"] * 1000).isoformat()}))


async def _sample(desk: Desk, found: Addressed) -> dict[str, Any]:
    """Return how an outlet stands."""
    stories = desk.people.stories
    device = await stories.kept.devices.get(found.tenant, found.device)
    latest = (await stories.showing.latest(found.tenant, [device]))[device.id]
    reported = (await desk.house.attributes(device.id, ["relay_a", "relay_b", "is_overload"], []))[0]
    times: list[datetime] = [latest[metric].at for metric in _METRICS if metric in latest]
    currents = {metric: round(latest[metric].value) if metric in latest else 0 for metric in _METRICS}
    return {
        "outlet_name": device.name,
        "device_id": name_of(found),
        **relays(reported),
        **currents,
        "is_overload": reported.get("is_overload") is True,
        "timestamp": max(times).isoformat() if times else None,
    }


def _frame(kind: str, told: dict[str, Any] | None) -> str:
    return outlet.text({"type": kind, "data": told}).decode()


SOCKETS = (
    Endpoint("/ws/sensor/{device}/", watch_outlet, may_watch),
    Endpoint("/ws/breaker/{ccu}/", watch_breaker, may_watch),
)
