"""A small MQTT client, 3.1.1 and 5: connect, publish at QoS 1 and wait for the ack, stay alive."""

import asyncio
import contextlib
import struct

from verger.base.errors import Refused

V3, V5 = 4, 5
KEEP_ALIVE_S = 60
QUIET_S = 40  # after so long without a word from the server it is asked whether it is there
ACK_S = 30

CONNACK, PUBLISH, PUBACK, PINGRESP = 2, 3, 4, 13
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


def connect(version: int, client: str, token: str) -> bytes:
    """Return CONNECT with a token as the user name and a clean start."""
    properties = b"\x00" if version == V5 else b""
    head = text("MQTT") + struct.pack("!BBH", version, 0x82, KEEP_ALIVE_S) + properties
    return packet(0x10, head + text(client) + text(token))


def publish(version: int, number: int, topic: str, body: bytes) -> bytes:
    """Return PUBLISH at QoS 1 under a packet number."""
    properties = b"\x00" if version == V5 else b""
    return packet(0x32, text(topic) + struct.pack("!H", number) + properties + body)


class Link:
    """One device's connection."""

    def __init__(self, host: str, port: int, token: str, client: str, version: int = V3) -> None:
        """Know where to connect to, and as whom."""
        self._where, self._token, self._client, self._version = (host, port), token, client, version
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
            self._writer.write(connect(self._version, self._client, self._token))
            async with asyncio.timeout(ACK_S):
                first, body = await self._read()
        except (OSError, EOFError, TimeoutError) as broken:
            await self.close()
            raise Lost(f"No MQTT server answers at {self._where[0]}:{self._where[1]}.") from broken
        code = body[1] if first >> 4 == CONNACK and len(body) > 1 else None
        if code != 0:
            await self.close()
            raise NotWelcome(f"The server refused a device with code {code}; give tokens of devices that it knows.")
        self._listening = asyncio.create_task(self._listen())

    async def publish(self, topic: str, body: bytes) -> int:
        """Say something and wait for the ack; return its reason, 0 for kept; raise Lost when the link breaks."""
        if self._writer is None or not self.is_open:
            raise Lost("The link is not open.")
        self._number = number = self._number % 65535 + 1
        ack: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting[number] = ack
        try:
            self._writer.write(publish(self._version, number, topic, body))
            await self._writer.drain()
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
                if first >> 4 == PUBACK:
                    self._acknowledged(body)
        except (OSError, EOFError):
            for ack in self._waiting.values():
                if not ack.done():
                    ack.set_exception(Lost("The server went away."))

    def _acknowledged(self, body: bytes) -> None:
        ack = self._waiting.get(int.from_bytes(body[:2], "big"))
        if ack is not None and not ack.done():
            ack.set_result(body[2] if len(body) > 2 else 0)

    async def _read_or_ask(self) -> tuple[int, bytes]:
        assert self._writer is not None  # noqa: S101  only an open link listens
        try:
            async with asyncio.timeout(QUIET_S):
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
