"""The load generator: compiles load.c and runs it, one shape of load at a time."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.rig.machine import pinned

SOURCE = Path(__file__).with_name("load.c")
READINGS = 3  # in every message
BUSY = 0.9  # of its own core: beyond it the generator may be what is measured
_SHAPE = re.compile(r"(\d+)-q([01])(?:-w(\d+))?(?:@(\d+))?")


class Shape(msgspec.Struct, frozen=True):
    """How the load comes: connections, QoS, messages in flight on each, and messages a second (0: all it can)."""

    connections: int
    qos: int
    window: int = 1
    rate: int = 0

    @classmethod
    def read(cls, text: str) -> "Shape":
        """Read `1000-q1-w1`, `100-q0`, or with a rate `1000-q1-w1@25000`."""
        match = _SHAPE.fullmatch(text)
        if match is None:
            sys.exit(f"{text} is no mode; write <connections>-q<QoS>[-w<in flight>][@<messages a second>].")
        connections, qos, window, rate = (int(part or 0) for part in match.groups())
        return cls(connections, qos, window or 1, rate)

    def __str__(self) -> str:
        window = f"-w{self.window}" if self.qos else ""
        return f"{self.connections}-q{self.qos}{window}" + (f"@{self.rate}" if self.rate else "")


class Outcome(msgspec.Struct, frozen=True):
    """What the generator saw; `messages` of `seconds` only, `sent`, `proved` and `each` of the whole run."""

    seconds: float
    messages: int
    per_second: float
    sent: int
    proved: int
    lost_connections: int
    packet_bytes: int
    cpu_share: float
    p50_us: float
    p99_us: float
    max_us: float
    each: list[int]


class Load:
    """A compiled generator, pinned to its core."""

    def __init__(self, folder: Path, core: int) -> None:
        """Compile it into a folder, or leave with a sentence where there is no compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            sys.exit("The load generator is written in C and there is no compiler here: install gcc or clang.")
        self._program = folder / "load"
        self._core = core
        subprocess.run([compiler, "-O2", "-o", str(self._program), str(SOURCE)], check=True)

    def run(
        self,
        shape: Shape,
        port: int,
        seconds: float,
        warmup: float,
        options: dict[str, str],
        mark: Callable[[str], None] = lambda _: None,
    ) -> Outcome:
        """Run one load; `mark` is told "begin" and "end" of the span that is measured."""
        wanted: dict[str, object] = {"port": port, "seconds": seconds, "warmup": warmup, **options}
        wanted |= {"connections": shape.connections, "qos": shape.qos, "window": shape.window, "rate": shape.rate}
        words = [str(self._program), *(f"--{name}={value}" for name, value in wanted.items())]
        with pinned(self._core):
            program = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        with program:
            told = _listen(program, mark)
        if program.returncode != 0:
            sys.exit(f"The load generator gave up on {shape}.")
        return msgspec.json.decode(told, type=Outcome)


def _listen(program: subprocess.Popen[str], mark: Callable[[str], None]) -> str:
    told = ""
    for line in program.stdout or ():
        if line.startswith("{"):
            told = line
        else:
            mark(line.strip())
    return told
