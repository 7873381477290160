"""Carrying: how notifications are written into one message, and who carries it."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Protocol

from verger.domain.notifications.model import Notification, Urgency
from verger.domain.notifications.ways import Item, Message, Way

_WITH_A_PAGE = ("alert", "rule")
_MOST = 50  # notifications written out in one message
_ORDER = list(Urgency)
_WORDS = {Urgency.info: "", Urgency.warning: "Warning: ", Urgency.critical: "Critical: "}


class Carries(Protocol):
    """Whoever brings messages to people."""

    async def carry(self, way: Way, message: Message) -> None:
        """Bring a message there; raise Refused with a sentence when it did not arrive, Gone when none will."""
        ...


def written(fresh: str, told: Sequence[Notification], home: str, zone: tzinfo) -> Message:
    """Return one message that tells some notifications, at least one, the oldest first; `home` leads to them.

    Their times are told by the clocks of a zone.
    """
    worst = max((each.severity for each in told), key=_ORDER.index)
    return Message(
        id=fresh,
        severity=worst.value,
        title=_titled(told[0]) if len(told) == 1 else f"{_WORDS[worst]}{len(told)} notifications",
        body=told[0].body if len(told) == 1 else _listed(told, zone),
        url=f"{home.rstrip('/')}{_leads(told)}" if home else None,
        items=tuple(
            Item(t.severity.value, t.title, t.body, f"{t.at:%Y-%m-%dT%H:%M:%SZ}", t.kind, t.subject, t.place, t.device)
            for t in told
        ),
    )


def _titled(told: Notification) -> str:
    return f"{_WORDS[told.severity]}{told.title}"


def _leads(told: Sequence[Notification]) -> str:
    """Return the page of what one notification is about, and the list of them for several."""
    kind, _, name = (told[0].subject or "").partition(":") if len(told) == 1 else ("", "", "")
    return f"/{kind}s/{name}" if kind in _WITH_A_PAGE else "/notifications"


def _listed(told: Sequence[Notification], zone: tzinfo) -> str:
    """Return a line for each, the first of them written out."""
    lines = [f"{each.at.astimezone(zone):%H:%M}  {_titled(each)}" for each in told[:_MOST]]
    more = len(told) - _MOST
    return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])
