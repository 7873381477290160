"""The whole life of a plant-care Pi, over real sockets and to the byte: its client knows nothing of Verger."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import posted
from verger.base.clock import MINUTE, SECOND, HeldClock, moment
from verger.base.settings import Settings
from verger.edges.api.server import served

DEVICE, SECRET = "11111111-1111-1111-1111-111111111111", "demo-device-secret"
SOIL, AIR, WATER = (f"{letter * 8}-{letter * 4}-{letter * 4}-{letter * 4}-{letter * 12}" for letter in "abc")
PUMP, LAMP = "21111111-1111-1111-1111-111111111111", "31111111-1111-1111-1111-111111111111"
CHANNELS = {SOIL: "soil_moisture", AIR: "air_temperature", WATER: "water_level", PUMP: "pump", LAMP: "lamp"}


@dataclass
class Pi:
    """The client: what it sends and reads, as its own code does; `soil` is how wet its earth is."""

    port: int
    base: str
    now: Callable[[], datetime]
    token: str = ""
    expires_at: datetime | None = None
    soil: float = 42.0

    async def cycle(self) -> list[Any]:
        """Sign in if it has to, send three readings, fetch commands, and do and acknowledge them; return those."""
        try:
            await self.ensure_token()
            await self.send()
            return await self.obey()
        except OSError:
            self.token = ""
            raise

    async def ensure_token(self) -> None:
        if not self.token or self.expires_at is None or self.now() >= self.expires_at - timedelta(seconds=5):
            body = {"device_id": DEVICE, "device_secret": SECRET, "firmware_version": "1.0.0"}
            told = await self.asked("POST", "/auth/device", body)
            self.token, self.expires_at = told["access_token"], datetime.fromisoformat(told["expires_at"])

    async def send(self) -> None:
        at = self.now().isoformat()
        values = {SOIL: self.soil, AIR: 23.5, WATER: 75.0}
        told = await self.asked(
            "POST",
            "/telemetry",
            {"readings": [{"sensor_id": each, "timestamp": at, "value": value} for each, value in values.items()]},
        )
        assert told["accepted"] == 3

    async def obey(self) -> list[Any]:
        commands = await self.asked("GET", "/commands")
        assert isinstance(commands, list)
        for each in commands:
            name = {PUMP: "pump", LAMP: "lamp"}[each["actuator_id"]]
            if each["command"] == "pulse":
                self.soil += each["payload"]["duration"]
            feedback = {"actuator": name, "state": each["command"], "observed_at": self.now().isoformat()}
            body = {"command_id": each["id"], "status": "acked", "feedback": feedback}
            assert (await self.asked("POST", "/commands/ack", body))["status"] == "acked"
        return commands

    async def asked(self, method: str, path: str, body: Any = None) -> Any:
        """Send one request; raise OSError for anything but success, as the client does."""
        status, text = await self.sent(method, path, body)
        if status != 200:
            raise OSError(f"{status} {text!r}")
        return json.loads(text)

    async def sent(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        """Send one request on a connection of its own, with the headers that the client's library sends."""
        told = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {self.base}{path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: */*\r\n"
        head += "Accept-Encoding: gzip, deflate\r\nConnection: close\r\nUser-Agent: pi-client\r\n"
        if self.token:
            head += f"Authorization: Bearer {self.token}\r\n"
        if body is not None:
            head += f"Content-Length: {len(told)}\r\nContent-Type: application/json\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head.encode() + b"\r\n" + told)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        top, _, text = answer.partition(b"\r\n\r\n")
        return int(top.split(b" ", 2)[1]), text


@pytest_asyncio.fixture
async def port(product: Product) -> AsyncIterator[int]:
    settings = Settings.read({"VERGER_HTTP_HOST": "127.0.0.1", "VERGER_HTTP_PORT": "0"})
    async with served(product.app, settings, None) as ports:
        yield ports.plain


@pytest.fixture
def pi(port: int, clock: HeldClock) -> Pi:
    return Pi(port, "/compat/plant", lambda: datetime.fromtimestamp(clock.at / SECOND, UTC))


async def planted(product: Product) -> Any:
    """Add the Pi as it is, with the rule that waters it."""
    about = {"name": "Demo planter", "place": product.place["id"], "dialect": "plant", "address": DEVICE}
    made = await posted(product, "/devices", **about, secret=SECRET, channels=CHANNELS)
    device = made["device"]["id"]
    ids = {"device_id": DEVICE, "secret": SECRET}
    sensors = {"soil_moisture": SOIL, "air_temperature": AIR, "water_level": WATER}
    assert made["credentials"] == ids | {"sensor_ids": sensors, "actuator_ids": {"pump": PUMP, "lamp": LAMP}}
    dry = {"metric": "soil_moisture", "device": device, "is": "below", "value": 35}
    pulse = {"command": {"device": device, "method": "pump.pulse", "params": {"duration_s": 10}}}
    rule = {"name": "Water it", "place": product.place["id"], "when": dry, "then": [pulse], "rest_s": 1800}
    await posted(product, "/rules", **rule)
    return device


async def test_a_pi_boots_measures_is_watered_leaves_and_comes_back(product: Product, clock: HeldClock, pi: Pi) -> None:
    device = await planted(product)
    # before anybody signed in
    assert await pi.sent("GET", "/commands") == (401, b'{"detail":"Missing credentials"}')
    # it boots, and all is well
    assert await pi.cycle() == []
    assert pi.expires_at == moment(clock.at + 15 * MINUTE)
    assert await latest(product, device) == {"soil_moisture": 42, "air_temperature": 23.5, "water_level": 75}
    # its earth dries: the rule asks for water at the reading, and the next poll has it
    clock.at += MINUTE
    pi.soil = 30.5
    first = await pi.cycle()
    await product.house.oversight.followers.caught_up()
    (watered,) = first or await pi.obey()
    assert (watered["command"], watered["actuator_id"], watered["payload"]) == ("pulse", PUMP, {"duration": 10})
    assert datetime.fromisoformat(watered["created_at"]) == moment(clock.at)
    await product.house.oversight.followers.caught_up()
    command = await product.get(f"/commands/{watered['id']}")
    assert command["stage"] == "succeeded"
    assert command["asked_by"].startswith("rule:")
    stages = [step["stage"] for step in command["steps"]]
    assert stages == ["queued", "sent", "acknowledged", "succeeded"]
    assert (await product.get(f"/devices/{device}"))["attributes"]["reported"] == {"pump": "pulse"}
    # the effect is measured
    clock.at += MINUTE
    assert await pi.cycle() == []
    assert (await latest(product, device))["soil_moisture"] == 40.5
    await away_and_back(product, clock, pi, device)


async def away_and_back(product: Product, clock: HeldClock, pi: Pi, device: str) -> None:
    """Leave for longer than a token holds, and come back to what still holds of what was asked."""
    # what was asked meanwhile ends in time, what still holds waits
    clock.at += 40 * MINUTE
    asked = f"/devices/{device}/commands"
    lapsed = await posted(product, asked, method="lamp.on", ttl_s=60)
    clock.at += 2 * MINUTE
    waits = await posted(product, asked, method="lamp.off", ttl_s=3600)
    # its token has ended, and it comes back as it always does: with its secret
    clock.at += MINUTE
    assert (await pi.sent("GET", "/commands"))[0] == 401
    (lamp,) = await pi.cycle()
    assert (lamp["id"], lamp["command"], lamp["actuator_id"], lamp["payload"]) == (waits["id"], "off", LAMP, None)
    await product.house.oversight.followers.caught_up()
    assert (await product.get(f"/commands/{lapsed['id']}"))["stage"] != "succeeded"
    assert (await product.get(f"/devices/{device}"))["attributes"]["reported"] == {"pump": "pulse", "lamp": "off"}
    assert (await product.get(f"/devices/{device}"))["online"]


async def test_a_client_that_refreshes_comes_back_without_its_secret(
    product: Product, clock: HeldClock, pi: Pi
) -> None:
    await planted(product)
    body = {"device_id": DEVICE.upper(), "device_secret": SECRET}
    tokens = await pi.asked("POST", "/auth/device", body)
    for _ in range(3):
        clock.at += 20 * MINUTE
        pi.token = tokens["access_token"]
        assert (await pi.sent("GET", "/commands"))[0] == 401
        tokens = await pi.asked("POST", "/auth/device/refresh", {"refresh_token": tokens["refresh_token"]})
        pi.token = tokens["access_token"]
        assert await pi.asked("GET", "/commands") == []


async def latest(product: Product, device: str) -> dict[str, float]:
    await product.house.oversight.followers.caught_up()
    values = await product.get(f"/devices/{device}/latest")
    return {metric: each["value"] for metric, each in values.items()}
