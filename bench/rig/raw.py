"""The raw limit: an MQTT endpoint that parses, appends and syncs, and does nothing else.

It frames packets, decodes the three values, appends one row a reading, calls fdatasync once for all that arrived
meanwhile, and only then acknowledges. No credentials, no sessions, no names, no history.
"""

import asyncio
import os
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import msgspec
import uvloop

from bench.rig.load import READINGS, Outcome
from bench.rig.subject import Span, ready_line, started

ROW_BYTES = 20  # microseconds, series, value
_pack = struct.Struct("<" + "qId" * READINGS).pack
CONNECT, PUBLISH, PINGREQ = 1, 3, 12


class Spoken(msgspec.Struct, gc=False):
    """What a message of the generator holds: three values, or their time and the values."""

    temperature: float = 0
    humidity: float = 0
    co2: float = 0
    ts: int = 0
    values: "Spoken | None" = None


_decode = msgspec.json.Decoder(Spoken).decode


class Store:
    """One growing file; all that was put while a sync ran is written and acknowledged together."""

    def __init__(self, path: Path) -> None:
        """Open the file."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._rows: list[bytes] = []
        self._acks: dict[Speaker, list[bytes]] = {}
        self._busy = False

    def put(self, speaker: "Speaker", body: bytes, at: int, ack: bytes) -> None:
        """Take one message."""
        spoken = _decode(body)
        if spoken.values is not None:
            at, spoken = spoken.ts * 1000, spoken.values
        first = speaker.number * READINGS
        rows = _pack(at, first, spoken.temperature, at, first + 1, spoken.humidity, at, first + 2, spoken.co2)
        self._rows.append(rows)
        if ack:
            self._acks.setdefault(speaker, []).append(ack)

    def kick(self) -> None:
        """Write what waits, unless a write is under way that will look again."""
        if not self._busy and self._rows:
            self._busy = True
            asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._rows:
            rows, acks = b"".join(self._rows), self._acks
            self._rows, self._acks = [], {}
            await loop.run_in_executor(None, self._keep, rows)
            for speaker, packets in acks.items():
                speaker.transport.write(b"".join(packets))
        self._busy = False

    def _keep(self, rows: bytes) -> None:
        os.write(self._fd, rows)
        os.fdatasync(self._fd)


class Speaker(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport
    known = 0

    def __init__(self, store: Store) -> None:
        """Give it the next number."""
        self._store = store
        self._rest = b""
        self.number = Speaker.known
        Speaker.known += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take every whole packet."""
        data = self._rest + data if self._rest else data
        at, done, size = time.time_ns() // 1000, 0, len(data)
        while size - done >= 2:
            head = done + 1
            length, shift = data[head] & 127, 7
            while data[head] & 128:
                head += 1
                if head >= size:
                    break
                length |= (data[head] & 127) << shift
                shift += 7
            head += 1
            if head + length > size:
                break
            self._take(data[done] >> 4, data[done], data[head : head + length], at)
            done = head + length
        self._rest = data[done:]
        self._store.kick()

    def _take(self, kind: int, first: int, body: bytes, at: int) -> None:
        if kind == PUBLISH:
            start = 2 + (body[0] << 8 | body[1])
            if first & 6:
                self._store.put(self, body[start + 2 :], at, b"\x40\x02" + body[start : start + 2])
            else:
                self._store.put(self, body[start:], at, b"")
        elif kind == CONNECT:
            self.transport.write(b"\x20\x02\x00\x00")
        elif kind == PINGREQ:
            self.transport.write(b"\xd0\x00")


async def serve(folder: Path) -> None:
    """Listen on a free port, say which, and go on until ended."""
    loop = asyncio.get_running_loop()
    store = Store(folder / "raw.rows")
    server = await loop.create_server(lambda: Speaker(store), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"raw ready mqtt=127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


class Raw:
    """The raw limit as a subject: what it kept is the length of its file."""

    name = "raw limit"
    acks_what_it_kept = True

    def __init__(self, port: int, pid: int, rows: Path) -> None:
        """Watch one running server."""
        self.port, self.pids, self.options = port, [pid], {"topic": "v1/devices/me/telemetry"}
        self._rows = rows
        self._before = 0

    def remember(self) -> None:
        """Note what is kept before a run."""
        self._before = self._rows.stat().st_size

    def settle(self, outcome: Outcome) -> None:
        """Wait until the file has stopped growing short of what was sent, at most 10 s."""
        deadline = time.monotonic() + 10
        while self._count() < outcome.sent * READINGS and time.monotonic() < deadline:
            time.sleep(0.05)

    def kept(self, outcome: Outcome, span: Span) -> int:
        """Return how many rows were added since `remember`."""
        del outcome, span
        return self._count()

    def _count(self) -> int:
        return (self._rows.stat().st_size - self._before) // ROW_BYTES


@contextmanager
def raw(folder: Path, core: int, _devices: int) -> Iterator[Raw]:
    """Run the raw limit on one core."""
    log = folder / "raw.log"
    with started([sys.executable, "-m", "bench.rig.raw", str(folder)], core, log) as server:
        line = ready_line(server, "ready", log)
        yield Raw(int(line.rpartition(":")[2]), server.pid, folder / "raw.rows")


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))
