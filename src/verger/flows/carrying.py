"""Carrying: how notifications are written into one message, and who carries it."""

from collections.abc import Sequence
from typing import Protocol

from verger.domain.notifications.model import Notification, Urgency
from verger.domain.notifications.ways import Item, Message, Way

_MOST = 50  # notifications written out in one message
_ORDER = list(Urgency)
_WORDS = {Urgency.info: "", Urgency.warning: "Warning: ", Urgency.critical: "Critical: "}


class Carries(Protocol):
    """Whoever brings messages to people."""

    async def carry(self, way: Way, message: Message) -> None:
        """Bring a message there; raise Refused with a sentence when it did not arrive, Gone when none will."""
        ...


def written(fresh: str, told: Sequence[Notification], home: str) -> Message:
    """Return one message that tells some notifications, at least one, the oldest first; `home` leads to them."""
    worst = max((each.severity for each in told), key=_ORDER.index)
    return Message(
        id=fresh,
        severity=worst.value,
        title=_titled(told[0]) if len(told) == 1 else f"{_WORDS[worst]}{len(told)} notifications",
        body=told[0].body if len(told) == 1 else _listed(told),
        url=f"{home.rstrip('/')}/notifications" if home else None,
        items=tuple(
            Item(t.severity.value, t.title, t.body, f"{t.at:%Y-%m-%dT%H:%M:%SZ}", t.kind, t.subject, t.place, t.device)
            for t in told
        ),
    )


def _titled(told: Notification) -> str:
    return f"{_WORDS[told.severity]}{told.title}"


def _listed(told: Sequence[Notification]) -> str:
    """Return a line for each, the first of them written out."""
    lines = [f"{each.at:%H:%M} UTC  {_titled(each)}" for each in told[:_MOST]]
    more = len(told) - _MOST
    return "\n".join([*lines, *([f"and {more} more"] if more > 0 else [])])
