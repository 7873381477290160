"""Polls: devices that ask over HTTP what they should know, and what is kept for them between two questions."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

KEPT_S = 600.0
"""How long what a device should know waits for its next question."""


class Polls:
    """Gives each change to every poll that is open; to none, it waits for a device that asked not long ago."""

    def __init__(self, now: Callable[[], float] = monotonic, most: int = 10_000) -> None:
        """Wait for nobody yet; remember at most `most` devices, those that asked last."""
        self._now, self._most = now, most
        self._open: dict[str, set[asyncio.Future[dict[str, Any]]]] = {}
        self._asked: OrderedDict[str, tuple[float, dict[str, Any]]] = OrderedDict()

    def tell(self, device: str, values: Mapping[str, Any], gone: Sequence[str]) -> bool:
        """Give a device what it should know; whether it asked for it."""
        if polls := self._open.pop(device, None):
            for poll in polls:
                if not poll.done():
                    poll.set_result(_joined({}, values, gone))
            self._note(device, {})  # what comes before the poll has its turn waits for the next one
            return True
        at, kept = self._asked.get(device, (0.0, {}))
        if device not in self._asked or self._now() - at > KEPT_S:
            return False
        self._asked[device] = (at, _joined(kept, values, gone))
        return True

    async def wait(self, device: str) -> dict[str, Any]:
        """Return what a device should know as soon as there is something, in one object."""
        at, kept = self._asked.pop(device, (0.0, {}))
        try:
            if kept and self._now() - at <= KEPT_S:
                return kept
            poll: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self._open.setdefault(device, set()).add(poll)
            return await poll
        finally:
            self._leave(device)

    def _leave(self, device: str) -> None:
        """Note that a device has its answer, and is likely to ask again."""
        polls = {poll for poll in self._open.pop(device, set()) if not poll.done()}
        if polls:
            self._open[device] = polls
        self._note(device, self._asked.get(device, (0.0, {}))[1])

    def _note(self, device: str, kept: dict[str, Any]) -> None:
        """Note that a device asks just now, and what waits for it since."""
        self._asked[device] = (self._now(), kept)
        self._asked.move_to_end(device)
        if len(self._asked) > self._most:
            self._asked.popitem(last=False)


def _joined(kept: Mapping[str, Any], values: Mapping[str, Any], gone: Sequence[str]) -> dict[str, Any]:
    """Return one change after another as one: {k: v, "deleted": [k]}."""
    deleted = [key for key in kept.get("deleted", []) if key not in values]
    deleted += [key for key in gone if key not in deleted]
    stay = {key: value for key, value in kept.items() if key != "deleted" and key not in gone}
    return stay | dict(values) | ({"deleted": deleted} if deleted else {})
