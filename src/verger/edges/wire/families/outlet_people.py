"""The people's side of power outlets: what switches and bounds them, and their tables, over Verger's own rights."""

from typing import Any

from verger.base.errors import Unknown
from verger.domain.devices.outlets import MOST_BREAKER_MA, THRESHOLD
from verger.domain.telemetry.model import Garbled
from verger.domain.tenancy.model import Caller, Permission
from verger.edges.wire.dialects import outlet
from verger.edges.wire.families.call import Call, Reply, Route, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.outlet_shapes import central_of, outlet_of, told
from verger.edges.wire.families.outlet_sheets import sheets
from verger.flows.commanding import Wish

NOT_SIGNED_IN = "Authentication required"
_NOT_YOURS = "Outlet not found or unauthorized"


async def asks(desk: Desk, call: Call, needs: Permission) -> Caller:
    """Return who asks, by a token or the cookie of Verger's own pages; raise Unknown, Missing or Forbidden."""
    try:
        return await desk.people.signed_in(call, needs)
    except Unknown:
        raise Unknown(NOT_SIGNED_IN) from None


async def order(desk: Desk, call: Call) -> Reply:
    """Ask an outlet for something; what becomes of it is the command's own story."""
    caller = await asks(desk, call, "devices:control")
    found = outlet_of(desk, caller.tenant, call.args["device"], _NOT_YOURS)
    command = call.args["command"]
    wish = Wish(method=command, params=_params(command, call.form()))
    await desk.people.stories.commanding.ask(caller.tenant, found.device, wish, caller.name)
    if command == "set_threshold":
        return told(message=f"Threshold set to {wish.params['value']}mA (queued)", direct=False)
    if command.startswith("relay_"):
        return told(message="Command queued \u2014 will execute within 2s", direct=False)
    return told(message=f"Command {command} queued successfully")


def _params(command: str, form: dict[str, str]) -> dict[str, Any]:
    """Return what a command goes with; raise Garbled. A relay without a socket would be B, so one has to be named."""
    if command not in outlet.COMMANDS:
        raise Garbled("Invalid command")
    socket, value = form.get("socket", "").strip().lower(), form.get("value", "").strip()
    if socket not in {"", *outlet.SOCKETS} or (not socket and command.startswith("relay_")):
        raise Garbled("Invalid socket")
    if command == "set_threshold":
        threshold = whole(value, 0, 1 << 31, -1)
        if not outlet.is_threshold(threshold):
            raise Garbled("Invalid value format")
        return {"value": threshold}
    return {"socket": socket} if command.startswith("relay_") else {}


async def breaker_threshold(desk: Desk, call: Call) -> Reply:
    """Desire a threshold of the newest control unit."""
    caller = await asks(desk, call, "devices:write")
    body = call.json()
    threshold = body.get("threshold") if isinstance(body, dict) else None
    if not isinstance(threshold, int) or isinstance(threshold, bool) or not 0 < threshold <= MOST_BREAKER_MA:
        raise Garbled("Threshold must be greater than 0")
    central = central_of(desk, caller.tenant)
    await desk.people.stories.changing.desiring.desire(caller.tenant, central.device, {THRESHOLD: threshold})
    return told(message=f"Breaker threshold set to {threshold} mA", threshold=threshold)


ROUTES = (
    Route("POST", "/api/commands/{device}/{command}/", order, strangers=False),
    Route("POST", "/api/breaker-threshold/", breaker_threshold, strangers=False),
    Route("GET", "/api/export/sheets/", sheets, strangers=False),
)
