"""How long the API takes while the history is compacted and devices speak: `python3 dev.py bench api`.

A thousand devices speak at a fifth of full load, and the buffers are small, so that compaction never rests. Meanwhile
pages ask what they ask: places, devices, the latest values, a chart.
"""

import argparse
import itertools
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx

from bench.rig import machine, results
from bench.rig.estate import Estate, settled
from bench.rig.load import Load, Outcome, Shape
from bench.rig.product import Product

P99_MS = 50  # what was promised
_CONNECTIONS = 1000
_LOOK_S = 11  # the figures of the history are ten seconds old at most
_PAUSE_S = 0.02  # one caller may ask a hundred times a second
_HOT_BYTES = {"VERGER_HOT_BYTES": str(4 << 20)}


def ask(subject: Product, estate: Estate, load: Future[Outcome]) -> dict[str, list[float]]:
    """Ask one question after the other until the load has ended; return by question how many ms each took."""
    taken: dict[str, list[float]] = {}
    headers = {"Authorization": subject.bearer}
    with httpx.Client(base_url=f"{subject.address}/api/v1", headers=headers, timeout=60) as http:
        for device in itertools.cycle(estate.devices):
            for name, path in (
                ("places", "/places"),
                ("devices", "/devices?limit=50"),
                ("a device", f"/devices/{device}"),
                ("latest values", f"/devices/{device}/latest"),
                ("a chart", f"/devices/{device}/history?points=500"),
            ):
                began = time.perf_counter()
                answer = http.get(path)
                if answer.is_error:
                    sys.exit(f"{path} was answered {answer.status_code}: {answer.text}")
                taken.setdefault(name, []).append((time.perf_counter() - began) * 1000)
                time.sleep(_PAUSE_S)
                if load.done():
                    return taken
    raise AssertionError


def measure(seconds: float, rate: int) -> list[dict[str, results.Cell]]:
    """Return one row for each question and one for all, and what went on meanwhile."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text, ThreadPoolExecutor(1) as pool:
        folder = Path(text)
        with settled(folder, cores.server, _CONNECTIONS, _HOT_BYTES) as (subject, estate):
            before = subject.figures()
            shape = Shape(_CONNECTIONS, 1, 1, rate)
            load = pool.submit(Load(folder, cores.generator).run, shape, subject.port, seconds, 1, subject.options)
            taken = ask(subject, estate, load)
            outcome = load.result()
            time.sleep(_LOOK_S)
            after = subject.figures()
    compacted = after["verger_history_readings"] - before.get("verger_history_readings", 0)
    every = {**taken, "all": [one for some in taken.values() for one in some]}
    return [
        {
            "question": name,
            "asked": len(some),
            "p50 ms": results.quantile(some, 0.5),
            "p99 ms": results.quantile(some, 0.99),
            "slowest ms": max(some),
            "messages/s": outcome.per_second,
            "compacted readings": compacted,
        }
        for name, some in every.items()
    ]


def main(words: list[str]) -> int:
    """Measure and print; return 1 if no compaction ran, for then the figures say nothing."""
    options = argparse.ArgumentParser(prog="dev.py bench api", description=__doc__)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--rate", type=int, default=10_000, help="messages a second")
    options.add_argument("--quick", action="store_true", help="15 s: a look, no proof")
    asked = options.parse_args(words)
    machine.allow_many_files()
    rows = measure(15.0 if asked.quick else asked.seconds, asked.rate)
    results.keep("api", rows)
    print(results.show(rows))
    print(f"Promised: p99 of {P99_MS} ms at most.")
    return 0 if rows[-1]["compacted readings"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
