"""The people's side of mushroom farms: comparison rules, which are Verger's own, and what people are told."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import structs

from verger.base.clock import moment
from verger.base.errors import Missing
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.alerts.model import Alert, Severity
from verger.domain.alerts.store import Wanted
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.actions import Action, ToAlert, ToCommand
from verger.domain.rules.conditions import Condition
from verger.domain.telemetry.model import Garbled
from verger.domain.tenancy.model import Caller
from verger.edges.wire.families.call import Call, Handler, Reply, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.farm_people import body
from verger.edges.wire.families.farm_shapes import Farms, asks, success, text

PARAMETERS = ("temperature", "humidity", "co2", "light", "substrate_moisture")
_TOLERANCE = 0.01
_NEEDED = ("name", "parameter", "comparator", "threshold", "action_device", "action_command")


# rules


async def rules(desk: Desk, call: Call) -> Reply:
    """List the rules of a room that compare one value and tell one device something."""
    caller = await asks(desk, call, "rules:read")
    there = await Farms.of(desk, caller.tenant)
    below = set(there.tree.below(there.room(call.args["room"]).id))
    kept = await desk.people.stories.ruling.kept.rules.of_tenant(caller.tenant)
    shown = [_rule(there, rule) for rule in kept if rule.place in below]
    return success(rules=[each for each in shown if each is not None])


async def add(desk: Desk, call: Call) -> Reply:
    """Write a rule for a room."""
    caller, told = await asks(desk, call, "rules:write"), body(call)
    there = await Farms.of(desk, caller.tenant)
    room = there.room(call.args["room"])
    now = moment(desk.people.stories.clock.now())
    rule = KeptRule(id=new_id(), place=room.id, created_at=now, **_written(told))
    return success(201, rule=_rule(there, await desk.people.stories.ruling.add(caller.tenant, rule)))


async def change(desk: Desk, call: Call) -> Reply:
    """Change what is named of a rule."""
    caller, told = await asks(desk, call, "rules:write"), body(call)
    there = await Farms.of(desk, caller.tenant)
    before, shown = await _find(desk, caller, there, call.args["rule"])
    after = structs.replace(before, **_written(shown | told))
    kept = before if after == before else await desk.people.stories.ruling.change(caller.tenant, before, after, None)
    return success(rule=_rule(there, kept))


async def remove(desk: Desk, call: Call) -> Reply:
    """Let a rule go."""
    caller = await asks(desk, call, "rules:write")
    found, _ = await _find(desk, caller, await Farms.of(desk, caller.tenant), call.args["rule"])
    await desk.people.stories.ruling.remove(caller.tenant, found.id, None)
    return success(message="Rule deleted")


async def _find(desk: Desk, caller: Caller, there: Farms, rule: str) -> tuple[KeptRule, dict[str, Any]]:
    """Return a rule that these pages can show, and how; raise Missing."""
    try:
        found = await desk.people.stories.ruling.kept.rules.get(caller.tenant, rule)
    except Missing:
        raise Missing("Rule not found") from None
    shown = _rule(there, found)
    if shown is None:
        raise Missing("Rule not found")
    return found, shown


def _written(told: dict[str, Any]) -> dict[str, Any]:
    """Return what people would write as the rule; raise Garbled."""
    if any(told.get(name) is None or told[name] == "" for name in _NEEDED):
        raise Garbled("Missing required fields")
    name, parameter, threshold = str(told["name"]), told["parameter"], told["threshold"]
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise Garbled("Invalid threshold")
    if parameter not in PARAMETERS:
        raise Garbled("Invalid parameter")
    method, params = _ordered(told["action_command"])
    said = f"Automation rule '{name}' triggered: {parameter} {told['comparator']} {threshold}"
    return {
        "name": name,
        "enabled": told.get("enabled", True) is not False,
        "when": _condition(parameter, str(told["comparator"]), threshold),
        "then": (
            Action(command=ToCommand(device=str(told["action_device"]), method=method, params=params)),
            Action(alert=ToAlert(severity="info", message=said.replace("{", "(").replace("}", ")"))),
        ),
    }


def _ordered(told: Any) -> tuple[str, dict[str, Any]]:
    """Return the method and parameters of a command, written as JSON text or as an object; raise Garbled."""
    try:
        wish = msgspec.json.decode(told) if isinstance(told, str) else told
    except (msgspec.DecodeError, RecursionError):
        wish = None
    method = (wish.get("command") or wish.get("cmd")) if isinstance(wish, dict) else None
    params = (wish.get("params") or {}) if isinstance(wish, dict) else None
    if not isinstance(method, str) or not method or not isinstance(params, dict):
        raise Garbled("Invalid action_command JSON")
    return method, params


def _condition(metric: str, comparator: str, value: float) -> Condition:
    """Return a comparison; one that holds at its threshold as well is that the opposite does not hold."""
    match comparator:
        case "<":
            return Condition(metric=metric, is_="below", value=value)
        case ">":
            return Condition(metric=metric, is_="above", value=value)
        case "<=":
            return Condition(not_=Condition(metric=metric, is_="above", value=value))
        case ">=":
            return Condition(not_=Condition(metric=metric, is_="below", value=value))
        case "==":
            return Condition(metric=metric, is_="equal", value=value, tolerance=_TOLERANCE)
        case _:
            raise Garbled("Invalid comparator")


def _compared(when: Condition) -> tuple[str, str, float] | None:
    """Return the metric, the comparator and the threshold of a comparison, None for what is none of these pages'."""
    turned, one = when.not_ is not None, when.not_ or when
    words = {"below": ">=", "above": "<="} if turned else {"below": "<", "above": ">", "equal": "=="}
    comparator = words.get(one.is_ or "")
    if one.metric not in PARAMETERS or comparator is None or one.value is None or one.device is not None:
        return None
    return one.metric, comparator, one.value


def _rule(there: Farms, rule: KeptRule) -> dict[str, Any] | None:
    """Return a rule as it is listed, None for one that these pages cannot tell."""
    compared, orders = _compared(rule.when), [each.command for each in rule.then if each.command is not None]
    if compared is None or len(orders) != 1 or rule.only_if is not None:
        return None
    parameter, comparator, threshold = compared
    order = orders[0]
    return {
        "rule_id": rule.id,
        "room_id": there.where(rule.place)["room_id"],
        "name": rule.name,
        "parameter": parameter,
        "comparator": comparator,
        "threshold": threshold,
        "action_device": order.device,
        "action_command": msgspec.json.encode({"command": order.method, "params": order.params}).decode(),
        "enabled": rule.runs,
        "created_by": None,
        "created_at": text(rule.created_at),
    }


# what people are told


async def notifications(desk: Desk, call: Call) -> Reply:
    """List the alerts of farms and of the whole organisation, the newest first."""
    caller = await asks(desk, call, "alerts:read")
    level = call.query.get("level") or None
    if level is not None and level not in list(Severity):
        return success(notifications=[])
    there = await Farms.of(desk, caller.tenant)
    severity = None if level is None else Severity(level)
    wanted = Wanted(severity=severity, places=there.grounds(), placeless=True)
    asked = Asked(limit=whole(call.query.get("limit", ""), 1, 500, 100))
    page = await desk.people.stories.alerting.page(caller.tenant, asked, None, wanted)
    return success(notifications=told(there, page.items))


def told(there: Farms, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """Return alerts as they are listed, but for those of places that are no farm's."""
    found = [(each, there.where(each.place)) for each in alerts]
    return [_notification(each, where) for each, where in found if each.place is None or where["farm_id"]]


def _notification(alert: Alert, where: dict[str, str | None]) -> dict[str, Any]:
    return {
        "notification_id": alert.id,
        **where,
        "device_id": alert.device,
        "level": str(alert.severity),
        "message": alert.message,
        "created_at": text(alert.opened_at),
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": text(alert.acknowledged_at),
    }


async def acknowledge(desk: Desk, call: Call) -> Reply:
    """Take note of an alert."""
    caller = await asks(desk, call, "alerts:write")
    alerting = desk.people.stories.alerting
    try:
        found = await alerting.store.get(caller.tenant, call.args["notification"])
    except Missing:
        raise Missing("Notification not found") from None
    await alerting.acknowledge(caller.tenant, found.id, caller.who.id)
    return success(message="Notification acknowledged")


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/rooms/{room}/rules", rules),
    ("POST", "/rooms/{room}/rules", add),
    ("GET", "/rooms/{room}/automation", rules),
    ("POST", "/rooms/{room}/automation", add),
    ("PUT", "/automation/rules/{rule}", change),
    ("DELETE", "/automation/rules/{rule}", remove),
    ("GET", "/notifications", notifications),
    ("POST", "/notifications/{notification}/ack", acknowledge),
]
