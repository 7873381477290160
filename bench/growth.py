"""Cost as work grows: 1,000 to 100,000 devices known, speaking in turn over 1,000 connections: `dev.py bench growth`.

Each turn a thousand devices connect, speak at QoS 1 one in flight, and go; then the next thousand. What is measured
is the time between, while they speak.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from bench.rig import machine, results
from bench.rig.estate import settled
from bench.rig.load import READINGS, Load, Outcome, Shape
from bench.rig.product import Product

CONNECTIONS = 1000
MOST_FALL = 0.15
_WARMUP_S = 0.3


class Turns:
    """Devices of one estate on their turns, and what came of them."""

    def __init__(self, folder: Path, cores: machine.Cores, subject: Product, tokens: list[str]) -> None:
        self._load, self._cores, self._subject = Load(folder, cores.generator), cores, subject
        self._tokens, self._file = tokens, folder / "turn"
        self._moments: list[machine.Moment] = []
        self.outcomes: list[Outcome] = []

    def take(self, turn: int, seconds: float) -> None:
        """Let the devices of one turn speak."""
        begin = turn * CONNECTIONS % len(self._tokens)
        self._file.write_text("".join(f"{token}\n" for token in self._tokens[begin : begin + CONNECTIONS]))
        options = self._subject.options | {"tokens": str(self._file)}
        shape = Shape(min(CONNECTIONS, len(self._tokens)), 1)
        outcome = self._load.run(shape, self._subject.port, seconds, _WARMUP_S, options, self._mark)
        self.outcomes.append(outcome)

    def _mark(self, _word: str) -> None:
        self._moments.append(machine.moment(self._subject.pids, self._cores))

    def row(self, devices: int) -> dict[str, results.Cell]:
        """Return what the turns came to."""
        spans = list(zip(self._moments[::2], self._moments[1::2], strict=True))
        messages = sum(outcome.messages for outcome in self.outcomes)
        cpu_s = sum(end.cpu_s - begin.cpu_s for begin, end in spans)
        return {
            "devices": devices,
            "turns": len(self.outcomes),
            "messages/s": messages / sum(outcome.seconds for outcome in self.outcomes),
            "CPU-s/100k": cpu_s / max(messages, 1) * 1e5,
            "RSS MB": machine.resident_mb(self._subject.pids[0]),
            "kept": self._subject.figures().get("verger_log_readings_total") == self._proved * READINGS,
        }

    @property
    def _proved(self) -> int:
        return sum(outcome.proved for outcome in self.outcomes)


def measure(devices: int, turns: int, seconds: float) -> dict[str, results.Cell]:
    """Run so many turns on a server that knows so many devices."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text:
        folder = Path(text)
        with settled(folder, cores.server, devices) as (subject, estate):
            every = Turns(folder, cores, subject, estate.tokens)
            for turn in range(turns):
                every.take(turn, seconds)
            return every.row(devices)


def main(words: list[str]) -> int:
    """Measure, print, and return 1 if something acknowledged is not in the log."""
    options = argparse.ArgumentParser(prog="dev.py bench growth", description=__doc__)
    options.add_argument("--devices", default="1000,10000,100000")
    options.add_argument("--seconds", type=float, default=60, help="of speaking, shared by the turns")
    options.add_argument("--quick", action="store_true", help="1,000 and 5,000 devices, 5 s each: a look, no proof")
    asked = options.parse_args(words)
    if asked.quick:
        asked.devices, asked.seconds = "1000,5000", 5.0
    machine.allow_many_files()
    sizes = [int(size) for size in asked.devices.split(",")]
    rows = [measure(size, turns := max(size // CONNECTIONS, 10), asked.seconds / turns) for size in sizes]
    results.keep("growth", rows)
    print(results.show(rows))
    first, last = (float(row["CPU-s/100k"] or 0) for row in (rows[0], rows[-1]))
    print(f"Processor time a message: {last / first - 1:+.0%}. Promised: a rate that falls by {MOST_FALL:.0%} at most.")
    return 0 if all(row["kept"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
