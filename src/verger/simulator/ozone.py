"""Ozone machines of three generations: forms over HTTP, MQTT, and the successor with its tokens and commands.

All count each treatment as its button is pressed. The first two send it once and forget it, heard or not; the successor
keeps it until it was acknowledged. Clocks are on the wall, eight hours from UTC; one that was never set says so.
"""

import json
from collections import deque
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, urlencode

from verger.base.clock import SECOND
from verger.simulator import faults
from verger.simulator.http import Answer, Client
from verger.simulator.life import Door, Nature
from verger.simulator.mqtt import Link, Lost, NotWelcome
from verger.simulator.treatments import HOURS_FROM_UTC, KINDS, Counters, Treatment, pressed

NAME = "ozone"
STATUS, EVENTS, COMMANDS = "telemetry/status/", "telemetry/events/", "telemetry/commands/"
UNSET = "RTC_UNAVAILABLE"
EVERY_S, POLLS_S = 60.0, 30.0
FIRMWARE = "1.0.0-sim"
MOST_KEPT = 10_000

_ZONE = timezone(timedelta(hours=HOURS_FROM_UTC))


class Machine:
    """What machines of all generations have: a MAC, a clock, buttons and counters."""

    again_s = 5.0

    def __init__(self, nature: Nature, counters: Counters | None = None) -> None:
        """Be switched on now."""
        self.mac = mac(nature.seed)
        self.counters = counters or Counters()
        self.nature = nature
        self.clock_set = not nature.faults.holds(faults.CLOCK)
        self.begun = self._upto = nature.clock.now()
        self.lost: list[Treatment] = []

    def press(self, now: int) -> list[Treatment]:
        """Return the treatments up to now, each counted."""
        if self.nature.faults.strikes(faults.RESET, now):
            self.counters.reset()
        since, self._upto = self._upto, now + 1
        return [self.counters.count(each) for each in pressed(self.nature.seed, since, now + 1)]

    def wall(self, at: int) -> str:
        """Return a time as its clock tells it."""
        return f"{datetime.fromtimestamp(at / SECOND, _ZONE):%Y-%m-%d %H:%M:%S}" if self.clock_set else UNSET

    def out_of_reach(self, now: int) -> bool:
        """Whether it has no Wi-Fi just now."""
        return self.nature.faults.lasts(faults.WIFI, now)

    def pause(self, now: int) -> float:
        """Return the seconds until its next word: at a press, and else each `every_s`."""
        horizon = now + round(self.nature.every_s * SECOND)
        coming = pressed(self.nature.seed, now + 1, horizon)
        return ((coming[0][1] if coming else horizon) - now) / SECOND

    @property
    def counts(self) -> dict[str, int]:
        """Return its counters by the names that it sends them under."""
        return {kind.lower(): self.counters.counts[kind] for kind in KINDS}


class OverMqtt(Machine):
    """The machine that most people have."""

    def __init__(self, nature: Nature, door: Door, counters: Counters | None = None) -> None:
        """Know its broker."""
        super().__init__(nature, counters)
        self._link = Link(door.host, door.port, door.key, f"OzonTelemetry_{self.mac}", keep_alive_s=15)
        self._told_at = 0

    async def cycle(self) -> float:
        """Say what was pressed, and how it stands if that is due."""
        now = self.nature.clock.now()
        done = self.press(now)
        if self.out_of_reach(now):
            self.lost += done
            await self._link.close()
            return self.pause(now)
        try:
            if not self._link.is_open:
                await self._link.open()
                await self._link.subscribe(COMMANDS + self.mac)
                self._told_at = 0
            for each in done:
                await self._event(each)
            if now - self._told_at >= (self.nature.every_s - 0.5) * SECOND:
                await self._link.say(STATUS + self.mac, self.status(now))
                self._told_at = now
        except Lost:
            self.lost += done
            raise
        return self.pause(now)

    async def stop(self) -> None:
        """Hang up."""
        await self._link.close(polite=True)

    async def _event(self, one: Treatment) -> None:
        data = {"event_type": one.kind, "count": 1}
        said = _compact({"device_id": self.mac, "timestamp": self.wall(one.at), "type": "event", "data": data})
        for _ in range(1 + self.nature.faults.strikes(faults.TWICE, one.at)):
            await self._link.say(EVENTS + self.mac, said)

    def status(self, now: int) -> bytes:
        """Return how it stands."""
        data: dict[str, Any] = {f"{name}_count": count for name, count in self.counts.items()}
        data |= {"wifi_connected": True, "rtc_available": self.clock_set}
        return _compact({"device_id": self.mac, "timestamp": self.wall(now), "type": "status", "data": data})


class ByForm(Machine):
    """The first generation: forms, to an address that is built in."""

    def __init__(self, nature: Nature, door: Door, counters: Counters | None = None) -> None:
        """Know its server."""
        super().__init__(nature, counters)
        self._http = Client(door.host, door.port, door.path(NAME), {"User-Agent": "ESP32HTTPClient"})

    async def cycle(self) -> float:
        """Post what was pressed, and how it stands; any answer is taken for success."""
        now = self.nature.clock.now()
        done = self.press(now)
        if self.out_of_reach(now):
            self.lost += done
            return self.pause(now)
        try:
            for each in done:
                form = self.form(each.kind, each.at)
                for _ in range(1 + self.nature.faults.strikes(faults.TWICE, each.at)):
                    await self._post(form)
            await self._post(self.form("status", now))
        except Lost:
            self.lost += done
            raise
        return self.pause(now)

    async def stop(self) -> None:
        """Hang up."""
        await self._http.close()

    def form(self, mode: str, at: int) -> bytes:
        """Return what it posts."""
        fields = {"mode": mode, "macaddr": self.mac}
        fields |= {f"type{n}": "0" for n in (1, 2, 3)}
        fields |= {f"count{n}": str(count) for n, count in enumerate(self.counts.values(), 1)}
        fields["timestamp"] = self.wall(at)
        if mode == "status":
            fields |= {"rtc_available": str(self.clock_set).lower(), "sd_available": "false"}
        return urlencode(fields).encode()

    async def _post(self, form: bytes) -> None:
        answer = await self._http.ask("POST", "/api/iot/", form, {"Content-Type": "application/x-www-form-urlencoded"})
        if answer.status in (401, 403):
            raise NotWelcome(f"The server answered {answer.status}.")
        if not answer.fine:
            raise Lost(f"The server answered {answer.status}.")


class Successor(Machine):
    """The generation after: it signs in by a handshake, keeps what was not acknowledged, and does what it is told."""

    again_s = 15.0

    def __init__(self, nature: Nature, door: Door, counters: Counters | None = None) -> None:
        """Know its server, and have no token yet."""
        super().__init__(nature, counters)
        self._http = Client(door.host, door.port, door.path(NAME))
        self._token = ""
        self.waiting: deque[tuple[Treatment, str]] = deque(maxlen=MOST_KEPT)

    async def cycle(self) -> float:
        """Upload what was pressed, the oldest first, and do what it is told."""
        now = self.nature.clock.now()
        self.waiting.extend((each, self._event_id(each)) for each in self.press(now))
        if self.out_of_reach(now):
            return self.pause(now)
        if not self._token:
            await self._handshake()
        while self.waiting:
            await self._upload(*self.waiting[0])
            self.waiting.popleft()
        told = (await self._asked("GET", f"/api/device/{quote(self.mac)}/commands/")).told()
        for each in told["commands"]:
            await self._do(each)
        return self.pause(now)

    async def stop(self) -> None:
        """Hang up."""
        await self._http.close()

    async def _handshake(self) -> None:
        told = _compact({"mac": self.mac, "firmware": FIRMWARE})
        answer = await self._http.welcome("POST", "/api/handshake/", told)
        self._token = str(answer.told().get("token") or "")

    async def _upload(self, one: Treatment, event_id: str) -> None:
        told = {
            "device_id": self.mac,
            "firmware": FIRMWARE,
            "event_id": event_id,
            "event": "treatment",
            "treatment": one.kind,
            "counter": one.counter,
            "ts": self.wall(one.at),
            "current_counters": self.counts,
        }
        for _ in range(1 + self.nature.faults.strikes(faults.TWICE, one.at)):
            answer = await self._asked("POST", "/api/device/events/", _compact(told))
            if answer.told().get("ack") is not True:
                raise Lost("The server did not acknowledge a treatment.")

    async def _do(self, command: dict[str, Any]) -> None:
        done, message = self.obey(str(command["command_type"]))
        told = {"success": done, "message": message, "timestamp": self.nature.clock.now() // 1000}
        number = quote(str(command["command_id"]))
        body = _compact(told | {"current_counters": self.counts})
        await self._asked("POST", f"/api/device/{quote(self.mac)}/commands/{number}/", body)

    def obey(self, command: str) -> tuple[bool, str]:
        """Do a command; return whether that went well, and what to say of it."""
        if self.nature.faults.strikes(faults.RELAY, self.nature.clock.now()):
            return False, "Relay does not respond"
        match command:
            case "RESET_COUNTERS" | "CLEAR_MEMORY":
                self.counters.reset()
            case "CLEAR_QUEUE":
                self.waiting.clear()
            case "SYNC_TIME":
                self.clock_set = True
            case "GET_STATUS" | "UPDATE_SETTINGS" | "REBOOT_DEVICE":
                pass
            case _:
                return False, f"{command} is not supported"
        return True, f"{command} executed"

    async def _asked(self, method: str, path: str, body: bytes | None = None) -> Answer:
        """Ask with the token; with a new one, once, where that was not taken."""
        for _ in range(2):
            more = {"Content-Type": "application/json"} if body is not None else {}
            answer = await self._http.ask(method, path, body, more | {"Authorization": f"Bearer {self._token}"})
            if answer.status != 401:
                return answer
            await self._handshake()
        raise Lost("The server takes no token of this machine.")

    def _event_id(self, one: Treatment) -> str:
        up = (one.at - self.begun) // SECOND
        bare = self.mac.replace(":", "")
        return f"{bare}-{one.kind[0]}{self.counters.resets:03d}{max(0, up):08d}{one.counter:06d}"


def mac(seed: int) -> str:
    """Return the MAC of a machine, in upper case with colons."""
    return ":".join(f"{each:02X}" for each in (0x3C, 0x8A, *(seed & 0xFFFFFFFF).to_bytes(4, "big")))


def _compact(told: dict[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
