"""Treatment machines of both generations as their firmware is, on real sockets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import stranger
from tests.edges.wire.families.esp32 import Esp32
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from verger.base.clock import SECOND, HeldClock
from verger.edges.wire.mqtt.packets import PubAck, Publish, SubAck

MAC = "3C:8A:1F:A4:3E:C4"
KINDS = ("basic", "standard", "premium")
HERE, THERE = ZoneInfo("Asia/Kuala_Lumpur"), ZoneInfo("America/Lima")


@dataclass
class Machine:
    """What both generations have: buttons, counters that outlast everything, and a clock on the wall, if it is set."""

    clock: HeldClock
    zone: ZoneInfo = HERE
    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    clock_set: bool = True

    @property
    def now(self) -> str:
        """Return the time as it writes it."""
        at = datetime.fromtimestamp(self.clock.at / SECOND, self.zone)
        return f"{at:%Y-%m-%d %H:%M:%S}" if self.clock_set else "RTC_UNAVAILABLE"


@dataclass
class First(Machine):
    """The first generation over MQTT: sends once, at QoS 0, and forgets; it prints commands, and no more."""

    line: Device | None = None

    @asynccontextmanager
    async def connected(self, product: Product, key: str) -> AsyncIterator[None]:
        """Be on the network for a while; the status is told at once."""
        async with stranger(product, key, f"OzonTelemetry_{MAC}") as self.line:
            assert (await self.line.begin()).reason == 0
            assert isinstance(await self.line.ask(subscribe(f"telemetry/commands/{MAC}")), SubAck)
            await self.stand()
            yield
        self.line = None

    async def stand(self) -> None:
        """Tell the status, as every minute."""
        data = {f"{kind}_count": number for kind, number in self.counters.items()}
        data |= {"wifi_connected": True, "rtc_available": self.clock_set}
        await self.send("status", {"device_id": MAC, "timestamp": self.now, "type": "status", "data": data})

    async def press(self, kind: str) -> None:
        """Count a treatment, and tell of it if there is a network."""
        self.counters[kind] += 1
        data = {"event_type": kind.upper(), "count": 1}
        await self.send("events", {"device_id": MAC, "timestamp": self.now, "type": "event", "data": data})

    async def send(self, what: str, told: dict[str, Any]) -> None:
        """Send a message, and see by a test of the way that it has arrived."""
        if self.line is None:
            return
        body = json.dumps(told, separators=(",", ":")).encode()
        assert len(body) < 256 - 40
        await self.line.say(Publish(f"telemetry/{what}/{MAC}", body))
        await self.line.say(Publish("test/ozon_telemetry", b"{}", 1, 77))
        while not isinstance(await self.line.hear(), PubAck):
            """Hear the echo."""


@dataclass
class Second(Machine):
    """The successor over HTTP: shakes hands, keeps what it could not send, polls, and does what it is told."""

    http: Esp32 = field(default_factory=lambda: Esp32(0))
    base: str = ""
    token: str = ""
    resets: int = 0
    queue: list[dict[str, Any]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    async def ask(self, path: str, told: Any = None, *, again: bool = True) -> Any:
        """Ask once, and once more with a fresh token where the old one does not hold."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        content = json.dumps(told) if told is not None else ""
        if told is None:
            answer = await self.http.ask_with("GET", self.base + path, headers)
        else:
            answer = await self.http.post(self.base + path, content=content, headers=headers)
        if answer.status_code == 401 and again:
            await self.shake()
            return await self.ask(path, told, again=False)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    async def shake(self) -> Any:
        """Shake hands; a token that it has is kept where that is refused."""
        body = json.dumps({"mac": MAC, "firmware": "1.0.0-sim"})
        answer = await self.http.post(
            f"{self.base}/api/handshake/", content=body, headers={"Content-Type": "application/json"}
        )
        told = json.loads(answer.text)
        self.token = told["token"] if answer.status_code == 200 else self.token
        return told

    def press(self, kind: str) -> None:
        """Count a treatment, and keep it until it is acknowledged."""
        self.counters[kind] += 1
        seconds = self.clock.at // SECOND % 100_000_000
        number = f"{MAC}-{kind[0].upper()}{self.resets:03}{seconds:08}{self.counters[kind]:06}"
        told: dict[str, Any] = {"device_id": MAC, "firmware": "1.0.0-sim", "event_id": number}
        told |= {"event": "treatment", "treatment": kind.upper(), "counter": self.counters[kind], "ts": self.now}
        self.queue.append(told | {"current_counters": dict(self.counters)})

    async def upload(self, times: int = 1) -> None:
        """Send what waits, each so many times, as after an answer that was lost."""
        while self.queue:
            told = self.queue.pop(0)
            for _ in range(times):
                assert await self.ask("/api/device/events/", told) == {"ack": True, "event_id": told["event_id"]}

    async def poll(self) -> None:
        """Fetch commands, do them, and tell what became of each."""
        path = f"/api/device/{MAC}/commands/"
        for command in (await self.ask(path))["commands"]:
            self.done.append(command["command_type"])
            if command["command_type"] == "RESET_COUNTERS":
                self.counters, self.resets = dict.fromkeys(KINDS, 0), self.resets + 1
            counters = dict(self.counters)
            told = {"success": True, "message": "done", "timestamp": 1, "current_counters": counters}
            answer = await self.ask(f"{path}{command['command_id']}/", told)
            assert answer == {"status": "updated", "command_id": command["command_id"], "success": True}
