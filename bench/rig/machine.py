"""The machine a bench runs on: its facts, its cores, and what a process used of it."""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


class Cores(msgspec.Struct, frozen=True):
    """Which core the generator has, and which one the server."""

    generator: int
    server: int


class Moment(msgspec.Struct, frozen=True):
    """How things stood at `at` (monotonic seconds).

    `cpu_s` and `peak_mb` are what the watched processes used so far, all their threads included, and their largest
    memory; `server_busy_s` and `generator_busy_s` how long each core was busy since the machine started.
    """

    at: float
    cpu_s: float
    peak_mb: float
    server_busy_s: float
    generator_busy_s: float


def cores() -> Cores:
    """Return two different cores, or leave with a sentence where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        sys.exit("This bench needs two cores: one for the server and one for the load.")
    return Cores(generator=mine[0], server=mine[1])


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Let programs started meanwhile, and all their threads, stay on one core for good."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def allow_many_files() -> None:
    """Raise the limit on open files as far as it goes; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def moment(pids: Sequence[int], cores: Cores) -> Moment:
    """Return how these processes and both cores stand now."""
    return Moment(
        at=time.monotonic(),
        cpu_s=sum(map(_cpu_s, pids)),
        peak_mb=sum(_status_mb(pid, "VmHWM") for pid in pids),
        server_busy_s=_busy_s(cores.server),
        generator_busy_s=_busy_s(cores.generator),
    )


def forget_peak(pids: Sequence[int]) -> None:
    """Let the largest memory be counted anew from now, where the kernel allows it."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def resident_mb(pid: int) -> float:
    """Return the memory a process holds now, in MB."""
    return _status_mb(pid, "VmRSS")


def written(pids: Sequence[int]) -> int:
    """Return the bytes that processes, or threads, have had written to disk so far."""
    return sum(int(_first(f"/proc/{pid}/io", "write_bytes")) for pid in pids)


def facts() -> dict[str, str | int | float]:
    """Return what a reader needs to know to compare results."""
    return {
        "cpu": _first("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count() or 0,
        "memory_mb": int(_first("/proc/meminfo", "MemTotal").split()[0]) // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
        "revision": _git("rev-parse", "--short", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no", "--", "src")),
    }


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _busy_s(core: int) -> float:
    user, nice, system, _idle, _waiting, *interrupts = _row("/proc/stat", f"cpu{core} ").split()
    return sum(map(int, (user, nice, system, *interrupts[:3]))) / _TICKS


def _status_mb(pid: int, name: str) -> float:
    return int(_first(f"/proc/{pid}/status", name).split()[0]) / 1024


def _first(path: str, name: str) -> str:
    return _row(path, name).partition(":")[2].strip() or "unknown"


def _row(path: str, start: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next((line.removeprefix(start) for line in lines if line.startswith(start)), "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip()
