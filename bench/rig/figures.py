"""Figures of a bench: told to whoever waits, and kept as lines of JSON with the machine and the versions."""

import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.rig.machine import ROOT, facts


class Figures:
    """Takes figures one by one; each is a line in `bench/results/<name>.jsonl`, with all its repetitions."""

    def __init__(self, name: str, **versions: str) -> None:
        self._path = ROOT / "bench" / "results" / f"{name}.jsonl"
        self._known = {**facts(), **versions}

    def tell(self, what: str, unit: str, *values: float, subject: str = "verger") -> None:
        """Print and keep one figure: the median of its repetitions counts."""
        median = statistics.median(values)
        spread = f" ({min(values):,.2f} to {max(values):,.2f}, {len(values)} times)" if len(values) > 1 else ""
        print(f"{what:<62} {subject:<12} {median:>12,.2f} {unit}{spread}", flush=True)
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"at": at, "what": what, "subject": subject, "unit": unit, "median": median, "values": list(values)}
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode({**self._known, **line}) + b"\n")


def times(work: Callable[[], object], repeat: int = 9) -> list[float]:
    """Return the milliseconds that some work takes each time, after a first one to warm it."""
    taken = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[1:]


async def awaited(work: Callable[[], Awaitable[object]], repeat: int = 9) -> list[float]:
    """Return the milliseconds that some awaited work takes each time, after a first one to warm it."""
    taken = []
    for _ in range(repeat + 1):
        began = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - began) * 1000)
    return taken[1:]


def disk_bytes() -> int:
    """Return the bytes this process has had written to disk."""
    lines = Path("/proc/self/io").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("write_bytes")))
