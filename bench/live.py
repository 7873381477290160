"""From a device to many screens over WebSocket: `python3 dev.py bench live`.

A device says the time ten times a second. 200 screens show that device while a thousand others speak at a fifth of
full load; then 2,000 screens show the place it is in. A screen and the load share the core that is not the server's.
"""

import argparse
import asyncio
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

from bench.rig import machine, results, screens
from bench.rig.estate import settled
from bench.rig.load import Load, Shape

P99_MS = 250  # what was promised
_CONNECTIONS = 1000
_AT_HOME = 20  # devices of the place that many look at


def measure(name: str, open_: int, seconds: float, rate: int) -> dict[str, results.Cell]:
    """Show a device on many screens while others speak at a rate; 0: nobody else speaks, and its place is shown."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text, ThreadPoolExecutor(1) as pool:
        folder = Path(text)
        with settled(folder, cores.server, _CONNECTIONS + 1 if rate else _AT_HOME) as (subject, estate):
            subject.options["tokens"] = str(folder / "others")
            (folder / "others").write_text("".join(f"{token}\n" for token in estate.tokens[1:]))
            load = Load(folder, cores.generator)
            shape = Shape(_CONNECTIONS, 1, 1, rate)
            spoken = (
                pool.submit(load.run, shape, subject.port, seconds + open_ / 100, 0, subject.options) if rate else None
            )
            shown = {"device": estate.devices[0]} if rate else {"place": estate.place}
            begin = machine.moment(subject.pids, cores)
            with machine.pinned(cores.generator):
                showing = screens.show(
                    subject.address, subject.bearer, shown, open_, (subject.port, estate.tokens[0]), seconds
                )
                ages, times = asyncio.run(showing)
            end = machine.moment(subject.pids, cores)
            with nullcontext(spoken.result() if spoken else None) as outcome:
                others = outcome.per_second if outcome else 0.0
    every = [age for each in ages for age in each]
    return {
        "screens": open_,
        "shown": name,
        "others, messages/s": others,
        "said": times,
        "fewest frames": min(map(len, ages)),
        "most frames": max(map(len, ages)),
        "p50 ms": results.quantile(every, 0.5),
        "p99 ms": results.quantile(every, 0.99),
        "core": (end.cpu_s - begin.cpu_s) / (end.at - begin.at),
        "RSS MB": end.peak_mb,
    }


def main(words: list[str]) -> int:
    """Measure, print, and return 1 if a screen was not shown everything."""
    options = argparse.ArgumentParser(prog="dev.py bench live", description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--rate", type=int, default=10_000, help="messages a second of the others")
    options.add_argument("--quick", action="store_true", help="20 and 200 screens, 5 s: a look, no proof")
    asked = options.parse_args(words)
    few, many = (20, 200) if asked.quick else (200, 2000)
    seconds = 5.0 if asked.quick else asked.seconds
    machine.allow_many_files()
    rows = [measure("a device", few, seconds, asked.rate), measure("its place", many, seconds, 0)]
    results.keep("live", rows)
    print(results.show(rows))
    print(f"Promised: p99 of {P99_MS} ms at most with 200 screens, and every screen served each tick.")
    # Of two words in one tick the newer one is shown, and to every screen the same.
    return 0 if all(row["fewest frames"] == row["most frames"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
