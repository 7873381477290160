"""The machine a bench runs on: its facts, its cores, and what a process used of it."""

import os
import platform
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parent.parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")


class Cores(msgspec.Struct, frozen=True):
    """Which core the generator has, and which one the server."""

    generator: int
    server: int


class Used(msgspec.Struct, frozen=True):
    """What processes used together: CPU seconds since they began, and their largest memory in MB."""

    cpu_s: float
    peak_mb: float


def cores() -> Cores:
    """Return two different cores, or leave with a sentence where there is only one."""
    mine = sorted(os.sched_getaffinity(0))
    if len(mine) < 2:
        sys.exit("This bench needs two cores: one for the server and one for the load.")
    return Cores(generator=mine[0], server=mine[1])


def pinned(core: int) -> Callable[[], None]:
    """Return what a child does first, so that it and all its threads stay on one core."""
    return lambda: os.sched_setaffinity(0, {core})


def allow_many_files() -> None:
    """Raise the limit on open files as far as it goes; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def used(pids: Sequence[int]) -> Used:
    """Return what these processes used, all their threads included."""
    return Used(sum(map(_cpu_s, pids)), sum(_status_mb(pid, "VmHWM") for pid in pids))


def forget_peak(pids: Sequence[int]) -> None:
    """Let the largest memory be counted anew from now, where the kernel allows it."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def resident_mb(pid: int) -> float:
    """Return the memory a process holds now, in MB."""
    return _status_mb(pid, "VmRSS")


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


def _status_mb(pid: int, name: str) -> float:
    return int(_first(f"/proc/{pid}/status", name).split()[0]) / 1024


def _first(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        if line.startswith(name):
            return line.partition(":")[2].strip()
    return "unknown"


def _git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)  # noqa: S607
    return done.stdout.strip()
