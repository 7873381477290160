"""The usual chain: Mosquitto, a paho-mqtt subscriber, rows in SQLite.

As kind to it as can be: no passwords, queues without bounds (with its defaults Mosquitto drops), one transaction
for all that came within 5 ms, and an acknowledgement to the broker only after the commit. What it cannot do stays:
the device's own ack comes from the broker, before anything is on disk.
"""

import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.rig.load import READINGS, Outcome
from bench.rig.raw import Spoken
from bench.rig.subject import Span, ready_line, started

BATCH = 2000  # messages in one transaction
BATCH_S = 0.005  # how long a message may wait for company
TABLE = """
CREATE TABLE reading (series INTEGER, at INTEGER, value REAL, PRIMARY KEY (series, at)) WITHOUT ROWID;
"""


class Consumer:
    """Subscribes to all devices and keeps what they say; the count of rows stands in a file after each commit."""

    def __init__(self, folder: Path, port: int) -> None:
        """Open the database and connect."""
        self._db = sqlite3.connect(folder / "chain.db", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {TABLE}")
        self._progress = os.open(folder / "progress", os.O_RDWR | os.O_CREAT, 0o644)
        self._decode = msgspec.json.Decoder(Spoken).decode
        self._heard: list[MQTTMessage] = []
        self._first = 0.0
        self._at = self._rows = 0
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="consumer", manual_ack=True)
        self._client.on_message = lambda _client, _userdata, message: self._hear(message)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("v1/devices/+/telemetry", qos=1)

    def _hear(self, message: MQTTMessage) -> None:
        if not self._heard:
            self._first = time.monotonic()
        self._heard.append(message)

    def run(self) -> None:
        """Go on until ended."""
        print("chain ready", flush=True)
        while True:
            self._client.loop(timeout=BATCH_S)
            if self._heard and (len(self._heard) >= BATCH or time.monotonic() - self._first >= BATCH_S):
                self._keep()

    def _keep(self) -> None:
        rows: list[tuple[int, int, float]] = []
        for message in self._heard:
            first = int(message.topic.split("/")[2]) * READINGS
            spoken = self._decode(message.payload)
            self._at = at = max(self._at + 1, time.time_ns() // 1000)
            rows += ((first, at, spoken.temperature), (first + 1, at, spoken.humidity), (first + 2, at, spoken.co2))
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR IGNORE INTO reading VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")
        for message in self._heard:
            if message.qos:
                self._client.ack(message.mid, message.qos)
        self._rows += len(rows)
        os.pwrite(self._progress, self._rows.to_bytes(8, "little"), 0)
        self._heard.clear()


class Chain:
    """The chain as a subject; both its programs share the server's core."""

    name = "mosquitto chain"
    acks_what_it_kept = False
    table = "chain.db"

    def __init__(self, port: int, pids: list[int], folder: Path) -> None:
        """Watch one running chain."""
        self.port, self.pids, self.options = port, pids, {"topic": "v1/devices/%d/telemetry"}
        self._folder = folder
        self._before = 0

    def remember(self) -> None:
        """Note what is kept before a run."""
        self._before = self._progress()

    def settle(self, outcome: Outcome) -> None:
        """Wait for the last commit; give up when nothing more comes for 10 s."""
        last, since = -1, time.monotonic()
        while (now := self._progress() - self._before) < outcome.proved * READINGS and time.monotonic() - since < 10:
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.01)

    def kept(self, outcome: Outcome, span: Span) -> int:
        """Return how many rows the run added, counted in the table itself."""
        del outcome
        with sqlite3.connect(f"file:{self._folder / self.table}?mode=ro", uri=True) as db:
            within = (span.began, span.ended)
            (count,) = db.execute("SELECT count(*) FROM reading WHERE at BETWEEN ? AND ?", within).fetchone()
        db.close()
        return int(count)

    def _progress(self) -> int:
        return int.from_bytes((self._folder / "progress").read_bytes(), "little")


@contextmanager
def chain(folder: Path, core: int, _devices: int) -> Iterator[Chain]:
    """Run broker and consumer on one core."""
    log = folder / "consumer.log"
    with mosquitto(folder, core) as (port, broker):
        consumer = [sys.executable, "-m", "bench.rig.chain", str(folder), str(port)]
        with started(consumer, core, log) as second:
            ready_line(second, "ready", log)
            yield Chain(port, [broker, second.pid], folder)


@contextmanager
def mosquitto(folder: Path, core: int) -> Iterator[tuple[int, int]]:
    """Run Mosquitto without bounds and without persistence on one core; give its port and process."""
    broker = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if broker is None:
        sys.exit("These references need Mosquitto: install it, or leave them out with --only verger,raw,aedes.")
    port, settings = free_port(), folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\nset_tcp_nodelay true\n"
        "max_inflight_messages 0\nmax_queued_messages 0\nlog_type error\n"
    )
    with started([broker, "-c", str(settings)], core, folder / "mosquitto.log") as server:
        wait_until_listening(port)
        yield port, server.pid


class Alone:
    """Mosquitto by itself as a subject, for how soon it acknowledges: what it acknowledges it keeps nowhere."""

    name = "mosquitto alone, keeps nothing"
    acks_what_it_kept = True

    def __init__(self, port: int, pid: int) -> None:
        """Watch one running broker."""
        self.port, self.pids, self.options = port, [pid], {"topic": "v1/devices/%d/telemetry"}

    def remember(self) -> None:
        """Nothing to note."""

    def settle(self, outcome: Outcome) -> None:
        """Nothing to wait for."""

    def kept(self, outcome: Outcome, span: Span) -> int:
        """Return what was acknowledged, for there is nothing to be counted."""
        del span
        return outcome.proved * READINGS


@contextmanager
def alone(folder: Path, core: int, _devices: int) -> Iterator[Alone]:
    """Run Mosquitto on one core."""
    with mosquitto(folder, core) as (port, pid):
        yield Alone(port, pid)


def wait_until_listening(port: int) -> None:
    """Return once something listens on a port; leave when nothing does for long."""
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if time.monotonic() > deadline:
                sys.exit(f"Nothing listens on port {port}.")
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    Consumer(Path(sys.argv[1]), int(sys.argv[2])).run()
