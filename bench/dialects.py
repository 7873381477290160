"""Dialects: from the bytes of a family's message to what was said, beside native: `python3 dev.py bench dialects`."""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.rig import results
from bench.rig.messages import MESSAGES, Message

ALLOWED = 1.25
"""How many times native's time a message of as many values may take."""
_TURN_S = 0.001


@dataclass
class Timed:
    """One message, how often it is read in a turn, and the time of each turn in seconds a message, with native's."""

    message: Message
    often: int
    own: list[float]
    native: list[float]
    numbers: list[float]

    def row(self) -> dict[str, results.Cell]:
        """Return what came out: medians of all turns, and of the ratio of each turn."""
        own = statistics.median(self.own)
        return {
            "family": self.message.family,
            "message": self.message.name,
            "values": self.message.values,
            "bytes": self.message.size,
            "µs": own * 1e6,
            "µs a value": own * 1e6 / self.message.values,
            "native µs": statistics.median(self.native) * 1e6,
            "times native": _ratio(self.own, self.native),
            "times native, numbers alone": _ratio(self.own, self.numbers),
        }


def _ratio(own: Sequence[float], other: Sequence[float]) -> float:
    return statistics.median(mine / theirs for mine, theirs in zip(own, other, strict=True))


def measure(message: Message, often: int = 0) -> Timed:
    """Return a message with what it takes a turn, about a millisecond unless it is said how often."""
    timed = Timed(message, often or 1, [], [], [])
    while not often and _turn(message.read, timed.often) * timed.often < _TURN_S:
        timed.often *= 2
    return timed


def rounds(every: Sequence[Timed], count: int) -> None:
    """Read each message in turn with native's, so many times round."""
    for _ in range(count):
        for each in every:
            each.own.append(_turn(each.message.read, each.often))
            each.native.append(_turn(each.message.native, each.often))
            each.numbers.append(_turn(each.message.numbers, each.often))


def _turn(work: Callable[[], object], often: int) -> float:
    """Return the processor time of one of many readings of a message, in seconds."""
    begin = time.thread_time_ns()
    for _ in range(often):
        work()
    return (time.thread_time_ns() - begin) / 1e9 / often


def main(words: list[str]) -> int:
    """Measure, print and keep; always return 0, for what takes longer stands in docs/performance.md with its reason."""
    options = argparse.ArgumentParser(prog="dev.py bench dialects", description=__doc__)
    options.add_argument("--only", default="", help="families, joined by commas")
    options.add_argument("--rounds", type=int, default=400)
    options.add_argument("--quick", action="store_true", help="40 rounds: a look, no proof")
    asked = options.parse_args(words)
    only = {name for name in asked.only.split(",") if name}
    every = [measure(each) for each in MESSAGES if not only or each.family in only]
    rounds(every, 40 if asked.quick else asked.rounds)
    rows = [each.row() for each in every]
    results.keep("dialects", rows)
    print(results.show(rows))
    slow = [each for each in rows if isinstance(each["times native"], float) and each["times native"] > ALLOWED]
    print(
        f"{len(rows) - len(slow)} of {len(rows)} take at most {ALLOWED:g} times what native takes for as many values."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
