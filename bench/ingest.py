"""Ingest, whole path: `python3 dev.py bench ingest`; README.md tells how to read what it prints."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from bench.rig import machine
from bench.rig.aedes import aedes
from bench.rig.chain import alone, chain
from bench.rig.load import READINGS, Load, Outcome, Shape
from bench.rig.product import product
from bench.rig.raw import raw
from bench.rig.subject import Span, Subject
from bench.rig.table import Run, show
from bench.rig.watch import watched

MODES = "1-q0,100-q0,1000-q0,1-q1-w10,100-q1-w10,1000-q1-w1,1000-q1-w1@25000"
RESULTS = Path(__file__).with_name("results") / "ingest.jsonl"

Starter = Callable[[Path, int, int], AbstractContextManager[Subject]]  # folder, core, devices
STARTERS: dict[str, Starter] = {"verger": product, "raw": raw, "chain": chain, "aedes": aedes, "mosquitto": alone}


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for on the command line."""

    modes: list[Shape]
    subjects: list[str]
    runs: int
    seconds: float
    warmup: float
    long: bool = False


class Rig(msgspec.Struct, frozen=True):
    """What drives the load, and where."""

    cores: machine.Cores
    load: Load


def measure(rig: Rig, subject: Subject, shape: Shape, wanted: Wanted) -> Run:
    """Run one load against one subject and check what it kept."""
    moments: dict[str, machine.Moment] = {}

    def mark(word: str) -> None:
        if word == "begin":
            machine.forget_peak(subject.pids)
        moments[word] = machine.moment(subject.pids, rig.cores)

    acks = subject.acks_what_it_kept
    subject.remember()
    began = time.time_ns() // 1000
    seconds, warmup = (wanted.seconds, wanted.warmup) if acks else (wanted.seconds / 3, 0.0)
    outcome = rig.load.run(shape, subject.port, seconds, warmup, subject.options, mark)
    subject.settle(outcome)
    mark("settled")
    kept = subject.kept(outcome, Span(began, time.time_ns() // 1000))
    return judge(subject, shape, outcome, (moments["begin"], moments["end" if acks else "settled"]), kept)


def judge(
    subject: Subject, shape: Shape, outcome: Outcome, span: tuple[machine.Moment, machine.Moment], kept: int
) -> Run:
    """Return what a run came to; where an ack does not mean kept, the span ends with the last commit and all count."""
    begin, end = span
    acks, seconds, cpu_s = subject.acks_what_it_kept, end.at - begin.at, end.cpu_s - begin.cpu_s
    messages = outcome.messages if acks else outcome.proved
    others_s = max(
        end.server_busy_s - begin.server_busy_s - cpu_s,
        end.generator_busy_s - begin.generator_busy_s - outcome.cpu_share * outcome.seconds,
    )
    return Run(
        subject=subject.name,
        mode=str(shape),
        seconds=seconds,
        messages_s=messages / seconds,
        cpu_s_per_100k=cpu_s / max(messages, 1) * 1e5,
        server_share=cpu_s / seconds,
        generator_share=outcome.cpu_share,
        others_share=max(others_s / seconds, 0),
        acks_what_it_kept=acks,
        p50_ms=outcome.p50_us / 1e3 if shape.qos else None,
        p99_ms=outcome.p99_us / 1e3 if shape.qos else None,
        peak_mb=end.peak_mb,
        sent=outcome.sent,
        acknowledged=outcome.proved,
        kept_readings=kept,
        whole=kept == outcome.proved * READINGS and not outcome.lost_connections,
    )


def measure_all(wanted: Wanted, note: Callable[[Run], None]) -> list[Run]:
    """Measure every subject in every mode, each on a server of its own, so many runs in a row."""
    cores = machine.cores()
    runs: list[Run] = []
    for shape in wanted.modes:
        for name in wanted.subjects:
            if name == "chain" and shape.rate:
                continue  # its ack comes before its commit: how long an ack took tells nothing
            with tempfile.TemporaryDirectory(prefix="verger-bench-") as folder:
                rig = Rig(cores, Load(Path(folder), cores.generator))
                with STARTERS[name](Path(folder), cores.server, shape.connections) as subject:
                    for _ in range(wanted.runs):
                        with watched(subject, shape) if wanted.long else nullcontext():
                            runs.append(measure(rig, subject, shape, wanted))
                        note(runs[-1])
    return runs


def read_options(words: list[str]) -> Wanted:
    """Read the command line."""
    options = argparse.ArgumentParser(prog="dev.py bench ingest", description=__doc__)
    options.add_argument("--modes", default=MODES, help=f"which loads, by default {MODES}")
    options.add_argument("--only", default=",".join(STARTERS), help=f"which subjects, by default {','.join(STARTERS)}")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--warmup", type=float, default=3, help="seconds of load before the measured span")
    options.add_argument("--quick", action="store_true", help="one run of 5 s each: a look, no proof")
    options.add_argument("--long", action="store_true", help="Verger alone, one run of 10 min, looked at every 5 s")
    got = options.parse_args(words)
    if unknown := set(got.only.split(",")) - set(STARTERS):
        options.error(f"--only takes {', '.join(STARTERS)}, not {', '.join(unknown)}.")
    if got.quick:
        got.runs, got.seconds, got.warmup = 1, 5, 1
    if got.long:
        got.only, got.runs, got.seconds = "verger", 1, max(got.seconds, 600)
    modes = [Shape.read(mode) for mode in got.modes.split(",")]
    return Wanted(modes, got.only.split(","), got.runs, got.seconds, got.warmup, got.long)


def writer(path: Path) -> Callable[[Run], None]:
    """Return what prints each run and appends it to the results, with the machine's facts."""
    path.parent.mkdir(exist_ok=True)
    about: dict[str, Any] = machine.facts() | {"at": datetime.now(UTC).isoformat(timespec="seconds")}

    def write(run: Run) -> None:
        with path.open("ab") as results:
            results.write(msgspec.json.encode(about | msgspec.to_builtins(run)) + b"\n")
        print(run.line(), flush=True)

    return write


def main(words: list[str]) -> int:
    """Measure, print the table, and return 1 if anything acknowledged was not kept."""
    wanted = read_options(words)
    machine.allow_many_files()
    runs = measure_all(wanted, writer(RESULTS))
    print("\n" + show(runs))
    for run in runs:
        for complaint in run.complaints():
            print(complaint)
    return 0 if all(run.whole for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
