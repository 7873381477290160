"""Start and rest: seconds from start to ready, and memory after 5 idle seconds: `python3 dev.py bench start`."""

import argparse
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.rig import machine
from bench.rig.product import WORDS, environment
from bench.rig.subject import ready_line, started

RESULTS = Path(__file__).with_name("results") / "start.jsonl"
IDLE_S = 5
LISTENING_S, RESIDENT_MB = 2.5, 150  # what was promised


class Start(msgspec.Struct, frozen=True):
    """One start: in an empty folder (`first`) or one that was used before."""

    first: bool
    listening_s: float
    idle_mb: float


def start(folder: Path, core: int, *, first: bool) -> Start:
    """Start once, wait until it is ready, let it rest, and end it."""
    log = folder / "verger.log"
    began = time.monotonic()
    with started(WORDS, core, log, environment(folder)) as server:
        ready_line(server, "verger ready", log)
        listening_s = time.monotonic() - began
        time.sleep(IDLE_S)
        return Start(first, listening_s, machine.resident_mb(server.pid))


def main(words: list[str]) -> int:
    """Start in fresh folders, twice in each; print the medians; return 1 if a promise is broken."""
    options = argparse.ArgumentParser(prog="dev.py bench start", description=__doc__)
    options.add_argument("--runs", type=int, default=5)
    core, starts = machine.cores().server, []
    for _ in range(options.parse_args(words).runs):
        with tempfile.TemporaryDirectory(prefix="verger-bench-") as folder:
            starts += [start(Path(folder), core, first=first) for first in (True, False)]
    about = machine.facts() | {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("ab") as results:
        results.writelines(msgspec.json.encode(about | msgspec.to_builtins(one)) + b"\n" for one in starts)
    return judge(starts)


def judge(starts: list[Start]) -> int:
    """Print the medians of first and later starts, and return 1 if one is beyond what was promised."""
    kept = True
    for first in (True, False):
        ours = [one for one in starts if one.first is first]
        listening = statistics.median(one.listening_s for one in ours)
        idle = statistics.median(one.idle_mb for one in ours)
        kept = kept and listening <= LISTENING_S and idle <= RESIDENT_MB
        print(f"{'empty folder' if first else 'used folder'}: ready after {listening:.2f} s, {idle:.0f} MB idle")
    print(f"{'Within' if kept else 'BEYOND'} what was promised: {LISTENING_S} s and {RESIDENT_MB} MB.")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
