"""Memory: at rest, with 10,000 devices known, and with all of them connected: `python3 dev.py bench memory`."""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.rig import machine, results
from bench.rig.estate import Estate, settled
from bench.rig.load import Load, Outcome, Shape
from bench.rig.product import Product

IDLE_MB, CONNECTED_MB = 150, 600  # what was promised
_REST_S = 5
_AT_ONCE = 5000  # connections of one generator


def resting(devices: int) -> float:
    """Return the memory of a server that knows so many devices and hears nothing, in MB."""
    core, scratch = machine.cores().server, tempfile.TemporaryDirectory(prefix="verger-bench-")
    with scratch as folder, settled(Path(folder), core, devices) as (subject, _):
        time.sleep(_REST_S)
        return machine.resident_mb(subject.pids[0])


def connected(devices: int, seconds: float) -> tuple[float, float]:
    """Return the memory before and while so many devices are connected, each saying something every 10 s, in MB."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text:
        folder = Path(text)
        with settled(folder, cores.server, devices) as (subject, estate):
            time.sleep(_REST_S)
            before, during = machine.resident_mb(subject.pids[0]), list[float]()
            load = Load(folder, cores.generator)
            files = [_some(folder, estate, begin) for begin in range(0, devices, _AT_ONCE)]
            with ThreadPoolExecutor(len(files)) as pool:
                runs = [pool.submit(_speak, load, subject, file, seconds, during) for file in files]
                whole = [run.result() for run in runs]
            if sum(outcome.lost_connections for outcome in whole):
                sys.exit("Some connections were lost, so this is not the memory of all of them.")
            return before, max(during)


def _some(folder: Path, estate: Estate, begin: int) -> tuple[Path, int]:
    tokens = estate.tokens[begin : begin + _AT_ONCE]
    path = folder / f"tokens-{begin}"
    path.write_text("".join(f"{token}\n" for token in tokens))
    return path, len(tokens)


def _speak(load: Load, subject: Product, file: tuple[Path, int], seconds: float, during: list[float]) -> Outcome:
    path, count = file
    options = subject.options | {"tokens": str(path)}
    shape = Shape(count, 1, 1, max(count // 10, 1))
    note = lambda _word: during.append(machine.resident_mb(subject.pids[0]))  # noqa: E731  two words, two notes
    return load.run(shape, subject.port, seconds, seconds / 2, options, note)


def main(words: list[str]) -> int:
    """Measure, print, and return 1 if more is used than was promised."""
    options = argparse.ArgumentParser(prog="dev.py bench memory", description=__doc__)
    options.add_argument("--devices", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=30)
    options.add_argument("--quick", action="store_true", help="2,000 devices for 5 s: a look, no proof")
    asked = options.parse_args(words)
    if asked.quick:
        asked.devices, asked.seconds = 2000, 5.0
    machine.allow_many_files()
    idle = resting(0)
    known, during = connected(asked.devices, asked.seconds)
    each = (during - known) * 1024 / asked.devices
    rows: list[dict[str, results.Cell]] = [
        {"state": "at rest, no device", "RSS MB": idle},
        {"state": f"at rest, {asked.devices:,} devices known", "RSS MB": known},
        {"state": f"{asked.devices:,} devices connected, each heard every 10 s", "RSS MB": during},
    ]
    results.keep("memory", [{"devices": asked.devices, "idle_mb": idle, "known_mb": known, "connected_mb": during}])
    print(results.show(rows))
    print(f"A connected device costs {each:.1f} KiB. Promised: {IDLE_MB} MB at rest, {CONNECTED_MB} with 10,000.")
    return 0 if idle <= IDLE_MB and during <= CONNECTED_MB else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
