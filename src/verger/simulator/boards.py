"""The older boards of mushroom farms, at home/#: they give no id, measure three things and move five, by plain words.

They speak every five seconds at QoS 0, and keep nothing while they are not heard.
"""

import json
from typing import Any

import numpy as np

from verger.base.clock import SECOND
from verger.simulator import faults
from verger.simulator.growing import Growing
from verger.simulator.life import Door, Nature
from verger.simulator.mqtt import Link

EVERY_S = 5.0
CLIENT = "ESP8266Client"
SENSORS, STATES, CONTROL = "home/sensors", "home/device_states", "home/control/"
LIGHT, FAN, SERVO, STEPPER, MOTOR = "light1", "fan1", "servo", "stepper", "dc_motor"
_FULL_ADC, _FULL_LUX, _LAMP_ADC = 1023, 800.0, 260


def client_of(number: int) -> str:
    """Return what the n-th board calls itself; one alone as its firmware does."""
    return CLIENT if number == 1 else f"{CLIENT}-{number}"


class Board:
    """One board in a room, whose fan it turns."""

    again_s = 5.0

    def __init__(self, nature: Nature, door: Door, room: Growing) -> None:
        """Know its broker."""
        self._nature, self.room = nature, room
        self._link = Link(door.host, door.port, door.key, client_of(nature.number), keep_alive_s=15)
        self.light, self.angle, self.stepper, self.motor = False, 0, "", "STOP"

    async def cycle(self) -> float:
        """Say what is measured, and do until it is time again what comes."""
        now = self._nature.clock.now()
        if self._nature.faults.lasts(faults.WIFI, now):
            await self._link.close()
            return self._nature.every_s
        if not self._link.is_open:
            await self._link.open()
            await self._link.subscribe(*(CONTROL + each for each in (LIGHT, FAN, SERVO, STEPPER, MOTOR)))
        said = self._measured(now)
        for _ in range(1 + self._nature.faults.strikes(faults.TWICE, now)):
            await self._link.say(SENSORS, said)
        await self._obey(now + round(self._nature.every_s * SECOND))
        return 0.0

    async def stop(self) -> None:
        """Hang up."""
        await self._link.close(polite=True)

    def _measured(self, now: int) -> bytes:
        told = {name: float(each[0]) for name, each in self.room.live(np.array([now], np.int64)).items()}
        adc = min(_FULL_ADC, round(told["light"] / _FULL_LUX * _FULL_ADC) + self.light * _LAMP_ADC)
        said = {"temperature": round(told["temperature"], 1), "humidity": round(told["humidity"], 1), "light": adc}
        return json.dumps(said).encode()

    async def _obey(self, until: int) -> None:
        """Do what comes, until it is time to measure again."""
        while (left := (until - self._nature.clock.now()) / SECOND) > 0:
            message = await self._link.hear(left)
            if message is None:
                return
            topic, words = message
            if self._nature.faults.strikes(faults.RELAY, self._nature.clock.now()):
                continue
            if state := self.do(topic.removeprefix(CONTROL), words.decode(errors="replace")):
                await self._link.say(STATES, json.dumps(state).encode())

    def do(self, what: str, word: str) -> dict[str, Any]:
        """Move something by a word; return how it stands then, nothing for what makes no sense to it."""
        if what == LIGHT:
            self.light = word == "on"
            return {LIGHT: self.light}
        if what == FAN:
            self.room.fan = word == "on"
            return {FAN: self.room.fan}
        if what == SERVO and word.isdecimal() and int(word) <= 180:
            self.angle = int(word)
            return {"servo_angle": self.angle}
        if what == STEPPER and word in {"LEFT", "RIGHT"}:
            self.stepper = word
            return {STEPPER: word}
        if what == MOTOR:
            self.motor = word if word in {"FORWARD", "BACKWARD"} else "STOP"
            return {MOTOR: self.motor}
        return {}
