"""A tiny MQTT server for the tests of the client: it welcomes or refuses, hears, and acknowledges or hangs up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from verger.simulator.mqtt import V5

CONNECT, PUBLISH, PINGREQ = 1, 3, 12


class Acceptor:
    """What it heard, and how it behaves."""

    def __init__(self, code: int = 0, hangs_up_after: int = 1_000_000) -> None:
        """Answer CONNECT with a code; hang up instead of acknowledging after so many messages."""
        self.code, self.left = code, hangs_up_after
        self.port = 0
        self.tokens: list[str] = []
        self.heard: list[tuple[str, bytes]] = []
        self.asked = asyncio.Event()

    def topics(self) -> list[str]:
        """Return the topics heard, in order."""
        return [topic for topic, _ in self.heard]

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        version = 0
        try:
            while True:
                kind, body = await _packet(reader)
                if kind == CONNECT:
                    version = body[6]
                    self.tokens.append(_token(body, version))
                    rest = b"\x00" + bytes([self.code]) + (b"\x00" if version == V5 else b"")
                    writer.write(bytes([0x20, len(rest)]) + rest)
                elif kind == PUBLISH:
                    self.left -= 1
                    if self.left < 0:
                        return
                    writer.write(self._hear(body, version))
                elif kind == PINGREQ:
                    self.asked.set()
                    writer.write(b"\xd0\x00")
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    def _hear(self, body: bytes, version: int) -> bytes:
        end = 2 + int.from_bytes(body[:2], "big")
        start = end + 2 + (version == V5)
        self.heard.append((body[2:end].decode(), body[start:]))
        return b"\x40\x02" + body[end : end + 2]


@asynccontextmanager
async def accepting(acceptor: Acceptor) -> AsyncIterator[Acceptor]:
    """Let an acceptor listen on a free port."""
    server = await asyncio.start_server(acceptor.meet, "127.0.0.1", acceptor.port)
    acceptor.port = server.sockets[0].getsockname()[1]
    try:
        yield acceptor
    finally:
        server.close()
        await server.wait_closed()


def _token(body: bytes, version: int) -> str:
    at = 10 + (1 + body[10] if version == V5 else 0)
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    return body[at + 2 :].decode()


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    (first,) = await reader.readexactly(1)
    length = shift = 0
    while True:
        (byte,) = await reader.readexactly(1)
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return first >> 4, await reader.readexactly(length)
