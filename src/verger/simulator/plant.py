"""Plant-care Pis: they sign in, send three readings each minute, and ask every five seconds what they are to do.

A token that ends within five seconds is exchanged for a new one where the client can refresh, else it signs in again.
Whatever fails ends the token, and what was measured meanwhile is lost: this client remembers nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from verger.base.clock import moment
from verger.base.errors import Invalid
from verger.simulator import faults
from verger.simulator.http import Client
from verger.simulator.life import Nature
from verger.simulator.mqtt import Lost
from verger.simulator.pots import Pot

NAME = "plant"
EVERY_S, POLLS_EACH = 60.0, 12  # so many polls between two batches
FIRMWARE = "1.0.0"
SENSORS = ("soil_moisture", "air_temperature", "water_level")
ACTUATORS = ("pump", "lamp")

_EARLY_S = 5
_UNSET = datetime(1970, 1, 1, tzinfo=UTC)
_WANTED = 'Write one a line as Verger shows it: {"device_id","secret","sensor_ids":{…},"actuator_ids":{…}}.'


@dataclass(frozen=True)
class Pair:
    """What a client is told when its device is made: its id, its secret, and ids of what it measures and moves."""

    device_id: str
    secret: str
    sensor_ids: Mapping[str, str]
    actuator_ids: Mapping[str, str]


class Pi:
    """One client and its pot."""

    again_s = 10.0

    def __init__(self, nature: Nature, where: tuple[str, int], pair: Pair, pot: Pot, *, refreshes: bool = True) -> None:
        """Know its server's address and port, and have no token yet."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": f"pi-client/{FIRMWARE}"}
        self._http = Client(*where, "/compat/plant", headers)
        self._nature, self._pair, self.pot, self._refreshes = nature, pair, pot, refreshes
        self._token = self._refresh = ""
        self._ends: datetime | None = None
        self._cycles = 0
        self._clock_set = not nature.faults.holds(faults.CLOCK)

    async def cycle(self) -> float:
        """Send a batch if it is time, and do what it is told."""
        now = self._nature.clock.now()
        measured = {name: float(each[0]) for name, each in self.pot.live(np.array([now], np.int64)).items()}
        turn, self._cycles = self._cycles, self._cycles + 1
        if self._nature.faults.lasts(faults.WIFI, now):
            return self._nature.every_s / POLLS_EACH
        try:
            await self._signed_in()
            if turn % POLLS_EACH == 0:
                await self._send(measured, now)
            await self._obey()
        except Lost:
            self._token, self._cycles = "", 0
            raise
        return self._nature.every_s / POLLS_EACH

    async def stop(self) -> None:
        """Hang up."""
        await self._http.close()

    # signing in

    async def _signed_in(self) -> None:
        now = moment(self._nature.clock.now())
        if self._token and self._ends is not None and (self._ends - now).total_seconds() > _EARLY_S:
            return
        told = await self._refreshed() if self._refreshes and self._refresh and self._token else None
        if told is None:
            body = {"device_id": self._pair.device_id, "device_secret": self._pair.secret}
            answer = await self._http.welcome("POST", "/auth/device", _json(body | {"firmware_version": FIRMWARE}))
            told = answer.told()
        if not isinstance(told.get("access_token"), str):
            raise Lost("The server gave no token.")
        self._token, self._refresh = told["access_token"], told["refresh_token"]
        self._ends = datetime.fromisoformat(told["expires_at"])

    async def _refreshed(self) -> Any:
        answer = await self._ask("POST", "/auth/device/refresh", {"refresh_token": self._refresh})
        return answer.told() if answer.fine else None

    # speaking

    async def _send(self, measured: Mapping[str, float], now: int) -> None:
        at = (moment(now) if self._clock_set else _UNSET).isoformat()
        readings = [
            {"sensor_id": own, "timestamp": at, "value": measured[name]}
            for name, own in self._pair.sensor_ids.items()
            if name in measured
        ]
        for _ in range(1 + self._nature.faults.strikes(faults.TWICE, now)):
            await self._fine("POST", "/telemetry", {"readings": readings})

    async def _obey(self) -> None:
        commands = await self._fine("GET", "/commands")
        names = {own: name for name, own in self._pair.actuator_ids.items()}
        for each in commands:
            name = names.get(each["actuator_id"], "")
            observed = moment(self._nature.clock.now()).isoformat()
            if self._nature.faults.strikes(faults.RELAY, self._nature.clock.now()) or not name:
                feedback = {"actuator": name, "error": "The relay did not move.", "observed_at": observed}
                status = "failed"
            else:
                self._move(name, each["command"], each["payload"] or {})
                feedback = {"actuator": name, "state": each["command"], "observed_at": observed}
                status = "acked"
            told = {"command_id": each["id"], "status": status, "feedback": feedback}
            await self._fine("POST", "/commands/ack", told)

    def _move(self, name: str, command: str, payload: Mapping[str, Any]) -> None:
        if name == "lamp":
            self.pot.lamp = command == "on"
        elif command == "off":
            self.pot.rest()
        else:
            seconds = payload.get("duration") or payload.get("duration_s")
            self.pot.pump(float(seconds) if command == "pulse" and seconds else 3600.0)

    async def _fine(self, method: str, path: str, told: Any = None) -> Any:
        answer = await self._ask(method, path, told)
        if not answer.fine:
            raise Lost(f"The server answered {answer.status} to {path}.")
        return answer.told()

    async def _ask(self, method: str, path: str, told: Any = None) -> Any:
        more = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if told is None:
            return await self._http.ask(method, path, None, more)
        return await self._http.ask(method, path, _json(told), more | {"Content-Type": "application/json"})


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a file; raise Invalid."""
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise Invalid(f"The pairs in {path} cannot be read. {_WANTED}") from unreadable
    try:
        told = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]
        return [_pair(each) for each in told]
    except (ValueError, TypeError, KeyError, AttributeError) as garbled:
        raise Invalid(f"The pairs in {path} are not what a Pi needs. {_WANTED}") from garbled


def _pair(told: Mapping[str, Any]) -> Pair:
    """Return a pair as Verger answers it, or as it stands in the client's own settings."""
    told = told.get("credentials", told)
    secret = told["secret"] if "secret" in told else told["device_secret"]
    return Pair(str(told["device_id"]), str(secret), dict(told["sensor_ids"]), dict(told["actuator_ids"]))


def _json(told: Any) -> bytes:
    return json.dumps(told).encode()
