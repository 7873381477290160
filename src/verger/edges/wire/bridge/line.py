"""One line to somebody else's broker: it subscribes, and acknowledges a message once that is in our log.

MQTT asks for acknowledgements in the order of the messages, so each waits for those before it. What could not be kept
ends the line unacknowledged, and the broker sends it again. What came sooner than a rate allows waits until it may be
kept. While the inlet is full, or too many wait, nothing is read.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TypeVar

from verger.base.errors import Refused
from verger.domain.bridges.model import Bridge, Secrets
from verger.domain.telemetry.model import Answer
from verger.edges.wire.bridge.reading import Reader
from verger.edges.wire.bridge.sending import Sending
from verger.edges.wire.bridge.waiting import Coming, Waiting
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.packets import (
    ConnAck,
    Connect,
    Disconnect,
    Filter,
    Packet,
    PingReq,
    PubAck,
    Publish,
    SubAck,
    Subscribe,
)
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.stream import Stream

KEEP_ALIVE_S = 30
SESSION_S = 86_400
IN_FLIGHT = 500
_PIECE = 64 << 10
_ANSWER_S = 15.0
_REFUSED = 0x80

P = TypeVar("P")


class Broken(Refused):
    """The line ended, and why."""


class Line:
    """A connection that is open; `run` keeps it until it breaks."""

    def __init__(
        self,
        bridge: Bridge,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        reader: Reader,
        sending: Sending,
        inlet: Inlet,
    ) -> None:
        """Speak over two streams, of which `sending` writes to the second, too."""
        self._bridge, self._reader, self._sending, self._inlet = bridge, reader, sending, inlet
        self._in, self._out = streams
        self._stream = Stream(bridge.protocol, largest=4 << 20)
        self._waiting: deque[list[int]] = deque()  # [packet id, answered] in the order of coming
        self._tickets: dict[int, tuple[list[int], Coming]] = {}
        self._soon = Waiting(self._join)
        self._early: list[Packet] = []
        self._next = 0
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def waiting(self) -> int:
        """Return how many messages came too soon and wait."""
        return len(self._soon)

    async def open(self, secrets: Secrets) -> None:
        """Introduce ourselves and subscribe; raise Broken with what the broker says."""
        bridge = self._bridge
        wishes = NONE
        if bridge.protocol == 5:
            wishes = Properties(session_expiry_interval=SESSION_S, receive_maximum=IN_FLIGHT)
        self._say(
            Connect(
                bridge.client_id,
                level=bridge.protocol,
                clean_start=False,
                keep_alive=KEEP_ALIVE_S,
                username=bridge.username,
                password=None if secrets.password is None else secrets.password.encode(),
                properties=wishes,
            )
        )
        greeting = await self._expect(ConnAck)
        if greeting.reason:
            raise Broken(f"The broker refused us (code {greeting.reason}): check user name, secret and certificate.")
        self._sending.greeted(greeting.properties)
        self._say(Subscribe(1, tuple(Filter(topic, 1) for topic in bridge.filters)))
        granted = await self._expect(SubAck)
        if refused := [topic for topic, code in zip(bridge.filters, granted.reasons, strict=False) if code >= _REFUSED]:
            raise Broken(f"The broker lets us not hear {', '.join(refused)}.")

    async def run(self) -> None:
        """Hear until the line breaks; raise Broken."""
        beating = asyncio.create_task(self._beat())
        hearing = asyncio.create_task(self._hear())
        try:
            await asyncio.wait({beating, hearing, self._broken}, return_when=asyncio.FIRST_COMPLETED)
            for each in (hearing, beating, self._broken):
                if each.done() and (error := each.exception()):
                    raise error
        finally:
            for task in (beating, hearing):
                task.cancel()
            await asyncio.gather(beating, hearing, return_exceptions=True)

    async def close(self) -> None:
        """End the connection."""
        self._soon.stop()
        with suppress(OSError):
            self._say(Disconnect())
            self._out.close()
            async with asyncio.timeout(1):
                await self._out.wait_closed()

    def answered(self, tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        """Acknowledge what is in the log, let wait what came too soon; break the line for what is not kept."""
        for ticket, answer in zip(tickets, answers, strict=True):
            slot, coming = self._tickets.pop(ticket)
            if answer is not None and answer.wait_s:
                self._wait(slot, coming, answer.wait_s)
                continue
            if answer is None or answer.later:
                if not self._broken.done():
                    why = answer.later if answer else "A message could not be kept."
                    self._broken.set_exception(Broken(f"{why} It is asked for again."))
                return
            slot[1] = 1
            self._reader.count(answer)
            self._soon.kept(coming)
        self._acknowledge()

    def _wait(self, slot: list[int], coming: Coming, seconds: int) -> None:
        """Let a message that came too soon try again, unless the broker will send it again anyway."""
        if not self._broken.done():
            self._tickets[coming.ticket] = (slot, coming)
            self._soon.later(coming, seconds)

    def _acknowledge(self) -> None:
        """Write the acknowledgements that are due."""
        if self._broken.done():
            return
        acks = bytearray()
        while self._waiting and self._waiting[0][1]:
            if packet_id := self._waiting.popleft()[0]:
                acks += encode(PubAck(packet_id), self._bridge.protocol)
        if acks and not self._out.is_closing():
            self._out.write(bytes(acks))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE_S / 2)
            self._say(PingReq())

    async def _hear(self) -> None:
        packets, self._early = self._early, []
        while True:
            for packet in packets:
                match packet:
                    case Publish():
                        await self._soon.room()
                        await self._inlet.room()
                        await self._reader.meet(packet.topic)
                        await self._take(packet)
                    case PubAck():
                        self._sending.acknowledged(packet)
                    case Disconnect(reason=reason):
                        raise Broken(f"The broker ended the connection (code {reason}).")
            self._acknowledge()
            await self._reader.save()
            packets = await self._read()

    async def _read(self) -> list[Packet]:
        """Return the next packets; raise Broken when none come in time."""
        try:
            async with asyncio.timeout(2 * KEEP_ALIVE_S):
                chunk = await self._in.read(_PIECE)
        except TimeoutError:
            raise Broken("The broker has been silent for a minute.") from None
        except OSError as error:
            raise Broken(f"The connection broke ({error.strerror or error}).") from None
        if not chunk:
            raise Broken("The broker closed the connection.")
        packets = self._stream.feed(chunk)
        if self._stream.error is not None:
            raise Broken(f"The broker does not speak MQTT: {self._stream.error}")
        return packets

    async def _take(self, packet: Publish) -> None:
        slot = [packet.packet_id if packet.qos else 0, 0]
        self._waiting.append(slot)
        heard = await self._reader.hear(packet.topic, packet.body)
        if heard is None:
            slot[1] = 1
            return
        self._next += 1
        coming = Coming(self._next, heard, len(packet.body))
        self._tickets[self._next] = (slot, coming)
        if not self._soon.queued(coming):
            self._join(coming)

    def _join(self, coming: Coming) -> None:
        """Send a message on its way to the log."""
        self._inlet.join(coming.heard, self, coming.ticket, coming.size)

    async def _expect(self, kind: type[P]) -> P:
        """Return the first packet of a kind; what comes before it is heard later. Raise Broken."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                while True:
                    for at, packet in enumerate(self._early):
                        if isinstance(packet, kind):
                            del self._early[at]
                            return packet
                        if isinstance(packet, Disconnect):
                            raise Broken(f"The broker ended the connection (code {packet.reason}).")
                    self._early += await self._read()
        except TimeoutError:
            raise Broken("The broker does not answer; is it one, and on this port with or without TLS?") from None

    def _say(self, packet: Packet) -> None:
        self._out.write(encode(packet, self._bridge.protocol))
