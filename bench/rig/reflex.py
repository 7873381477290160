"""From a reading to the command that it leads to, at the socket of the device that says the one and hears the other."""

import asyncio
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.rig import machine, results
from bench.rig.estate import Estate, settled
from bench.rig.load import Load, Shape
from bench.rig.ruled import rule
from verger.app.stores import Stores
from verger.edges.wire.mqtt import encode
from verger.edges.wire.mqtt.packets import Connect, Filter, PubAck, Publish, Subscribe

TELEMETRY, ASKS = "v1/devices/me/telemetry", "v1/devices/me/rpc/request/"
_CONNECTIONS = 1000
_PUBLISH = 3
_MOST_PER_HOUR = 3600
_LOST_S = 10.0


async def reflexive(stores: Stores, tenant: str, estate: Estate) -> None:
    """Let the first device be asked for something whenever it says 1 after it said 0."""
    when = {"metric": "temperature", "is": "above", "value": 0.5, "device": estate.devices[0]}
    then = [{"command": {"device": estate.devices[0], "method": "pulse"}}]
    async with stores.db.writing() as connection:
        written = {"when": when, "then": then, "most_per_hour": _MOST_PER_HOUR}
        await stores.rules.rules.add(connection, tenant, rule(stores, estate, written))


async def react(port: int, token: str, times: int, pause_s: float) -> list[float]:
    """Say 0 and 1 by turns; return after how many milliseconds each 1 led to a command."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(encode.encode(Connect("reflex", username=token, keep_alive=600), 4))
    writer.write(encode.encode(Subscribe(1, (Filter(f"{ASKS}+", 1),)), 4))
    for _ in range(2):
        await _packet(reader)
    taken = []
    for _ in range(times):
        writer.write(_reading(0))
        await asyncio.sleep(pause_s)
        began = time.monotonic()
        writer.write(_reading(1))
        async with asyncio.timeout(_LOST_S):
            packet_id, number = await _asked(reader)
        taken.append((time.monotonic() - began) * 1000)
        writer.write(encode.encode(PubAck(packet_id), 4))
        writer.write(encode.encode(Publish(f"v1/devices/me/rpc/response/{number}", b"{}"), 4))
    writer.close()
    return taken


def _reading(value: int) -> bytes:
    return encode.encode(Publish(TELEMETRY, b'{"temperature":%d}' % value), 4)


async def _asked(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Return (packet id, number) of the next command."""
    while True:
        first, body = await _packet(reader)
        end = 2 + int.from_bytes(body[:2])
        topic = body[2:end].decode()
        if first >> 4 == _PUBLISH and topic.startswith(ASKS):
            return int.from_bytes(body[end : end + 2]), topic.removeprefix(ASKS)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, length, shift = (await reader.readexactly(1))[0], 0, 0
    while (byte := (await reader.readexactly(1))[0]) >= 0x80:
        length |= (byte & 0x7F) << shift
        shift += 7
    return first, await reader.readexactly(length | byte << shift)


def measure(seconds: float, rate: int) -> dict[str, results.Cell]:
    """Let one device react again and again while a thousand others speak at a rate."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text, ThreadPoolExecutor(1) as pool:
        folder = Path(text)
        with settled(folder, cores.server, _CONNECTIONS + 1, furnish=reflexive) as (subject, estate):
            subject.options["tokens"] = str(folder / "others")
            (folder / "others").write_text("".join(f"{token}\n" for token in estate.tokens[1:]))
            shape, load = Shape(_CONNECTIONS, 1, 1, rate), Load(folder, cores.generator)
            others = pool.submit(load.run, shape, subject.port, seconds, 1, subject.options)
            begin = machine.moment(subject.pids, cores)
            with machine.pinned(cores.generator):
                taken = asyncio.run(react(subject.port, estate.tokens[0], int(seconds * 5), 0.1))
            outcome, end = others.result(), machine.moment(subject.pids, cores)
    cpu_s = end.cpu_s - begin.cpu_s
    return {
        "others, messages/s": outcome.per_second,
        "commands": len(taken),
        "p50 ms": results.quantile(taken, 0.5),
        "p99 ms": results.quantile(taken, 0.99),
        "slowest ms": max(taken),
        "core": cpu_s / (end.at - begin.at),
        "others' share": max(end.server_busy_s - begin.server_busy_s - cpu_s, 0.0) / (end.at - begin.at),
    }
