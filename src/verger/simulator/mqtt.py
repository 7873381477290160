"""A small MQTT client, 3.1.1 and 5: connect, publish and wait for the ack, subscribe and hear, stay alive."""

import asyncio
import contextlib
import struct
from collections.abc import Sequence

from verger.base.errors import Refused

V3, V5 = 4, 5
KEEP_ALIVE_S = 60
QUIET_S = 40  # after so long without a word, or half of what was promised, the server is asked whether it is there
ACK_S = 30
MOST_UNHEARD = 100  # messages that wait for a device to read them; the oldest are forgotten first

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ, DISCONNECT = b"\xc0\x00", b"\xe0\x00"


class Lost(ConnectionError):
    """The connection broke: what was not acknowledged is to be said again."""


class NotWelcome(Refused):
    """The server does not know this token, or wants nothing of it."""


def text(value: str) -> bytes:
    """Return text as MQTT writes it: its length, then UTF-8."""
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


def packet(first: int, body: bytes) -> bytes:
    """Return a packet: its first byte, the length of the rest, the rest."""
    length, head = len(body), bytearray([first])
    while length > 127:
        head.append(length & 127 | 128)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def connect(version: int, client: str, token: str, keep_alive_s: int = KEEP_ALIVE_S) -> bytes:
    """Return CONNECT with a clean start and a token as the user name, if there is one."""
    properties = b"\x00" if version == V5 else b""
    head = text("MQTT") + struct.pack("!BBH", version, 0x82 if token else 0x02, keep_alive_s) + properties
    return packet(0x10, head + text(client) + (text(token) if token else b""))


def publish(version: int, number: int, topic: str, body: bytes) -> bytes:
    """Return PUBLISH at QoS 1 under a packet number, at QoS 0 for the number 0."""
    properties = b"\x00" if version == V5 else b""
    numbered = struct.pack("!H", number) if number else b""
    return packet(0x32 if number else 0x30, text(topic) + numbered + properties + body)


def subscribe(version: int, number: int, topics: Sequence[str]) -> bytes:
    """Return SUBSCRIBE to some topics at QoS 0."""
    properties = b"\x00" if version == V5 else b""
    return packet(0x82, struct.pack("!H", number) + properties + b"".join(text(each) + b"\x00" for each in topics))


def published(version: int, first: int, body: bytes) -> tuple[str, bytes, int]:
    """Return the topic, the words and the packet number (0 at QoS 0) of a PUBLISH whose properties are short."""
    end = 2 + int.from_bytes(body[:2], "big")
    start = end + (2 if first & 0x06 else 0)
    number = int.from_bytes(body[end:start], "big")
    if version == V5:
        start += 1 + body[start]
    return body[2:end].decode(), body[start:], number


class Link:
    """One device's connection."""

    def __init__(
        self,
        host: str,
        port: int,
        token: str,
        client: str,
        version: int = V3,
        *,
        keep_alive_s: int = KEEP_ALIVE_S,
    ) -> None:
        """Know where to connect to, and as whom; an empty token is no user name."""
        self._where, self._token, self._client, self._version = (host, port), token, client, version
        self._keep_alive_s = keep_alive_s
        self._heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MOST_UNHEARD)
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[int]] = {}
        self._number = 0

    @property
    def is_open(self) -> bool:
        """Whether the server has welcomed us and has not gone away."""
        return self._writer is not None and self._listening is not None and not self._listening.done()

    async def open(self) -> None:
        """Connect; raise Lost when the server cannot be reached, NotWelcome when it refuses."""
        await self.close()
        try:
            self._reader, self._writer = await asyncio.open_connection(*self._where)
            self._writer.write(connect(self._version, self._client, self._token, self._keep_alive_s))
            async with asyncio.timeout(ACK_S):
                first, body = await self._read()
        except (OSError, EOFError, TimeoutError) as broken:
            await self.close()
            raise Lost(f"No MQTT server answers at {self._where[0]}:{self._where[1]}.") from broken
        code = body[1] if first >> 4 == CONNACK and len(body) > 1 else None
        if code != 0:
            await self.close()
            raise NotWelcome(f"The server refused a device with code {code}; it does not know its token or key.")
        self._listening = asyncio.create_task(self._listen())

    async def publish(self, topic: str, body: bytes) -> int:
        """Say something and wait for the ack; return its reason, 0 for kept; raise Lost when the link breaks."""
        number = self._numbered()
        return await self._settled(number, publish(self._version, number, topic, body))

    async def say(self, topic: str, body: bytes) -> None:
        """Say something at QoS 0, which nobody acknowledges; raise Lost when the link breaks."""
        try:
            writer = self._open_writer()
            writer.write(publish(self._version, 0, topic, body))
            await writer.drain()
        except OSError as broken:
            await self.close()
            raise Lost("The link broke.") from broken

    async def subscribe(self, *topics: str) -> None:
        """Listen to some topics; raise Lost when the link breaks."""
        number = self._numbered()
        await self._settled(number, subscribe(self._version, number, topics))

    async def hear(self, within_s: float) -> tuple[str, bytes] | None:
        """Return the next message, None when none comes in time; raise Lost when the link has broken."""
        try:
            async with asyncio.timeout(within_s):
                return await self._heard.get()
        except TimeoutError:
            self._open_writer()
            return None

    def _open_writer(self) -> asyncio.StreamWriter:
        if self._writer is None or not self.is_open:
            raise Lost("The link is not open.")
        return self._writer

    def _numbered(self) -> int:
        self._number = self._number % 65535 + 1
        return self._number

    async def _settled(self, number: int, told: bytes) -> int:
        """Send a packet and return the reason of its ack."""
        writer = self._open_writer()
        ack: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[number] = ack
        try:
            writer.write(told)
            await writer.drain()
            async with asyncio.timeout(ACK_S):
                return await ack
        except (OSError, TimeoutError) as broken:
            await self.close()
            raise Lost("The link broke before the ack came.") from broken
        finally:
            self._waiting.pop(number, None)

    async def close(self, *, polite: bool = False) -> None:
        """Close, with a word of farewell or, as when the power goes, without."""
        listening, writer, self._listening, self._writer = self._listening, self._writer, None, None
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if writer is not None:
            if polite:
                writer.write(DISCONNECT)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _listen(self) -> None:
        try:
            while True:
                first, body = await self._read_or_ask()
                if first >> 4 in (PUBACK, SUBACK):
                    self._acknowledged(body)
                elif first >> 4 == PUBLISH:
                    self._take(first, body)
        except (OSError, EOFError):
            for ack in self._waiting.values():
                if not ack.done():
                    ack.set_exception(Lost("The server went away."))

    def _take(self, first: int, body: bytes) -> None:
        topic, words, number = published(self._version, first, body)
        if number and self._writer is not None:
            self._writer.write(packet(0x40, struct.pack("!H", number)))
        if self._heard.full():
            self._heard.get_nowait()
        self._heard.put_nowait((topic, words))

    def _acknowledged(self, body: bytes) -> None:
        ack = self._waiting.get(int.from_bytes(body[:2], "big"))
        if ack is not None and not ack.done():
            ack.set_result(body[2] if len(body) > 2 else 0)

    async def _read_or_ask(self) -> tuple[int, bytes]:
        assert self._writer is not None  # noqa: S101  only an open link listens
        quiet = min(QUIET_S, self._keep_alive_s / 2)
        try:
            async with asyncio.timeout(quiet):
                first = await self._reader.readexactly(1)
        except TimeoutError:
            self._writer.write(PINGREQ)
            async with asyncio.timeout(QUIET_S):
                first = await self._reader.readexactly(1)
        return first[0], await self._rest()

    async def _read(self) -> tuple[int, bytes]:
        first = await self._reader.readexactly(1)
        return first[0], await self._rest()

    async def _rest(self) -> bytes:
        length = shift = 0
        while True:
            (byte,) = await self._reader.readexactly(1)
            length |= (byte & 127) << shift
            if byte < 128:
                return await self._reader.readexactly(length)
            shift += 7
