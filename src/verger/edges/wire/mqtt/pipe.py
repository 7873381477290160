"""A socket that can rest, does not wait forever for a slow reader, and lets its last words arrive."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from verger.base.certificates import shown
from verger.edges.wire.mqtt.wiring import Counts

MOST_UNREAD = 262_144
"""Bytes that may wait for a device to read them before nothing more is read from it."""
SLOW_S = 30.0
LINGER_S = 3.0


class Pipe(asyncio.Protocol):
    """One socket among the `lines` of a listener; whoever inherits hears with `hear` and paces itself with `rest`.

    `certificate` is the fingerprint of the one that the peer proved, empty without one. `blocked`: the peer does not
    read; `resting`: nothing is read from it, and never again once `halted`; `closing`: nothing more is heard from it.
    """

    def __init__(self, counts: Counts, lines: "set[Pipe]") -> None:
        """Wait for the connection; `gone` is set after its end."""
        self.address = self.certificate = ""
        self.blocked = self.closing = self.resting = self.halted = False
        self.gone = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self._counts, self._lines = counts, lines
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._later: list[Callable[[], None]] = []

    def hear(self, chunk: bytes) -> None:
        """Take bytes."""
        raise NotImplementedError

    def pace(self) -> None:
        """Decide whether to rest."""
        raise NotImplementedError

    def lost(self) -> None:
        """Learn that the connection is gone."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        # uvloop's transports are none of asyncio's by class
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.certificate = shown(transport)
        _stay_alive(transport.get_extra_info("socket"))
        self._transport.set_write_buffer_limits(high=MOST_UNREAD)
        self._lines.add(self)
        self._counts.connections += 1

    def data_received(self, data: bytes) -> None:
        """Hear, unless everything is said."""
        if not self.closing:
            self._counts.bytes_in += len(data)
            self.hear(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything go."""
        del exc
        self.lost()
        self.closing = True
        for timer in self._timers.values():
            timer.cancel()
        self._lines.discard(self)
        self._counts.connections -= 1
        self.gone.set()

    def pause_writing(self) -> None:
        """Read nothing from a device that does not read, and give it up after a while."""
        self.blocked = True
        self.after("slow", SLOW_S, self.abort)
        self.pace()

    def resume_writing(self) -> None:
        """Go on with a device that reads again."""
        self.blocked = False
        self._timers.pop("slow").cancel()
        later, self._later = self._later, []
        for act in later:
            act()
        self.pace()

    def when_read(self, act: Callable[[], None]) -> None:
        """Do something once a peer that is `blocked` reads again."""
        self._later.append(act)

    def write(self, raw: bytes) -> None:
        """Send bytes, if there are any and the connection stands."""
        if raw and not self.closing and not self._transport.is_closing():
            self._counts.bytes_out += len(raw)
            self._transport.write(raw)

    def rest(self, wanted: bool) -> None:  # noqa: FBT001  it is the state itself
        """Read nothing from now on, or go on reading."""
        if wanted is self.resting:
            return
        self.resting = wanted
        if wanted:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def halt(self) -> None:
        """Read nothing any more."""
        self.rest(wanted=True)
        self.halted = True

    def after(self, name: str, seconds: float, do: Callable[[], None]) -> None:
        """Do something later, instead of what was to be done under that name."""
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self.loop.call_later(seconds, do)

    def is_due(self, name: str) -> bool:
        """Whether something is to be done later under a name."""
        return name in self._timers

    def close(self) -> None:
        """Close, and keep the socket until the peer has read the last words."""
        if self.closing:
            return
        self.closing = True
        self.rest(wanted=False)
        # closing a socket with bytes unread would throw away what is on its way to the peer
        if self._transport.can_write_eof():
            self._transport.write_eof()
            self.after("tick", LINGER_S, self.abort)
        else:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


def _stay_alive(carrier: socket.socket | None) -> None:
    """Let the system find out, within ten minutes, that a peer is gone that never had to say anything."""
    if carrier is not None and carrier.family in {socket.AF_INET, socket.AF_INET6}:
        carrier.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_KEEPIDLE"):
            carrier.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 300)
            carrier.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 60)
            carrier.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 5)
