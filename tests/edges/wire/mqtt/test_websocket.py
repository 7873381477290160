"""MQTT over WebSockets: the clients that people have, any fragmentation, and back-pressure both ways."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from tests.certificates import Authority
from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.client import Client, subscribe
from tests.edges.wire.mqtt.conftest import Impatient, Open
from tests.edges.wire.mqtt.test_clients import KEPT, LEVELS, TELEMETRY, Paho
from verger.base.proxies import Proxies
from verger.base.settings import Settings
from verger.base.tls import Files, Tls
from verger.edges.api.server import served
from verger.edges.wire.dialects.native import Ask, Wanted
from verger.edges.wire.mqtt import pipe
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import ConnAck, Connect, Disconnect, Packet, PubAck, Publish
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.websocket import MqttSocket


@dataclass
class Web:
    """A listener that is reached by WebSocket."""

    listener: Listener
    port: int
    authority: Authority | None = None


@pytest_asyncio.fixture
async def web(open_listener: Open) -> AsyncIterator[Web]:
    listener, _ = await open_listener()
    async with serving(listener) as port:
        yield Web(listener, port)
        await listener.stop()


@asynccontextmanager
async def serving(listener: Listener, tls: Tls | None = None) -> AsyncIterator[int]:
    """Serve a listener over WebSockets, as the product does; give the port, over TLS if there is a certificate."""
    settings = replace(Settings(), http_port=0, http_tls_port=0)
    async with served(MqttSocket(listener, Proxies(("127.0.0.1",))), settings, tls) as ports:
        yield ports.tls or ports.plain


class Browser:
    """A client machine on a WebSocket, whose messages are cut as the test says."""

    def __init__(self, socket_: ClientConnection, level: int = 5) -> None:
        self.client, self.socket = Client(level), socket_

    async def say(self, *packets: Packet) -> None:
        self.client.say(*packets)
        await self.flush()

    async def flush(self) -> None:
        if raw := self.client.take():
            await self.socket.send(raw)

    async def hear(self) -> Packet:
        while not self.client.got:
            raw = await self.socket.recv()
            assert isinstance(raw, bytes)
            self.client.hear(raw)
            await self.flush()
        return self.client.got.pop(0)

    async def begin(self, username: str = "token-d") -> ConnAck:
        await self.say(Connect("c", self.client.level, username=username, keep_alive=60))
        answer = await self.hear()
        assert isinstance(answer, ConnAck)
        return answer


def opened(port: int, *subprotocols: str, **more: Any) -> connect:
    """Open a WebSocket."""
    offered = [Subprotocol(word) for word in subprotocols or ("mqtt",)]
    return connect(f"ws://127.0.0.1:{port}/mqtt", subprotocols=offered, compression=None, **more)


def message(number: int) -> Publish:
    return Publish(TELEMETRY, b'{"t":%d}' % number, 1, number)


@LEVELS
async def test_paho_publishes_and_hears(web: Web, inbound: FakeInbound, version: str) -> None:
    paho = await asyncio.to_thread(Paho, web.port, version, transport="websockets")
    assert (await paho.next())[0] == "connected"
    for qos in (0, 1, 2):
        paho.client.publish(TELEMETRY, f'{{"t":{qos}}}', qos)
        assert (await paho.next())[0] == "published"
    paho.client.subscribe("v1/devices/me/rpc/request/+", 1)
    assert (await paho.next())[0] == "subscribed"
    assert web.listener.deliver("d", Ask(7, "on"))
    assert await paho.next() == ("message", "v1/devices/me/rpc/request/7")
    await paho.close()
    assert inbound.heard == KEPT


async def test_paho_over_tls(open_listener: Open, inbound: FakeInbound, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    listener, _ = await open_listener()
    async with serving(listener, Tls(Files(*authority.sign("server")))) as port:
        paho = await asyncio.to_thread(Paho, port, "mqttv5", tls=authority.client(), transport="websockets")
        assert (await paho.next())[0] == "connected"
        paho.client.publish(TELEMETRY, '{"t":0}', 1)
        assert (await paho.next())[0] == "published"
        await paho.close()
        await listener.stop()
    assert inbound.heard == KEPT[:1]


@pytest.mark.parametrize(("offered", "spoken"), [(["mqttv3.1"], "mqttv3.1"), (["x", "mqtt", "mqttv3.1"], "mqtt")])
async def test_the_first_subprotocol_that_is_ours_is_spoken(web: Web, offered: list[str], spoken: str) -> None:
    async with opened(web.port, *offered) as found:
        assert found.subprotocol == spoken
        assert (await Browser(found, 4).begin()).reason == 0


async def test_without_a_subprotocol_nobody_gets_in(web: Web) -> None:
    with pytest.raises(InvalidStatus):
        await opened(web.port, "bearer")
    assert web.listener.counts.connections == 0


async def test_text_is_not_mqtt(web: Web) -> None:
    async with opened(web.port) as found:
        await found.send("hello")
        with pytest.raises(ConnectionClosed) as closed:
            await found.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1003


@pytest.mark.parametrize("seed", range(12))
async def test_packets_may_be_cut_into_messages_and_frames_anywhere(web: Web, inbound: FakeInbound, seed: int) -> None:
    chance = random.Random(seed)
    level = chance.choice([4, 5])
    async with opened(web.port) as found:
        browser = Browser(found, level)
        await browser.begin()
        browser.client.say(*(message(number) for number in range(1, 91)))
        for said in pieces(chance, browser.client.take(), chance.choice([1, 7, 40, 4000])):
            frames = pieces(chance, said, chance.choice([1, 3, 50, 5000]))
            await found.send(frames if len(frames) > 1 else said)
        assert [await browser.hear() for _ in range(90)] == [PubAck(number) for number in range(1, 91)]
    assert len(inbound.heard) == 90


def pieces(chance: random.Random, raw: bytes, most: int) -> list[bytes]:
    """Return bytes cut at random, now and then with nothing between."""
    found, at = [], 0
    while at < len(raw):
        size = chance.randint(0, most)
        found.append(raw[at : at + size])
        at += size
    return found


async def test_a_stranger_is_known_by_the_address_that_the_proxy_tells(open_listener: Open) -> None:
    patience = Impatient()
    listener, _ = await open_listener(patience)
    async with serving(listener) as port, opened(port, additional_headers={"X-Forwarded-For": "203.0.113.9"}) as found:
        assert (await Browser(found).begin("nobody")).reason == Reason.NOT_AUTHORIZED
    assert patience.keys[0] == "address 203.0.113.9"


async def test_what_the_log_cannot_take_is_not_read(
    web: Web, inbound: FakeInbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verger.edges.wire.mqtt.connection.MOST_UNANSWERED", 5)
    rest = pipe.Pipe.rest
    async with opened(web.port, write_limit=1) as found:
        browser = Browser(found, 4)
        await browser.begin()
        inbound.open.clear()
        [line] = web.listener.lines
        rested = asyncio.Event()

        def told(*, wanted: bool) -> None:
            rest(line, wanted)
            if wanted:
                rested.set()

        monkeypatch.setattr(line, "rest", lambda wanted: told(wanted=wanted))
        for number in range(1, 101):
            await browser.say(message(number))
        await rested.wait()
        assert web.listener.counts.messages < 20
        inbound.open.set()
        assert [await browser.hear() for _ in range(100)] == [PubAck(number) for number in range(1, 101)]


async def test_a_device_that_does_not_read_is_given_up(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "SLOW_S", 0.01)
    monkeypatch.setattr(pipe, "MOST_UNREAD", 1000)
    async with opened(web.port, max_queue=1, close_timeout=0.1) as found:
        browser = Browser(found)
        await browser.begin()
        await browser.say(subscribe("v1/devices/me/attributes"))
        await browser.hear()
        [line] = web.listener.lines
        found.transport.pause_reading()
        async with asyncio.timeout(20):
            while not line.gone.is_set():
                web.listener.deliver("d", Wanted({"a": "x" * 60_000}), qos=0)
                with suppress(TimeoutError):
                    await asyncio.wait_for(line.gone.wait(), 0.001)
        found.transport.resume_reading()
    assert web.listener.counts.connections == 0


async def test_stopping_tells_everybody(web: Web, house: FakeHouse) -> None:
    async with opened(web.port) as found:
        browser = Browser(found)
        await browser.begin()
        stopping = asyncio.create_task(web.listener.stop())
        bye = await browser.hear()
        assert isinstance(bye, Disconnect)
        assert bye.reason == Reason.SERVER_SHUTTING_DOWN
        with pytest.raises(ConnectionClosed):
            await found.recv()
        await stopping
    with pytest.raises(InvalidStatus):
        await opened(web.port)
    assert house.presence == ["d came", "d went"]


async def test_a_device_that_breaks_off_is_gone(web: Web, house: FakeHouse) -> None:
    async with opened(web.port) as found:
        await Browser(found).begin()
        [line] = web.listener.lines
        found.transport.abort()
        async with asyncio.timeout(10):
            await line.gone.wait()
    assert house.presence == ["d came", "d went"]
