"""Mushroom farms: rooms with a climate sensor, a humidifier and a fan, which share one connection and one air.

Each speaks every thirty seconds, give or take a sixth, at QoS 1; what the broker did not acknowledge is told later with
its own time. A command is answered at once by its id. Topics and shapes are those of the farm's code, or, for devices
that were built after its README, the ones it tells of.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from verger.base.clock import SECOND, moment
from verger.simulator import curves, faults
from verger.simulator.growing import Growing
from verger.simulator.life import Door, Nature
from verger.simulator.mqtt import Link

NAME = "farm"
EVERY_S = 30.0
FIRMWARE = "v1.2.3"
MOST_KEPT = 10_000
WIRE = {
    "temperature": "temperature_c",
    "humidity": "humidity_pct",
    "co2": "co2_ppm",
    "light": "light_lux",
    "substrate_moisture": "substrate_moisture",
    "battery_voltage": "battery_v",
}
CLIMATE, HUMIDIFIER, FAN = "climate", "humidifier", "fan"


@dataclass(frozen=True)
class Names:
    """How a farm calls itself, a room, and the devices in it, by what they are."""

    farm: str
    room: str
    devices: Mapping[str, str]


def names_of(number: int, farm: str = "oyster-farm") -> Names:
    """Return the names of the n-th room of a farm."""
    room = f"room-{number}"
    return Names(farm, room, {kind: f"{kind}-{number}" for kind in (CLIMATE, HUMIDIFIER, FAN)})


class GrowRoom:
    """The devices of one room."""

    again_s = 4.0

    def __init__(self, nature: Nature, door: Door, room: Growing, names: Names, *, readme: bool = False) -> None:
        """Know their broker."""
        self._nature, self._names, self.room, self._readme = nature, names, room, readme
        client = f"{names.farm}-{names.room}"
        self._link = Link(door.host, door.port, door.key, client, keep_alive_s=600)
        self._waiting: deque[tuple[str, bytes]] = deque(maxlen=MOST_KEPT)
        self._clock_set = not nature.faults.holds(faults.CLOCK)
        self._kinds = {own: kind for kind, own in names.devices.items()}

    async def cycle(self) -> float:
        """Say what is measured, and do until it is time again what comes."""
        now = self._nature.clock.now()
        self._measure(now)
        if self._nature.faults.lasts(faults.WIFI, now):
            await self._link.close()
            return self._pause(now)
        if not self._link.is_open:
            await self._link.open()
            await self._link.subscribe(*(self._topic(own, "command") for own in self._kinds))
        while self._waiting:
            await self._link.publish(*self._waiting[0])
            self._waiting.popleft()
        await self._obey(now + round(self._pause(now) * SECOND))
        return 0.0

    async def stop(self) -> None:
        """Hang up."""
        await self._link.close(polite=True)

    def _pause(self, now: int) -> float:
        jitter = float(curves.uniform(self._nature.seed, np.array([now]))[0])
        return self._nature.every_s * (5 / 6 + jitter / 3)

    def _measure(self, now: int) -> None:
        measured = {name: float(each[0]) for name, each in self.room.live(np.array([now], np.int64)).items()}
        told = {CLIMATE: measured, HUMIDIFIER: {}, FAN: {}}
        for own, kind in self._kinds.items():
            message = self._topic(own, "telemetry"), self._telemetry(own, kind, told[kind], now)
            for _ in range(1 + self._nature.faults.strikes(faults.TWICE, now)):
                self._waiting.append(message)

    def _telemetry(self, own: str, kind: str, measured: Mapping[str, float], now: int) -> bytes:
        values = {WIRE[name]: value for name, value in measured.items()}
        about: dict[str, Any] = {"device_id": own, "timestamp": self._time(now)}
        if self._readme:
            return _json(about | {"data": values})
        return _json(about | {"status": self._status(kind), "firmware_version": FIRMWARE} | values)

    def _status(self, kind: str) -> str:
        if kind == CLIMATE:
            return "online"
        return "active" if (self.room.humidifier if kind == HUMIDIFIER else self.room.fan) else "idle"

    async def _obey(self, until: int) -> None:
        """Do what comes, until it is time to measure again."""
        while (left := (until - self._nature.clock.now()) / SECOND) > 0:
            message = await self._link.hear(left)
            if message is None:
                return
            await self._do(*message)

    async def _do(self, topic: str, words: bytes) -> None:
        own = topic.split("/")[5]
        try:
            told = json.loads(words)
        except ValueError:
            return
        command, number = str(told.get("command") or told.get("action")), told.get("command_id")
        if number is None or own not in self._kinds:
            return
        now = self._nature.clock.now()
        answer: dict[str, Any] = {"device_id": own, "command_id": number, "timestamp": self._time(now)}
        if self._nature.faults.strikes(faults.RELAY, now) or not self.obey(self._kinds[own], command):
            answer |= {"status": "failed", "response": f"Command '{command}' did not execute"}
        else:
            answer |= {"status": "acked", "response": f"Command '{command}' executed successfully"}
        await self._link.publish(self._topic(own, "ack" if self._readme else "status"), _json(answer))
        if answer["status"] == "acked" and self._kinds[own] != CLIMATE:
            await self._link.publish(self._topic(own, "status"), _json({"status": self._status(self._kinds[own])}))

    def obey(self, kind: str, command: str) -> bool:
        """Do a command; whether it could be done."""
        if "calibrate" in command:
            return True
        on = "turn_on" in command or (command == "toggle" and self._status(kind) != "active")
        if kind == CLIMATE or not (on or "turn_off" in command or command == "toggle"):
            return False
        if kind == HUMIDIFIER:
            self.room.humidifier = on
        else:
            self.room.fan = on
        return True

    def _topic(self, own: str, word: str) -> str:
        where = f"farm/{self._names.farm}/room/{self._names.room}"
        return f"{where}/{word}/{own}" if self._readme else f"{where}/device/{own}/{word}"

    def _time(self, now: int) -> str:
        return moment(now if self._clock_set else 0).isoformat()


def _json(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told).encode()
