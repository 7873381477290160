"""Rules as sentences for people."""

from collections.abc import Callable, Mapping

from msgspec import structs

from verger.base.plural import plain
from verger.domain.rules.actions import Action
from verger.domain.rules.conditions import DAY_S, Condition
from verger.domain.rules.model import Rule

Name = Callable[[str], str]
"""Tells the name of a device by its id."""
Measure = Callable[[str, str | None], tuple[str, str]]
"""Tells what a metric of a device is called, and the unit of its values as people write it."""


def _bare(metric: str, _device: str | None) -> tuple[str, str]:
    return metric, ""


def says(condition: Condition, name: Name | None = None) -> str:
    """Return a condition as a part of a sentence, of named devices by their names if those are known."""
    if values := _either(condition):
        return says(structs.replace(condition.children[0], equals=values), name)
    if condition.all is not None or condition.any is not None:
        joint = " and " if condition.all is not None else " or "
        parts = [says(child, name) for child in condition.children]
        wordy = [
            f"({part})" if child.children and len(parts) > 1 else part
            for part, child in zip(parts, condition.children, strict=True)
        ]
        return joint.join(wordy)
    if condition.not_ is not None:
        return f"not ({says(condition.not_, name)})"
    said = _said(condition)
    return f"{said} ({name(condition.device)})" if name is not None and condition.device is not None else said


def _either(condition: Condition) -> str:
    """Return what one attribute is to equal, where several conditions each name a value; empty for any other."""
    children = condition.any or ()
    if len({(each.attribute, each.of, each.device) for each in children}) != 1 or children[0].attribute is None:
        return ""
    *some, last = (str(each.equals) for each in children)
    return f"{', '.join(some)} or {last}" if some else last


def reason(
    condition: Condition,
    device: str | None,
    measure: Measure = _bare,
    names: Mapping[str, str] | None = None,
    *,
    wanted: bool,
) -> str:
    """Return a single condition as the reason for what a rule did, of the device that it was judged for."""
    said = _said(condition, lambda metric, of: measure(metric, of or device))
    if names is not None and condition.device is not None:
        said = f"{said} ({names.get(condition.device, condition.device)})"
    return said if wanted else f"not ({said})"


def sentence(rule: Rule, name: Name | None = None) -> str:
    """Return a whole rule as a sentence, such as: When soil_moisture stays below 30 for 2 min, pulse."""
    only_if = f", only if {says(rule.only_if, name)}" if rule.only_if is not None else ""
    actions = ", then ".join(asks(action, name) for action in rule.then)
    return f"When {says(rule.when, name)}{only_if}: {actions}."


def asks(action: Action, name: Name | None = None) -> str:
    """Return an action as a part of a sentence."""
    if action.command is not None:
        return f"tell {_who(action.command.device, name)} to {action.command.method}"
    if action.set is not None:
        return f"set {action.set.attribute} of {_who(action.set.device, name)} to {action.set.value}"
    if action.alert is not None:
        return f"open an alert ({action.alert.severity})"
    if action.task is not None:
        return f"make the task {action.task.title}"
    if action.notify is not None:
        return "notify a person" if action.notify.to == "user" else f"notify the {action.notify.to}"
    return f"call {action.webhook.url}" if action.webhook is not None else ""


def lasting(seconds: float) -> str:
    """Return a span of time for a person, such as 2 min or 1.5 h."""
    for unit, size in (("d", DAY_S), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{plain(seconds)} s"


def _who(device: str | None, name: Name | None) -> str:
    if device is None:
        return "it"
    return name(device) if name is not None else device


def _said(condition: Condition, measure: Measure = _bare) -> str:
    if condition.metric is not None:
        return _of_metric(condition, *measure(condition.metric, condition.device))
    if condition.sun is not None:
        return _of_sun(condition)
    begin, end = condition.between or ("", "")
    said = {
        "event": f"{condition.event} happens",
        "silent_for_s": f"nothing was heard for {lasting(condition.silent_for_s or 0)}",
        "schedule": f"it is time ({condition.schedule})",
        "between": f"it is between {begin} and {end}",
        "command": f"the command {condition.command} is {condition.stage}",
        "attribute": f"{condition.attribute}{' of the place' if condition.of else ''} is {condition.equals}",
    }
    return said[condition.word]


def _of_metric(condition: Condition, called: str, unit: str) -> str:
    holds = "stays" if condition.for_s else "is"
    span = f" for {lasting(condition.for_s)}" if condition.for_s else ""
    behind = f" {unit}" if unit else ""
    match condition.is_:
        case "below" | "above":
            what = f"{condition.is_} {plain(condition.value or 0)}"
        case "equal":
            what = plain(condition.value or 0) + (f" ± {plain(condition.tolerance)}" if condition.tolerance else "")
        case "inside" | "outside":
            what = f"{condition.is_} {plain(condition.low or 0)} to {plain(condition.high or 0)}"
        case _:
            verb = "rises" if condition.is_ == "rises_by" else "falls"
            within = lasting(condition.within_s or 0)
            return f"{called} {verb} by {plain(condition.value or 0)}{behind} within {within}"
    return f"{called} {holds} {what}{behind}{span}"


def _of_sun(condition: Condition) -> str:
    verb = "rises" if condition.sun == "sunrise" else "sets"
    if not condition.offset_s:
        return f"the sun {verb}"
    side = "before" if condition.offset_s < 0 else "after"
    return f"it is {lasting(abs(condition.offset_s))} {side} the sun {verb}"
