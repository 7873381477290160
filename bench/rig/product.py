"""Verger itself as a subject: the real server, set up and asked afterwards through its own API."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench.rig.load import READINGS, Outcome
from bench.rig.machine import ROOT
from bench.rig.subject import Span, ready_line, started

PATIENCE_S = 15  # for what was acknowledged to be seen; promised within 1 s
SECOND = 1_000_000


class Product:
    """One running server with devices; what it kept is counted in its history."""

    name = "verger"
    acks_what_it_kept = True

    def __init__(self, line: str, pid: int, tokens: Path) -> None:
        """Watch the server that said this line when it was ready."""
        told = dict(word.split("=", 1) for word in line.split() if "=" in word)
        self.port, self.pids = int(told["mqtt"].rpartition(":")[2]), [pid]
        self.options = {"topic": "v1/devices/me/telemetry", "tokens": str(tokens)}
        self.address = told["http"]
        self._http = httpx.Client(base_url=f"{self.address}/api/v1", timeout=60)
        self._tokens = tokens
        self._devices: list[str] = []

    def set_up(self, devices: int) -> None:
        """Make an owner, a place and its devices, and write their access tokens down, one a line."""
        owner = {"tenant": "Bench", "name": "Bench", "email": "bench@example.org", "timezone": "UTC"}
        signed_in = self._ask("POST", "/setup", json=owner | {"password": os.urandom(12).hex()})
        self._http.headers["Authorization"] = f"Bearer {signed_in['token']}"
        place = self._ask("POST", "/places", json={"name": "Bench", "kind": "house", "timezone": "UTC"})
        made = [self._ask("POST", "/devices", json={"name": f"{n}", "place": place["id"]}) for n in range(devices)]
        self._devices = [one["device"]["id"] for one in made]
        self._tokens.write_text("".join(f"{one['credentials']['access_token']}\n" for one in made))

    def sign_in(self, email: str, password: str, devices: list[str], tokens: list[str]) -> None:
        """Know the devices that were made beforehand, as who owns them."""
        signed_in = self._ask("POST", "/auth/login", json={"email": email, "password": password})
        self._http.headers["Authorization"] = self.bearer = f"Bearer {signed_in['token']}"
        self._devices = devices
        self._tokens.write_text("".join(f"{token}\n" for token in tokens))

    def figures(self) -> dict[str, float]:
        """Return the metrics page: each figure by its name, with labels as they stand there."""
        lines = self._http.get(f"{self.address}/metrics").text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in pairs}

    def remember(self) -> None:
        """Nothing to note: a run is told from others by its time."""

    def settle(self, outcome: Outcome) -> None:
        """Nothing to wait for: an ack means kept."""
        del outcome

    def kept(self, outcome: Outcome, span: Span) -> int:
        """Count what the history holds of a run, waiting a little for what is not seen yet."""
        deadline = time.monotonic() + PATIENCE_S
        return sum(
            self._kept_of(n, messages * READINGS, span, deadline) for n, messages in enumerate(outcome.each) if messages
        )

    def count(self, span: Span) -> int:
        """Count what the history holds of a span, of all devices."""
        return sum(self._count(number, span) for number in range(len(self._devices)))

    def _kept_of(self, number: int, wanted: int, span: Span, deadline: float) -> int:
        while (count := self._count(number, span)) < wanted and time.monotonic() < deadline:
            time.sleep(0.2)
        return count

    def _count(self, number: int, span: Span) -> int:
        # A reading without a time gets that of receipt, moved on where two would be equal: a second covers it.
        within = {"from": _text(span.began), "to": _text(span.ended + SECOND), "points": 2}
        told = self._ask("GET", f"/devices/{self._devices[number]}/history", params=within)["metrics"]
        _check_owner(number, told.get("co2"))
        return sum(len(one["at"]) if one["raw"] else sum(one["count"]) for one in told.values())

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        while (answer := self._http.request(method, path, **more)).status_code == httpx.codes.TOO_MANY_REQUESTS:
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.is_error:
            sys.exit(f"{method} {path} was answered {answer.status_code}: {answer.text}")
        return answer.json()


def _check_owner(number: int, co2: Any) -> None:
    """Leave if a device holds another's values: the generator gives device n CO2 from 1000 + n to 1000 + n + 1."""
    for value in (*co2["avg"], *(co2["min"] or ()), *(co2["max"] or ())) if co2 else ():
        if not 1000 + number <= value < 1001 + number:
            sys.exit(f"Device {number} was given a value of another: {value}.")


def _text(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).isoformat().replace("+00:00", "Z")


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a server with a throw-away data folder and free ports."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VERGER_")}
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    ours = {"VERGER_DATA": str(folder / "data"), "VERGER_HTTP_PORT": "0", "VERGER_MQTT_PORT": "0"}
    return kept | ours | {"PYTHONPATH": os.pathsep.join(paths)}


WORDS = [sys.executable, "-m", "verger", "serve"]


@contextmanager
def product(folder: Path, core: int, devices: int) -> Iterator[Product]:
    """Run Verger on one core with this many devices."""
    log = folder / "verger.log"
    with started(WORDS, core, log, environment(folder)) as server:
        subject = Product(ready_line(server, "verger ready", log), server.pid, folder / "tokens")
        subject.set_up(devices)
        yield subject
