"""Many screens on one thread: WebSockets that count what they are shown, and one device that shows it the time.

A screen is as little as one can be, so that two thousand of them can be served by what is left of one core.
"""

import asyncio
import base64
import json
import os
import time
from typing import cast

from verger.edges.wire.mqtt import encode
from verger.edges.wire.mqtt.packets import Connect, Publish

PROBE = b'"probe":'  # the metric that carries when it was sent, in seconds of the monotonic clock
_END = b"\r\n\r\n"


class Watching(asyncio.Protocol):
    """One screen: subscribes, and notes of each frame with the probe how old it was, in milliseconds."""

    def __init__(self, bearer: str, subject: dict[str, str]) -> None:
        self.shown: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ages_ms: list[float] = []
        self._bearer, self._subject = bearer, subject
        self._rest = b""
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport = cast("asyncio.Transport", transport)
        lines = (
            "GET /api/v1/live HTTP/1.1",
            "Host: bench",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            f"Sec-WebSocket-Protocol: bearer, {self._bearer.removeprefix('Bearer ')}",
        )
        self._transport.write("\r\n".join(lines).encode() + _END)

    def data_received(self, data: bytes) -> None:
        """Take every whole frame."""
        data = self._rest + data if self._rest else data
        if not self._greeted:
            head, found, data = data.partition(_END)
            if not found:
                self._rest = head
                return
            if b" 101 " not in head:
                self.shown.set_exception(RuntimeError(head.decode("latin-1")))
                return
            self._greeted = True
            self._transport.write(_masked(json.dumps({"type": "subscribe", **self._subject}).encode()))
        at = 0
        while (end := _end_of(data, at)) <= len(data):
            self._take(data[at:end])
            at = end
        self._rest = data[at:]

    def _take(self, frame: bytes) -> None:
        if not self.shown.done():
            self.shown.set_result(None)  # the first frame is the snapshot
            return
        _, found, value = frame.partition(PROBE)
        if found:
            sent = float(value[: min(i for i, c in enumerate(value) if c in b",}")])
            self.ages_ms.append((time.monotonic() - sent) * 1000)

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()


def _end_of(data: bytes, at: int) -> int:
    """Return where the frame at a place ends, beyond the data while it is not all there."""
    begin = at + 2
    if begin > len(data):
        return begin
    size = data[at + 1] & 127
    if size < 126:
        return begin + size
    wide = 2 if size == 126 else 8
    return begin + wide + int.from_bytes(data[begin : begin + wide], "big") if begin + wide <= len(data) else 1 << 62


def _masked(text: bytes) -> bytes:
    mask = os.urandom(4)
    head = bytes((0x81, 0x80 | len(text))) if len(text) < 126 else b"\x81\xfe" + len(text).to_bytes(2, "big")
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(text))


async def show(
    address: str, bearer: str, subject: dict[str, str], screens: int, probe: tuple[int, str], seconds: float
) -> tuple[list[list[float]], int]:
    """Open screens on a subject, let the probe (MQTT port, token) speak ten times a second; return ages and how often.

    The ages are a list for each screen.
    """
    loop, (_, _, port) = asyncio.get_running_loop(), address.rpartition(":")
    watching: list[Watching] = []
    for _ in range(screens):
        _, screen = await loop.create_connection(lambda: Watching(bearer, subject), "127.0.0.1", int(port))
        await asyncio.wait_for(screen.shown, 30)
        watching.append(screen)
    spoken = await _speak(*probe, seconds)
    await asyncio.sleep(1)
    for screen in watching:
        screen.close()
    return [screen.ages_ms for screen in watching], spoken


async def _speak(port: int, token: str, seconds: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(encode.encode(Connect("probe", username=token, keep_alive=60), 4))
    await reader.readexactly(4)
    ends, spoken = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        body = f'{{"probe":{time.monotonic():.6f}}}'.encode()
        writer.write(encode.encode(Publish("v1/devices/me/telemetry", body), 4))
        spoken += 1
        await asyncio.sleep(0.1)
    writer.close()
    return spoken
