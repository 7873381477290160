"""Devices over TLS, with an access token or a certificate."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.certificates import Authority
from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.conftest import Open
from tests.edges.wire.mqtt.device import Device
from tests.edges.wire.mqtt.test_clients import LEVELS, TELEMETRY, Paho, run
from verger.base.certificates import fingerprint
from verger.base.tls import Files, Tls
from verger.domain.telemetry.model import Heard, Readings
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.packets import Disconnect
from verger.edges.wire.mqtt.reasons import Reason

KEPT = [Heard("d", (Readings({"t": 1.0}),))]


@dataclass
class Encrypted:
    """A listener with a certificate, and the authority that signed it and those of devices."""

    authority: Authority
    port: int

    def shown(self, name: str, house: FakeHouse, device: str = "d") -> tuple[Path, Path]:
        """Return a certificate that the house knows a device by."""
        signed = self.authority.sign(name)
        house.certificates[fingerprint(signed[0].read_text())] = device
        return signed


@pytest_asyncio.fixture
async def encrypted(open_listener: Open, tmp_path: Path) -> AsyncIterator[Encrypted]:
    authority = Authority(tmp_path)
    listener, _ = await open_listener()
    tls = Tls(Files(*authority.sign("server"), authority.path))
    yield Encrypted(authority, await listener.listen("127.0.0.1", 0, tls.context(asks=True)))


@pytest.mark.needs("mosquitto_pub")
@LEVELS
async def test_mosquitto_pub_by_its_token(encrypted: Encrypted, inbound: FakeInbound, version: str) -> None:
    words = ("--cafile", str(encrypted.authority.path), "-u", "token-d", "-t", TELEMETRY, "-q", "1", "-m", '{"t":1}')
    assert await run("mosquitto_pub", encrypted.port, version, *words) == (0, "")
    assert inbound.heard == KEPT


@pytest.mark.needs("mosquitto_pub")
@pytest.mark.parametrize("user", [(), ("-u", "nobody"), ("-u", "token-other"), ("-u", "?any")])
async def test_mosquitto_pub_by_its_certificate_which_outranks_a_user_name(
    encrypted: Encrypted, house: FakeHouse, inbound: FakeInbound, user: tuple[str, ...]
) -> None:
    cert, key = encrypted.shown("hall", house)
    words = ("--cafile", str(encrypted.authority.path), "--cert", str(cert), "--key", str(key), *user)
    assert await run(
        "mosquitto_pub", encrypted.port, "mqttv311", *words, "-t", TELEMETRY, "-q", "1", "-m", '{"t":1}'
    ) == (0, "")
    assert inbound.heard == KEPT


@LEVELS
async def test_paho_by_its_certificate(
    encrypted: Encrypted, house: FakeHouse, inbound: FakeInbound, version: str
) -> None:
    by = encrypted.authority.client(encrypted.shown("hall", house))
    paho = await asyncio.to_thread(Paho, encrypted.port, version, None, by)
    assert (await paho.next())[0] == "connected"
    paho.client.publish(TELEMETRY, '{"t":1}', 1)
    assert (await paho.next())[0] == "published"
    await paho.close()
    assert inbound.heard == KEPT


async def test_a_certificate_that_nobody_knows_leaves_it_to_the_user_name(
    encrypted: Encrypted, inbound: FakeInbound
) -> None:
    stranger = encrypted.authority.client(encrypted.authority.sign("stranger"))
    async with Device(encrypted.port, tls=stranger) as device:
        assert (await device.begin()).reason == 0
    async with Device(encrypted.port, tls=stranger, username="nobody") as device:
        assert (await device.begin()).reason == Reason.NOT_AUTHORIZED
    assert inbound.heard == []


async def test_a_device_over_tls_is_told_when_verger_stops(open_listener: Open, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    listener, _ = await open_listener()
    port = await listener.listen("127.0.0.1", 0, Tls(Files(*authority.sign("server"))).context())
    async with Device(port, tls=authority.client()) as device:
        await device.begin()
        stopping = asyncio.create_task(listener.stop())
        bye = await device.hear()
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.SERVER_SHUTTING_DOWN
        assert await device.hear() is None
        device.writer.close()
        await stopping
    assert listener.counts.connections == 0


async def test_whoever_does_not_finish_greeting_is_let_go(open_listener: Open, tmp_path: Path) -> None:
    listener, _ = await open_listener(limits=Limits(connect_s=0.05))
    tls = Tls(Files(*Authority(tmp_path).sign("server")))
    reader, writer = await asyncio.open_connection("127.0.0.1", await listener.listen("127.0.0.1", 0, tls.context()))
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()
