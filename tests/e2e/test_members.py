"""Programs at the door of the whole product, with the clients that people have, over a kill of the server."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.e2e.home import Home, said
from tests.e2e.waiting import PATIENCE_S

VERSIONS = {"mqttv311": MQTTProtocolVersion.MQTTv311, "mqttv5": MQTTProtocolVersion.MQTTv5}
BOTH = pytest.mark.parametrize("version", VERSIONS)


def make_key(home: Home, role: str = "member") -> dict[str, Any]:
    return dict(said(home.api.post("api-keys", json={"name": "Program", "role": role})))


class Program:
    """A paho client that waits for what it asked, and collects what it hears; its `will` is a topic and a body."""

    def __init__(
        self,
        home: Home,
        version: str,
        token: str,
        client_id: str,
        *,
        lasting: bool = False,
        will: tuple[str, str] | None = None,
    ) -> None:
        five = version == "mqttv5"
        clean = None if five else not lasting
        self.client = Client(CallbackAPIVersion.VERSION2, client_id, clean, protocol=VERSIONS[version])
        self.client.username_pw_set(token, "")
        self.heard: Queue[MQTTMessage] = Queue()
        self.granted: Queue[list[int]] = Queue()
        self.came: Queue[bool] = Queue()
        self.client.on_message = lambda _c, _u, message: self.heard.put(message)
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.granted.put([code.value for code in codes])
        self.client.on_connect = lambda _c, _u, flags, _r, _p: self.came.put(flags.session_present)
        if will is not None:
            self.client.will_set(*will, 1, retain=True)
        more: dict[str, Any] = {}
        if five:
            more = {"clean_start": not lasting, "properties": Properties(PacketTypes.CONNECT)}  # type: ignore[no-untyped-call]
            more["properties"].SessionExpiryInterval = 600 if lasting else 0
        self.client.connect("127.0.0.1", home.server.mqtt, **more)
        self.client.loop_start()
        self.present = self.came.get(timeout=PATIENCE_S)

    def listen(self, topic: str, qos: int = 2) -> list[int]:
        self.client.subscribe(topic, qos)
        return self.granted.get(timeout=PATIENCE_S)

    def post(self, topic: str, body: str, qos: int = 2, *, retain: bool = False) -> None:
        message = self.client.publish(topic, body, qos, retain)
        message.wait_for_publish(PATIENCE_S)
        assert message.is_published()

    def next(self) -> tuple[str, str]:
        message = self.heard.get(timeout=PATIENCE_S)
        return message.topic, message.payload.decode()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        # Without these nothing goes in a circle, and its sockets are closed as soon as nobody has it any more.
        self.client.on_message = self.client.on_subscribe = self.client.on_connect = None


@contextmanager
def program(home: Home, version: str, token: str, client_id: str, *, lasting: bool = False) -> Iterator[Program]:
    made = Program(home, version, token, client_id, lasting=lasting)
    yield made
    made.close()


@BOTH
def test_what_was_acknowledged_to_a_program_outlives_a_kill_and_comes_once(home: Home, version: str) -> None:
    key = make_key(home)["token"]
    with program(home, version, key, "away", lasting=True) as away:
        assert away.listen("orders/#") == [2]
    with program(home, version, key, "writer") as writer:
        for number in range(50):
            writer.post("orders/new", str(number))
        writer.post("state/oven", "on", retain=True)
    home.server.kill()
    home.server.start()
    with program(home, version, key, "away", lasting=True) as away, program(home, version, key, "late") as late:
        assert away.present
        assert [away.next() for _ in range(50)] == [("orders/new", str(number)) for number in range(50)]
        late.listen("state/+")
        assert late.next() == ("state/oven", "on")
        late.post("orders/new", "last")
        assert away.next() == ("orders/new", "last")
    with program(home, version, key, "away", lasting=True) as away:
        assert away.present
        assert away.heard.empty()


@BOTH
def test_a_program_hears_what_its_devices_say_and_a_key_that_ends_lets_it_go(home: Home, version: str) -> None:
    key, thing = make_key(home, "viewer"), home.add_device()
    with program(home, version, key["token"], "viewer") as viewer:
        assert viewer.listen("devices/+/readings", 1) == [1]
        assert viewer.listen(f"devices/{thing.id}/events", 1) == [1]
        home.tell(thing, {"ts": 1_790_000_000_000, "values": {"t": 21.5}})
        topic, body = viewer.next()
        assert (topic, json.loads(body)) == (
            f"devices/{thing.id}/readings",
            {"at": 1790000000000, "values": {"t": 21.5}},
        )
        home.tell(thing, {"kind": "door.opened", "id": "7"}, "events")
        topic, body = viewer.next()
        assert (topic, json.loads(body)["kind"]) == (f"devices/{thing.id}/events", "door.opened")
        gone: Queue[bool] = Queue()
        viewer.client.on_disconnect = lambda *_: gone.put(True)  # noqa: FBT003  it is only to be there
        assert home.api.delete(f"api-keys/{key['id']}").is_success
        assert gone.get(timeout=PATIENCE_S)


@pytest.mark.needs("mosquitto_sub")
@BOTH
def test_mosquitto_retains_and_shares(home: Home, version: str) -> None:
    key = make_key(home)["token"]

    def run(name: str, *words: str) -> str:
        given = [name, "-p", str(home.server.mqtt), "-V", version, "-u", key, "-q", "2", *words]
        return subprocess.run(given, check=True, timeout=PATIENCE_S, capture_output=True, text=True).stdout

    run("mosquitto_pub", "-t", "state/lamp", "-m", "on", "-r")
    assert run("mosquitto_sub", "-t", "state/#", "-C", "1", "-v") == "state/lamp on\n"
    with program(home, version, key, "a") as one, program(home, version, key, "b") as other:
        for each in (one, other):
            assert each.listen("$share/g/jobs/+") == [2]
        for number in range(4):
            run("mosquitto_pub", "-t", f"jobs/{number}", "-m", f"job {number}")
        assert [each.next()[1] for each in (one, other, one, other)] == [f"job {number}" for number in range(4)]


@pytest.mark.needs("mosquitto_sub")
def test_a_port_lets_programs_without_a_credential_in_as_its_key(home: Home, free_port: int) -> None:
    key = make_key(home)
    home.server.stop()
    home.server.settings["mqtt_listeners"] = f"{free_port}:{key['id']}"
    home.server.start()

    def run(name: str, port: int, *words: str) -> tuple[int, str]:
        given = [name, "-p", str(port), "-V", "mqttv5", "-q", "1", *words]
        done = subprocess.run(given, check=False, timeout=PATIENCE_S, capture_output=True, text=True)
        return done.returncode, done.stdout

    assert run("mosquitto_pub", free_port, "-t", "state/lamp", "-m", "on", "-r")[0] == 0
    assert run("mosquitto_sub", home.server.mqtt, "-u", key["token"], "-t", "#", "-C", "1") == (0, "on\n")
    assert run("mosquitto_pub", home.server.mqtt, "-t", "state/lamp", "-m", "off")[0] != 0


@pytest.fixture
def free_port() -> int:
    """Return a port that nobody listened to a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
