"""CottagePilot's sensors: they wake up, ask for a code if they have none, say what they measure, and sleep.

Over MQTT as the ESP8266 does it: a random client id, clean, 15 s alive, its two topics, one message for each sensor,
250 ms between them, 5 s of listening, and a code in a memory that has room for one. What is measured without Wi-Fi is
lost. Over HTTP as the generation before did: one post with both sensors.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verger.base.clock import SECOND
from verger.simulator import faults
from verger.simulator.http import Client
from verger.simulator.life import Door, Nature
from verger.simulator.mqtt import Link, Lost
from verger.simulator.rooms import Room

NAME = "cottage"
DATA, PROVISION = "sensors/data", "sensors/provision/"
NO_CODE = "nan"
EVERY_S, OLD_EVERY_S = 600.0, 300.0
WORDS = {"temperature": "Temp", "humidity": "Hum", "pressure": "Press"}
LISTENS_S, BETWEEN_S = 5.0, 0.25


class Eeprom:
    """What a sensor keeps through its sleep: one code."""

    def __init__(self, code: str = "") -> None:
        """Begin with a code, or with none."""
        self.code = code

    def told(self) -> str:
        """Return what a sensor says that it has."""
        return self.code or NO_CODE


class Sensor:
    """One sensor in one room."""

    again_s = 30.0

    def __init__(self, nature: Nature, door: Door, room: Room, memory: Eeprom, metrics: Sequence[str] = ()) -> None:
        """Have ids that are compiled in, by the number of the board."""
        self._nature, self._door, self._room, self.memory = nature, door, room, memory
        stem = board(nature.number)
        self.ids = {metric: f"{stem}_{WORDS[metric]}" for metric in metrics or ("temperature", "humidity")}

    def measure(self, at: int) -> dict[str, float]:
        """Return what each sensor of the board measures now, by its id; forget the code if the memory was lost."""
        if self._nature.faults.strikes(faults.RESET, at):
            self.memory.code = ""
        values = self._room.live(np.array([at], np.int64))
        return {own: float(values[metric][0]) for metric, own in self.ids.items()}

    async def cycle(self) -> float:
        """Wake up, speak, listen, and go to sleep."""
        nature, at = self._nature, self._nature.clock.now()
        measured = self.measure(at)
        if nature.faults.lasts(faults.WIFI, at):
            return nature.every_s
        client = f"ESP8266Client-{(nature.seed ^ at // SECOND) & 0xFFFF:x}"
        link = Link(self._door.host, self._door.port, self._door.key, client, keep_alive_s=15)
        await link.open()
        try:
            await self._speak(link, measured, at)
        finally:
            await link.close(polite=True)
        return nature.every_s

    async def stop(self) -> None:
        """Hang up: it does so each time."""

    async def _speak(self, link: Link, measured: Mapping[str, float], at: int) -> None:
        await link.subscribe(*(PROVISION + own for own in measured))
        for number, (own, value) in enumerate(measured.items()):
            if number:
                await self._nature.wait(min(BETWEEN_S, self._nature.every_s / 8))
            said = body({own: value}, self.memory.told())
            await link.say(DATA, said)
            if self._nature.faults.strikes(faults.TWICE, at + number):
                await link.say(DATA, said)
        await self._listen(link)

    async def _listen(self, link: Link) -> None:
        """Keep each code that comes while it is awake: the memory has room for the last one."""
        awake = min(LISTENS_S, self._nature.every_s / 2)
        for _ in self.ids:
            message = await link.hear(awake)
            if message is None:
                return
            self.memory.code = code_in(message[1]) or self.memory.code


class OldSensor(Sensor):
    """The generation before, over HTTP."""

    def __init__(self, nature: Nature, door: Door, room: Room, memory: Eeprom, metrics: Sequence[str] = ()) -> None:
        """Post to an address with the key of the enrolment in it."""
        super().__init__(nature, door, room, memory, metrics)
        self._http = Client(door.host, door.port, door.path(NAME), {"User-Agent": "ESP8266HTTPClient"})

    async def cycle(self) -> float:
        """Wake up, post, keep the code of every good answer, and go to sleep."""
        at = self._nature.clock.now()
        measured = self.measure(at)
        if self._nature.faults.lasts(faults.WIFI, at):
            return self._nature.every_s
        for _ in range(1 + self._nature.faults.strikes(faults.TWICE, at)):
            answer = await self._http.welcome("POST", "/sensors/create_sensor/", body(measured, self.memory.told()))
            if answer.status not in (200, 201):
                raise Lost(f"The server answered {answer.status}.")
            self.memory.code = code_in(answer.body) or self.memory.code
        await self._http.close()
        return self._nature.every_s

    async def stop(self) -> None:
        """Hang up."""
        await self._http.close()


def board(number: int) -> str:
    """Return what the ids of a board begin with."""
    return f"ESP8266_12F_{number:03d}_PROD"


def body(measured: Mapping[str, float], code: str) -> bytes:
    """Return what is said: each number with two decimals."""
    sensors = ",".join(f'{{"sensor_id":"{own}","sensor_data":{value:.2f}}}' for own, value in measured.items())
    return f'{{"sensors":[{sensors}],"code":"{code}"}}'.encode()


def code_in(told: bytes) -> str:
    """Return the code that a message brings; an empty one for none."""
    try:
        message: Any = json.loads(told)
    except ValueError:
        return ""
    code = message.get("code") if isinstance(message, dict) else None
    return code if isinstance(code, str) else ""
