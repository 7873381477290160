"""The people's side of the successor: commands with a priority, for one machine or many, and what became of them."""

from typing import Any

from verger.base.errors import Conflict, Invalid
from verger.base.pages import Asked
from verger.domain.commands.model import Command, Stage
from verger.domain.commands.store import WantedCommands
from verger.edges.wire.families.call import Call, Handler, Reply, compact
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ozone_shapes import Estate, asks, told_object
from verger.flows.commanding import Wish

PRIORITIES = ("critical", "high", "normal", "low")
TYPES = (
    *("RESET_COUNTERS", "CLEAR_MEMORY", "CLEAR_QUEUE", "REBOOT_DEVICE", "UPDATE_SETTINGS"),
    *("GET_STATUS", "SYNC_TIME", "UPDATE_FIRMWARE"),
)
_STATUS = {
    Stage.queued: "pending",
    Stage.sent: "sent",
    Stage.acknowledged: "sent",
    Stage.succeeded: "executed",
    Stage.failed: "failed",
    Stage.expired: "timeout",
    Stage.cancelled: "failed",
}
_HOUR_S, _DAY_H, _MOST_H = 3600, 24, 720
_LONGEST = 1_000


def command_told(command: Command) -> dict[str, Any]:
    """Return a command as machines and people of the successor read it."""
    payload, priority, description = _parts(command)
    return {
        "id": command.number,
        "command_id": str(command.number),
        "command_type": command.method,
        "priority": priority,
        "payload": payload,
        "description": description,
        "created_at": command.asked_at,
        "expires_at": command.expires_at,
    }


def urgency(command: Command) -> int:
    """Return what is the less the more urgent a command is."""
    return PRIORITIES.index(_parts(command)[1])


def _parts(command: Command) -> tuple[dict[str, Any], str, str]:
    """Return what a command brings along, how urgent it is, and what a person wrote to it."""
    params = command.params if isinstance(command.params, dict) else {}
    payload = {name: value for name, value in params.items() if name not in {"priority", "description"}}
    if command.params is not None and not isinstance(command.params, dict):
        payload = {"value": command.params}
    priority = params.get("priority")
    return payload, priority if priority in PRIORITIES else "normal", str(params.get("description") or "")


async def create(desk: Desk, call: Call) -> Reply:
    """Ask a machine for something."""
    caller = await asks(desk, call, "devices:control")
    estate, wish = await Estate.of(desk, caller.tenant), _wish(told_object(call))
    device = estate.device(call.args["device"])
    command = await desk.people.stories.commanding.ask(caller.tenant, device.id, wish, caller.name)
    return compact(_shown(command), 201)


async def status(desk: Desk, call: Call) -> Reply:
    """Tell what a machine was asked, the latest first, and what became of it."""
    caller = await asks(desk, call, "devices:read")
    device = (await Estate.of(desk, caller.tenant)).device(call.args["device"])
    page = await desk.people.stories.commands.page(caller.tenant, Asked(limit=100), WantedCommands(device=device.id))
    shown = [_shown(each) for each in page.items]
    return compact({"device_id": device.address, "commands": shown, "count": len(shown)})


async def bulk(desk: Desk, call: Call) -> Reply:
    """Ask several machines at once, as long work that can be looked at and called off."""
    caller = await asks(desk, call, "devices:control")
    told = told_object(call)
    estate, wish, named = await Estate.of(desk, caller.tenant), _wish(told), told.get("device_ids")
    if not isinstance(named, list) or not named:
        raise Invalid("device_ids required")
    devices = [estate.device(each).id for each in named]
    together = desk.people.stories.together
    plan = await together.selected(caller.tenant, devices, wish)
    errand = await together.begin(caller.tenant, plan, wish, caller.name)
    return compact({"status": "created", "created": len(plan.orders), "job": errand.id}, 201)


async def retry(desk: Desk, call: Call) -> Reply:
    """Ask once more for what was not done."""
    caller = await asks(desk, call, "devices:control")
    stories = desk.people.stories
    found = await stories.commands.get(caller.tenant, call.args["command"])
    if _STATUS[found.stage] not in {"failed", "timeout"}:
        raise Conflict(f"This command is {_STATUS[found.stage]}: only one that failed is asked for again.")
    ttl_s = (found.expires_at - found.asked_at).total_seconds()
    wish = Wish(method=found.method, params=found.params, ttl_s=ttl_s, one_way=found.one_way)
    return compact(_shown(await stories.commanding.ask(caller.tenant, found.device, wish, caller.name)), 201)


def _shown(command: Command) -> dict[str, Any]:
    """Return a command for people; its `id` is ours, since each machine has numbers of its own."""
    return command_told(command) | {
        "id": command.id,
        "status": _STATUS[command.stage],
        "sent_at": command.sent_at,
        "executed_at": command.answered_at,
        "response_data": command.result,
        "error_message": command.error,
    }


def _wish(told: dict[str, Any]) -> Wish:
    """Return what is wished; raise Invalid."""
    method, payload, priority = told.get("command_type"), told.get("payload") or {}, told.get("priority") or "normal"
    description, hours = told.get("description") or "", told.get("expires_in_hours") or _DAY_H
    if method not in TYPES:
        raise Invalid(f"command_type is one of {', '.join(TYPES)}.")
    if priority not in PRIORITIES:
        raise Invalid(f"priority is one of {', '.join(PRIORITIES)}.")
    if not isinstance(payload, dict):
        raise Invalid("payload is an object.")
    if not isinstance(description, str) or len(description) > _LONGEST:
        raise Invalid(f"description has at most {_LONGEST:,} characters.")
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= _MOST_H:
        raise Invalid(f"expires_in_hours is a number up to {_MOST_H}.")
    told_more = {} if priority == "normal" else {"priority": priority}
    params = payload | told_more | ({"description": description} if description else {})
    return Wish(method=method, params=params, ttl_s=max(1.0, hours * _HOUR_S))


ORDERS: list[tuple[str, str, Handler]] = [
    ("POST", "/api/device/{device}/commands/create/", create),
    ("GET", "/api/device/{device}/commands/status/", status),
    ("POST", "/api/commands/bulk/", bulk),
    ("POST", "/api/commands/{command}/retry/", retry),
]
