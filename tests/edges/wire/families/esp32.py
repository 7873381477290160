"""The HTTP client of an ESP32 as it writes its requests, over real sockets, one connection for each."""

import asyncio
from dataclasses import dataclass

_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status_code: int
    text: str


@dataclass
class Esp32:
    """Speaks to one host, from an address of its own if it has one; `path` is what stands before all paths."""

    port: int
    here: str | None = None

    async def get(self, path: str) -> Answer:
        """Ask for something."""
        return await self._ask(self._head("GET", path), b"")

    async def post(self, path: str, *, content: str, headers: dict[str, str]) -> Answer:
        """Send something."""
        body = content.encode()
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return await self._ask(f"{self._head('POST', path)}{more}Content-Length: {len(body)}\r\n", body)

    async def ask_with(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Ask for something with headers of its own."""
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return await self._ask(self._head(method, path) + more, b"")

    def _head(self, method: str, path: str) -> str:
        return (
            f"{method} {path or '/'} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUser-Agent: ESP32HTTPClient\r\n"
            "Connection: keep-alive\r\nAccept-Encoding: identity;q=1,chunked;q=0.1,*;q=0\r\n"
        )

    async def _ask(self, head: str, body: bytes) -> Answer:
        async with asyncio.timeout(_PATIENCE_S):
            mine = (self.here, 0) if self.here else None
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=mine)
            writer.write(head.encode() + b"\r\n" + body)
            top = (await reader.readuntil(b"\r\n\r\n")).decode()
            named = dict(line.lower().split(": ", 1) for line in top.split("\r\n")[1:] if ": " in line)
            assert "transfer-encoding" not in named, "the answer comes whole"
            text = (await reader.readexactly(int(named["content-length"]))).decode()
            writer.close()
            await writer.wait_closed()
            return Answer(int(top.split()[1]), text)
