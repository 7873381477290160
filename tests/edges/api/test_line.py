"""HTTP connections that are too slow or have no end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from websockets.asyncio.client import connect

from verger.edges.api.line import Line
from verger.edges.api.server import Web, listen
from verger.edges.api.static import Site


@pytest_asyncio.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Serve pages to whoever asks within a tenth of a second; give the port."""
    monkeypatch.setattr(Line, "request_s", 0.1)
    socket = listen("127.0.0.1", 0)
    web = Web(
        uvicorn.Config(hold, http=Line, ws="websockets-sansio", lifespan="off", log_config=None, access_log=False)
    )
    serving = asyncio.create_task(web.serve([socket]))
    await web.ready.wait()
    yield int(socket.getsockname()[1])
    web.should_exit = True
    await serving


async def hold(scope: Any, receive: Any, send: Any) -> None:
    """Accept a socket, or answer a page; a socket is told something after the time for requests is over."""
    if scope["type"] == "http":
        await Site()(scope, receive, send)
        return
    await send({"type": "websocket.accept"})
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, over.set)
    await over.wait()
    await send({"type": "websocket.send", "text": "still here"})


async def test_a_socket_is_left_to_itself(port: int) -> None:
    async with connect(f"ws://127.0.0.1:{port}/") as socket:
        assert await socket.recv() == "still here"


async def said_to(port: int, *parts: bytes) -> bytes:
    """Return all that is answered until the other side hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    "said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"]
)
async def test_a_request_that_never_comes_is_not_waited_for(port: int, said: bytes) -> None:
    assert b"200" not in await said_to(port, said)


async def test_a_head_without_an_end_is_not_kept(port: int) -> None:
    assert not await said_to(port, b"GET / HTTP/1.1\r\n", *(b"x: %s\r\n" % (b"y" * 50_000) for _ in range(100)))


async def test_requests_that_come_whole_are_answered_one_after_another(port: int) -> None:
    ask = b"GET /nothing.txt HTTP/1.1\r\nHost: a\r\n"
    answer = await said_to(port, ask + b"\r\n", ask + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 404") == 2
