"""What a rule may ask for, to the letter of the public contract."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from verger.base.outgoing import discreet
from verger.domain.rules.conditions import DAY_S, Seconds, Text

Message = Annotated[str, Meta(max_length=1000)]
To = Literal["assignee", "members", "managers", "owners", "user"]


class ToCommand(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell a device to act; without `device` the one that the rule speaks of."""

    method: Text
    device: Text | None = None
    params: dict[str, Any] = {}
    ttl_s: Annotated[int, Meta(ge=1, le=30 * DAY_S)] = 60


class ToAlert(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open an alert, which ends with the rule's condition or `clear_after_s` after it was last seen."""

    severity: Literal["info", "warning", "critical"] = "warning"
    message: Message = ""
    clear_after_s: Seconds | None = None


class ToTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give people something to do."""

    title: Text
    due_in_s: Seconds | None = None
    notes: Annotated[str, Meta(max_length=4000)] = ""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    assignee: Text | None = None


class ToNotify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell people; `user` is whose id is meant by `to` user."""

    to: To
    message: Message
    user: Text | None = None


class ToWebhook(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Call an address; text within the body is rendered as messages are."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    body: Any = None


class ToSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Desire an attribute of a device; without `device` the one that the rule speaks of."""

    attribute: Text
    value: Any
    device: Text | None = None


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that a rule asks for: exactly one of its fields is given."""

    command: ToCommand | None = None
    alert: ToAlert | None = None
    task: ToTask | None = None
    notify: ToNotify | None = None
    webhook: ToWebhook | None = None
    set: ToSet | None = None

    @property
    def words(self) -> list[str]:
        """Return the fields that are given."""
        return [name for name in self.__struct_fields__ if getattr(self, name) is not None]


def shown(action: Action) -> Action:
    """Return an action without what only those may know who write rules: a whole address, and what it is sent."""
    told = action.webhook
    return action if told is None else Action(webhook=ToWebhook(url=discreet(told.url)))
