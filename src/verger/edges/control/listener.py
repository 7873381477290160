"""The listening end: a Unix socket in the data folder, for its owner only.

One line of JSON asks, `{"do": word, "given": {…}}`. Lines answer: `{"done", "total"}` while it takes, then one
`{"result"}` or `{"error": sentence}`. Who hangs up calls off what they asked for.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from verger.base.errors import Busy, Refused
from verger.edges.control.address import reachable

_LINE = 64 << 10
_TELL_S = 0.2

Reached = Callable[[int, int | None], None]
Word = Callable[[dict[str, Any], Reached], Awaitable[Any]]
"""Does what is asked, with what was given; returns what JSON can tell, or raises Refused."""

log = structlog.get_logger()


class HungUp(Exception):
    """Whoever asked is gone."""


class Ask(Struct, frozen=True):
    """What is asked."""

    do: str
    given: dict[str, Any] = {}


class Control:
    """Answers at a socket in a folder."""

    def __init__(self, folder: Path, words: Mapping[str, Word]) -> None:
        """Know some words; `listen` opens the socket."""
        self._folder = folder
        self._words = words
        self._server: asyncio.Server | None = None
        self._ending = asyncio.Event()
        self._serving: set[asyncio.Task[Any]] = set()

    async def listen(self) -> None:
        """Open the socket; the caller holds the folder's lock, so one that is there is nobody's."""
        with reachable(self._folder) as path:
            path.unlink(missing_ok=True)
            door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            before = os.umask(0o177)
            try:
                door.bind(str(path))
            finally:
                os.umask(before)
        self._server = await asyncio.start_unix_server(self._serve, sock=door, limit=_LINE)

    async def stop(self) -> None:
        """Close the socket, and end what is under way."""
        self._ending.set()
        if self._server is not None:
            self._server.close()
            if self._serving:
                await asyncio.wait(self._serving)
            with suppress(FileNotFoundError), reachable(self._folder) as path:
                path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  a callback of a server runs in one
        self._serving.add(task)
        try:
            await self._answer(await reader.readline(), reader, writer)
        except (ConnectionError, ValueError):
            pass  # they hung up, or never asked
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.create_task(reader.read(1))
        reached = _Progress(gone, self._ending)
        doing = asyncio.create_task(self._do(line, reached))
        while not doing.done():
            await asyncio.wait({doing, gone} if not gone.done() else {doing}, timeout=_TELL_S)
            if not gone.done():
                await _say(writer, {"done": reached.done, "total": reached.total})
        gone.cancel()
        await _say(writer, doing.result())

    async def _do(self, line: bytes, reached: "_Progress") -> dict[str, Any]:
        try:
            ask = msgspec.json.decode(line, type=Ask)
            word = self._words.get(ask.do)
            if word is None:
                return {"error": f"The running Verger does not know {ask.do}: start the version you called."}
            return {"result": await word(ask.given, reached)}
        except Refused as refused:
            return {"error": str(refused)}
        except msgspec.MsgspecError:
            return {"error": "This is no question."}
        except HungUp:
            return {"error": "You hung up."}
        except Exception:
            log.exception("a command failed")
            return {"error": "Something went wrong in the running Verger; look into its log."}


class _Progress:
    """How far it is; raises once whoever asked is gone. Called from any thread."""

    def __init__(self, gone: "asyncio.Task[bytes]", ending: asyncio.Event) -> None:
        self.done = 0
        self.total: int | None = None
        self._gone, self._ending = gone, ending

    def __call__(self, done: int, total: int | None) -> None:
        if self._ending.is_set():
            raise Busy("Verger is stopping; try again when it runs.", retry_s=5)
        if self._gone.done():
            raise HungUp
        self.done, self.total = done, total


async def _say(writer: asyncio.StreamWriter, what: dict[str, Any]) -> None:
    writer.write(msgspec.json.encode(what) + b"\n")
    await writer.drain()
