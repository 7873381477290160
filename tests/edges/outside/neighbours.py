"""Other people's servers, on loopback: they keep what they were sent and answer what they are told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar


@dataclass
class Receiver:
    """Takes posts; `answers` are given in turn, the last one from then on; an empty one is silence."""

    answers: list[str] = field(default_factory=lambda: ["204 No Content"])
    heard: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        self.heard.append((head[0].split()[1], headers, await reader.readexactly(int(headers["content-length"]))))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer:
            await reader.read()  # until who called hangs up
        writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()


@dataclass
class MailServer:
    """Takes letters, unless the recipient is called nobody."""

    letters: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.upper()
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                self.letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            refused = verb.startswith("RCPT TO:<NOBODY")
            writer.write(
                b"550 no such mailbox\r\n" if refused else b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n"
            )
            if verb == "QUIT":
                break
        writer.close()


N = TypeVar("N", Receiver, MailServer)


@asynccontextmanager
async def living(neighbour: N) -> AsyncIterator[N]:
    """Let a neighbour live at a free port."""
    server = await asyncio.start_server(neighbour.serve, "127.0.0.1", 0)
    neighbour.port = server.sockets[0].getsockname()[1]
    async with server:
        yield neighbour
