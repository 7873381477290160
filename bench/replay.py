"""The hot path without sockets, in this process: processor time a message: `python3 dev.py bench replay [--profile]`.

Bytes as devices send them go into real connections that have no socket under them; inlet, inbound, log and followers
are the product's own, and the acknowledgements are counted. It says what Python costs, not what the kernel does. Other
programs slow it down, so it also says how many turns of an empty loop a message costs: that stays comparable.
"""

import argparse
import asyncio
import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import uvloop

from verger.app import House, open_house, open_stores
from verger.base.clock import moment
from verger.base.ids import new_id
from verger.base.settings import Settings
from verger.cli import spare_the_collector
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.domain.tenancy.model import Founding
from verger.edges.wire.mqtt import encode
from verger.edges.wire.mqtt.connection import Connection
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Publish

TOPIC = "v1/devices/me/telemetry"
POOL = 32  # different messages of each device
PUBACK_BYTES = 4


class Carrier:
    """A transport without a socket: counts acknowledgements, and tells when all of a chunk have come."""

    def __init__(self, done: Callable[["Carrier"], None], window: int) -> None:
        self._done, self._window = done, window
        self._left = 0
        self.line: Connection
        self.chunks: list[bytes] = []
        self.said = 0

    def say(self) -> None:
        """Send the next chunk."""
        self._left += PUBACK_BYTES * self._window
        self.said += 1
        self.line.data_received(self.chunks[self.said % len(self.chunks)])

    def write(self, data: bytes) -> None:
        """Take acknowledgements."""
        if self.said:
            self._left -= len(data)
            if not self._left:
                self._done(self)

    def get_extra_info(self, name: str) -> None:
        """Know nothing of a socket."""

    def set_write_buffer_limits(self, high: int) -> None:
        """Have no bounds."""

    def is_closing(self) -> bool:
        """Never close."""
        return False

    def pause_reading(self) -> None:
        """Go on; the caller waits for acknowledgements."""

    resume_reading = abort = close = pause_reading

    def can_write_eof(self) -> bool:
        """Have no other end."""
        return False


class Replay:
    """Connections of a house, each waiting for its acknowledgements before it goes on."""

    def __init__(self, house: House, connections: int, window: int) -> None:
        self._house, self._connections, self._window = house, connections, window
        self._ready: deque[Carrier] = deque()
        self._news = asyncio.Event()

    async def set_up(self) -> None:
        """Found a tenant with a device for each connection, and connect them."""
        stores, grounds = self._house.stores, self._house.grounds
        founding = Founding(tenant="Bench", name="Bench", email="b@example.org", password=new_id())
        tenant, _ = await stores.tenancy.first_run.found(founding, code=None, at_the_machine=True)
        now = moment(stores.clock.now())
        place = Place(id=new_id(), name="Bench", kind="house", timezone="UTC", created_at=now)
        await grounds.places.add(tenant.id, place)
        for number in range(self._connections):
            device = Device(id=new_id(), name=f"{number}", place=place.id, created_at=now)
            _, token = await grounds.provisioning.add(tenant.id, device)
            self._join(self._house.listener, number, token)

    def _join(self, listener: Listener, number: int, token: str) -> None:
        carrier = Carrier(self._done, self._window)
        carrier.line = line = listener.line()
        line.connection_made(cast("asyncio.Transport", carrier))
        line.data_received(encode.encode(Connect(f"c{number}", username=token, keep_alive=600), 4))
        carrier.chunks = [
            b"".join(_message(number, step, packet_id + 1) for packet_id in range(self._window)) for step in range(POOL)
        ]
        self._ready.append(carrier)

    def _done(self, carrier: Carrier) -> None:
        self._ready.append(carrier)
        self._news.set()

    async def run(self, messages: int, turn: int) -> None:
        """Let so many messages be said and acknowledged, at most `turn` connections at once."""
        left = messages // self._window
        while left:
            for _ in range(min(turn, left, len(self._ready))):
                self._ready.popleft().say()
                left -= 1
            self._news.clear()
            if self._ready:
                await asyncio.sleep(0)
            else:
                await self._news.wait()
        while len(self._ready) < self._connections:
            self._news.clear()
            await self._news.wait()


def _message(device: int, step: int, packet_id: int) -> bytes:
    values = {"temperature": 18 + (device + step) % 900 / 100, "humidity": 40 + step / 10, "co2": 1000 + device}
    body = ",".join(f'"{name}":{value:.2f}' for name, value in values.items())
    return encode.encode(Publish(TOPIC, f"{{{body}}}".encode(), 1, packet_id), 4)


def _turn_us() -> float:
    """Return how long an empty loop takes for one turn now: what the machine is worth at this moment."""
    began = time.process_time()
    for _ in range(1_000_000):
        pass
    return time.process_time() - began


async def measure(folder: Path, asked: argparse.Namespace) -> None:
    """Set up, warm up, and print the processor time of a message, round by round."""
    async with AsyncExitStack() as stack:
        settings = Settings.read({"VERGER_DATA": str(folder), "VERGER_HTTP_PORT": "0", "VERGER_MQTT_PORT": "0"})
        house = await open_house(stack, await open_stores(stack, settings))
        replay = Replay(house, asked.connections, asked.window)
        await replay.set_up()
        spare_the_collector()
        await replay.run(asked.messages // 4, asked.turn)
        batches = house.inlet.batches
        profile = cProfile.Profile() if asked.profile else None
        taken, in_turns, slow = [], [], _turn_us()
        for _ in range(asked.rounds):
            began = time.process_time()
            if profile is not None:
                profile.enable()
            await replay.run(asked.messages, asked.turn)
            if profile is not None:
                profile.disable()
            taken.append((time.process_time() - began) / asked.messages * 1e6)
            before, slow = slow, _turn_us()
            in_turns.append(taken[-1] / (before + slow) * 2)
        each = asked.messages * asked.rounds / max(house.inlet.batches - batches, 1)
        print(
            f"{asked.connections} x {asked.window}: {min(taken):.2f} us a message at best, "
            f"{statistics.median(taken):.2f} in the middle, as much as {statistics.median(in_turns):.0f} turns "
            f"of an empty loop; {each:.0f} messages a batch"
        )
        if profile is not None:
            pstats.Stats(profile).sort_stats("tottime").print_stats(60)


def main(words: list[str]) -> int:
    """Replay, and print."""
    options = argparse.ArgumentParser(prog="dev.py bench replay", description=__doc__)
    options.add_argument("--connections", type=int, default=1000)
    options.add_argument("--window", type=int, default=1)
    options.add_argument("--turn", type=int, default=100)
    options.add_argument("--messages", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--profile", action="store_true")
    asked = options.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as folder:
        uvloop.run(measure(Path(folder), asked))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
