"""Bytes written to disk for a reading in its whole life, beside rows in SQLite: `python3 dev.py bench life`.

The whole program, as the kernel counts what its process had written; what a file system writes for itself comes on
top. Ten devices say three values every ten seconds, each for itself, as at home; then a thousand readings a second.
At the end the server is stopped, with what the buffers held put into chunks beforehand.
"""

import argparse
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from bench.rig import machine, results
from bench.rig.estate import settled
from bench.rig.load import READINGS, Load, Shape

HOME_BYTES, BUSY_BYTES = 12 << 10, 60  # promised: a message at home; a reading at a thousand a second
_SMALL = {"VERGER_HOT_BYTES": str(4 << 20)}  # so that what comes in minutes goes to chunks as hours of it would
_SPARING = _SMALL | {"VERGER_LOG_WAIT_MS": "100"}  # as for an SD card


def verger(devices: int, rate: int, seconds: float, environ: Mapping[str, str]) -> tuple[int, int]:
    """Return messages that were kept and bytes that were written for them."""
    cores = machine.cores()
    with tempfile.TemporaryDirectory(prefix="verger-bench-", dir=Path.cwd()) as text:
        folder = Path(text)
        with settled(folder, cores.server, devices, environ) as (subject, _):
            time.sleep(5)
            before = machine.written(subject.pids)
            shape = Shape(devices, 1, 1, rate)
            outcome = Load(folder, cores.generator).run(shape, subject.port, seconds, 0, subject.options)
            time.sleep(11)  # positions and presence are saved every ten seconds
            return outcome.proved, machine.written(subject.pids) - before


def rows(devices: int, rate: int, seconds: float) -> tuple[int, int]:
    """Return messages and bytes of a program that keeps each as rows of a table, one commit a message."""
    with tempfile.TemporaryDirectory(prefix="verger-bench-", dir=Path.cwd()) as folder:
        db = sqlite3.connect(Path(folder) / "rows.db", isolation_level=None)
        db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "CREATE TABLE reading (series INTEGER, at INTEGER, value REAL, PRIMARY KEY (series, at)) WITHOUT ROWID"
        )
        pids, messages = [threading.get_native_id()], int(rate * seconds)
        before = machine.written(pids)
        for message in range(messages):
            first, at = message % devices * READINGS, message * 1_000_000 // rate
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO reading VALUES (?, ?, 21.5)", [(first + n, at) for n in range(READINGS)])
            db.execute("COMMIT")
        db.close()
        return messages, machine.written(pids) - before


def main(words: list[str]) -> int:
    """Measure, print, and return 1 if more was written than promised."""
    options = argparse.ArgumentParser(prog="dev.py bench life", description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--quick", action="store_true", help="30 s: a look, no proof")
    asked = options.parse_args(words)
    seconds = 20.0 if asked.quick else asked.seconds
    home = verger(10, 1, seconds, {})
    busy = verger(100, 1000, seconds, _SMALL)
    sparing = verger(100, 1000, seconds, _SPARING)
    table = rows(100, 1000, min(seconds, 20))
    told: list[dict[str, results.Cell]] = [
        {"life": name, "messages": messages, "bytes a message": size / messages, "bytes a reading": size / messages / 3}
        for name, (messages, size) in (
            ("Verger, ten devices, 3 values every 10 s", home),
            ("Verger, 3,000 readings a second", busy),
            ("the same, VERGER_LOG_WAIT_MS=100", sparing),
            ("SQLite rows, one commit a message", table),
        )
    ]
    results.keep("life", told)
    print(results.show(told))
    print(f"Promised: {HOME_BYTES:,} bytes a message at home, {BUSY_BYTES} a reading from 1,000 a second on, sparing.")
    return 0 if home[1] <= HOME_BYTES * home[0] and sparing[1] <= BUSY_BYTES * READINGS * sparing[0] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
