"""More than the program can take: it reads no faster than it keeps, loses nothing acknowledged, and soon is well."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from bench.rig.load import READINGS, Load, Outcome, Shape
from bench.rig.machine import allow_many_files, resident_mb
from tests.e2e.home import Home, Thing
from tests.e2e.speaking import Device
from tests.e2e.waiting import until

pytestmark = pytest.mark.needs("cc")

CONNECTIONS = 50
FROM_MS = 1_772_366_400_000  # 2026-03-01T12:00:00Z
MOST_MB = 400
RECOVERED_S = 10.0


class Memory(Thread):
    """Watches how much memory a process holds at most."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.most_mb, self._pid, self._stop_it = 0.0, pid, Event()

    def run(self) -> None:
        while not self._stop_it.wait(0.1):
            self.most_mb = max(self.most_mb, resident_mb(self._pid))

    @classmethod
    @contextmanager
    def watched(cls, pid: int) -> Iterator["Memory"]:
        memory = cls(pid)
        memory.start()
        try:
            yield memory
        finally:
            memory._stop_it.set()
            memory.join()


def offer(load: Load, home: Home, tokens: Path, shape: Shape, seconds: float, since: int) -> Outcome:
    """Offer a load whose readings have times of their own, the first of each device so many seconds after noon."""
    options = {"topic": "v1/devices/me/telemetry", "tokens": str(tokens), "from-ms": str(FROM_MS + since * 1000)}
    return load.run(shape, home.server.mqtt, seconds, 0, options)


def kept(home: Home, things: list[Thing]) -> int:
    """Count what the history holds."""
    span = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-12T00:00:00Z", "points": 2}
    told = [one for thing in things for one in home.get(f"devices/{thing.id}/history", **span)["metrics"].values()]
    return sum(len(one["at"]) if one["raw"] else sum(one["count"]) for one in told)


def recover(home: Home, thing: Thing) -> None:
    """Hold that within some seconds a device is answered at once, and all followers are abreast of the log."""
    end = time.monotonic() + RECOVERED_S
    with Device(home.server.mqtt, patience=RECOVERED_S) as device:
        assert device.connect(thing.token).code == 0
        assert device.say({"after": 1}).code == 0
    until(
        lambda: all(each["lag"] <= 1 for each in home.get("system")["followers"]),
        within=max(0.1, end - time.monotonic()),
    )


def overload(home: Home, folder: Path, seconds: float) -> None:
    """Offer three and ten times what the program was seen to take."""
    allow_many_files()
    load, tokens = Load(folder, min(os.sched_getaffinity(0))), folder / "tokens"
    things = [home.add_device(f"Gateway {number}") for number in range(CONNECTIONS)]
    tokens.write_text("".join(f"{thing.token}\n" for thing in things))
    usual = offer(load, home, tokens, Shape(CONNECTIONS, 1, 10), 1.0, 0)
    sent, after = usual.sent, home.add_device("After")
    with Memory.watched(home.server.process.pid) as memory:
        for number, times in enumerate((3, 10), start=1):
            shape = Shape(CONNECTIONS, 1, 2_000, int(usual.per_second * times))
            outcome = offer(load, home, tokens, shape, seconds, number * 100_000)
            assert outcome.sent == outcome.proved > 0
            assert outcome.lost_connections == 0
            sent += outcome.sent
            recover(home, after)
    assert memory.most_mb < MOST_MB
    assert kept(home, things) == sent * READINGS


def test_a_moment_of_overload_loses_nothing_and_is_soon_over(home: Home, tmp_path: Path) -> None:
    overload(home, tmp_path, seconds=1.5)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_minute_of_overload_loses_nothing_and_is_soon_over(home: Home, tmp_path: Path) -> None:
    overload(home, tmp_path, seconds=60)
