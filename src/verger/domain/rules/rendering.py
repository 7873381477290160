"""Messages of a rule, with the values in them that made it fire."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from verger.domain.rules.actions import Action

_NAMED = re.compile(r"\{([^{}\s]{1,200})\}")

Words = dict[str, Any]


def render(text: str, words: Mapping[str, Any]) -> str:
    """Return a text with each `{name}` that is known put in; the others stay, for who knows them."""
    return _NAMED.sub(lambda found: _told(words[found[1]]) if found[1] in words else found[0], text)


def render_all(value: Any, words: Mapping[str, Any]) -> Any:
    """Return a JSON value whose texts are rendered, at any depth."""
    if isinstance(value, str):
        return render(value, words)
    if isinstance(value, list | tuple):
        return [render_all(each, words) for each in value]
    if isinstance(value, dict):
        return {key: render_all(each, words) for key, each in value.items()}
    return value


def named(action: Action, words: Mapping[str, Any]) -> Action:
    """Return an action whose messages have some more names put in."""
    if action.alert is not None:
        return Action(alert=structs.replace(action.alert, message=render(action.alert.message, words)))
    if action.task is not None:
        title, notes = render(action.task.title, words)[:200], render(action.task.notes, words)
        return Action(task=structs.replace(action.task, title=title, notes=notes))
    if action.notify is not None:
        return Action(notify=structs.replace(action.notify, message=render(action.notify.message, words)))
    if action.webhook is not None:
        return Action(webhook=structs.replace(action.webhook, body=render_all(action.webhook.body, words)))
    return action


def rendered(action: Action, device: str | None, words: Mapping[str, Any]) -> Action:
    """Return what is really asked for: of which device, and with which words."""
    if action.command is not None:
        return Action(command=structs.replace(action.command, device=action.command.device or device))
    if action.set is not None:
        return Action(set=structs.replace(action.set, device=action.set.device or device))
    if action.alert is not None and not action.alert.message.strip():
        return Action(alert=structs.replace(action.alert, message=str(words.get("rule", ""))))
    return named(action, words)


def _told(value: Any) -> str:
    return format(value, ".10g") if isinstance(value, float) else str(value)
