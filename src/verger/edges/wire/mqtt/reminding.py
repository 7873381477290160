"""What is retained goes to who comes to hear it in turns, and only as fast as it is read."""

import asyncio
from collections.abc import Iterator

from verger.domain.messages.exchange import Exchange
from verger.domain.messages.standing import Standing
from verger.edges.wire.mqtt.speaker import Line

_A_TURN = 65_536
"""Bytes after which others have their turn."""
_A_PACKET = 100


class Reminding:
    """Sends one session what is retained where its new filters cover it; `busy` until it has all of that."""

    def __init__(self, exchange: Exchange, line: Line) -> None:
        """Have nothing to send."""
        self.busy = False
        self._exchange, self._line = exchange, line
        self._filters: dict[str, Standing] = {}
        self._sending: Iterator[int] = iter(())

    def ask(self, standing: Standing, topic_filters: tuple[str, ...]) -> None:
        """Send what is retained, as soon as its turn has come."""
        self._filters |= dict.fromkeys(topic_filters, standing)
        if self._filters and not self.busy:
            self.busy = True
            self._turn()

    def _turn(self) -> None:
        """Send as much as one turn may take: of one filter, for to look through all that is retained takes long."""
        if self._line.session.over:
            return
        if self._line.blocked:
            self._line.when_read(self._turn)
            return
        if self._send():
            self.busy = bool(self._filters)
            if self.busy:
                topic_filter = next(iter(self._filters))
                self._sending = self._exchange.remind(self._filters.pop(topic_filter), topic_filter)
        if self.busy:
            asyncio.get_running_loop().call_soon(self._turn)
        else:
            self._line.pace()

    def _send(self) -> bool:
        """Send what comes next; whether that was all of this filter."""
        left = _A_TURN
        for weight in self._sending:
            left -= weight + _A_PACKET
            if left <= 0:
                return False
        return True
