"""A small HTTP client as devices have it: one connection, kept alive, one request after the other."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httptools
import msgspec

from verger.simulator.mqtt import Lost, NotWelcome

PATIENCE_S = 10.0


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes

    @property
    def fine(self) -> bool:
        """Whether it did what it was asked."""
        return 200 <= self.status < 300

    def told(self) -> Any:
        """Return its JSON; raise Lost for anything else."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as garbled:
            raise Lost(f"The server answered {self.status} and no JSON.") from garbled


@dataclass
class _Reading:
    """An answer on its way."""

    body: bytearray = field(default_factory=bytearray)
    whole: bool = False

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.whole = True


class Client:
    """One device's connection to a server; `base` goes before each path, such as /t/<key>."""

    def __init__(self, host: str, port: int, base: str = "", headers: Mapping[str, str] | None = None) -> None:
        """Know where to connect to, and what is sent along each time."""
        self._where, self._base = (host, port), base.rstrip("/")
        name = f"[{host}]" if ":" in host else host
        self._headers = {"Host": f"{name}:{port}", **(headers or {})}
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask once; raise Lost when no answer comes, NotWelcome when the server does not know whose we are."""
        more = {"Content-Length": str(len(body))} if body is not None else {}
        lines = [f"{name}: {value}\r\n" for name, value in (self._headers | more | dict(headers or {})).items()]
        head = f"{method} {self._base}{path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()
        try:
            async with asyncio.timeout(PATIENCE_S):
                writer = await self._connected()
                writer.write(head + (body or b""))
                await writer.drain()
                return await self._answer()
        except (OSError, EOFError, TimeoutError, httptools.HttpParserError) as broken:
            await self.close()
            raise Lost(f"No HTTP server answers at {self._where[0]}:{self._where[1]}.") from broken

    async def welcome(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Ask as one who has to be let in first; raise NotWelcome when nobody lets us in."""
        answer = await self.ask(method, path, body, {"Content-Type": "application/json"} if body is not None else None)
        if answer.status in (401, 403):
            raise NotWelcome(f"The server answered {answer.status}.")
        return answer

    async def close(self) -> None:
        """Hang up."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is None or self._writer.is_closing() or self._reader.at_eof():
            await self.close()
            self._reader, self._writer = await asyncio.open_connection(*self._where)
        return self._writer

    async def _answer(self) -> Answer:
        reading = _Reading()
        parser = httptools.HttpResponseParser(reading)
        while not reading.whole:
            part = await self._reader.read(65_536)
            if not part:
                raise EOFError
            parser.feed_data(part)
        if not parser.should_keep_alive():
            await self.close()
        return Answer(parser.get_status_code(), bytes(reading.body))
