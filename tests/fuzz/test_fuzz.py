"""No bytes make an exception escape, take long, or take much memory."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.edges.wire.mqtt.strategies import packets as any_packets
from tests.fuzz.targets import TARGETS, TOPICS
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.packets import (
    Auth,
    Connect,
    Disconnect,
    Filter,
    Packet,
    PingReq,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    Subscribe,
    Unsubscribe,
    Will,
)

ROOT = Path(__file__).parent.parent.parent
MESSAGES = (
    b'{"t":1.5,"name":"x","deep":{"a":[1,null]}}',
    b'[{"ts":1772366400000,"values":{"t":1e308}},{"ts":"1","values":{}}]',
    b'{"Device A":[{"ts":1,"values":{"t":1}}],"Device B":[{"t":"2"}]}',
    b'{"device":"A","data":{"id":1,"method":"m","params":{}}}',
    b'{"deviceName":"d","provisionDeviceKey":"k","provisionDeviceSecret":"s"}',
    b'{"id":1,"device":"A","client":["a"],"shared":["b"],"clientKeys":"a,b"}',
    b'{"kind":"door.opened","at":"2026-03-01T12:00:00Z","id":"e1","data":{}}',
)
DEEP = b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
OF_FAMILIES = (
    b'{"status":"\\ud800","command_id":"\\ud800"}',
    b'{"readings":[{"sensor_id":"s","value":"\\ud800"},{"sensor_id":"s","value":1,"timestamp":"9999-12-31"}]}',
    b'{"readings":[{"sensor_id":"s","value":' + DEEP + b"}]}",
    b'{"device_id":"\\ud800","timestamp":"0001-01-01T00:00:00","status":"\\ud800"}',
    b'{"device_id":"AA:BB:CC:DD:EE:FF","event_type":"treatment","data":{"basic_count":1}}',
    b'{"sensors":[{"sensor_id":"\\ud800","sensor_data":1}],"code":"\\ud800"}',
    b'{"device_id":"o","current_a":1,"current_b":1e400,"relay_a":true,"ccu_id":"c","current_ma":' + b"9" * 500 + b"}",
    DEEP,
)
PACKETS: tuple[Packet, ...] = (
    Connect("fuzz", 5, keep_alive=60, username="u", password=b"p", will=Will("t", b"w", 1)),
    Publish("v1/devices/me/telemetry", b"{}", 1, 7),
    PubAck(7),
    PubRec(7),
    PubRel(7),
    PubComp(7),
    Subscribe(8, (Filter("v1/devices/me/rpc/request/+", 1),)),
    Unsubscribe(9, ("a", "b")),
    PingReq(),
    Disconnect(),
    Auth(0x18),
)


def sow(corpus: Path) -> None:
    """Give the fuzzer something to begin with."""
    corpus.mkdir()
    for number, message in enumerate(MESSAGES * 2):
        (corpus / f"message{number}").write_bytes(bytes([number % len(TOPICS)]) + message)
    for number, message in enumerate(OF_FAMILIES):
        (corpus / f"family{number}").write_bytes(message)
        (corpus / f"body{number}").write_bytes(b"application/json\n" + message)
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    (corpus / "form").write_bytes(b"multipart/form-data; boundary=b\n" + part)
    for topic in range(len(TOPICS)):
        (corpus / f"topic{topic}").write_bytes(bytes([topic]) + MESSAGES[topic % len(MESSAGES)])
    for level in (4, 5):
        for packet in PACKETS[: len(PACKETS) - (level == 4)]:
            (corpus / f"{packet.kind.name}{level}").write_bytes(encode(packet, level))


def fuzz(target: str, folder: Path, seconds: int) -> None:
    """Fuzz a target; fail with what was found."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed")
    sow(folder / "corpus")
    # By way of a shell: a process is charged with the memory of whoever began it, and this one may hold much.
    shell = ["sh", "-c", '"$@"; exit $?', "sh"]
    command = [*shell, sys.executable, "-m", "tests.fuzz.run", target, str(seconds), str(folder / "corpus")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, errors="replace")
    assert done.returncode == 0, done.stdout + done.stderr[-4000:]
    assert "Done " in done.stderr


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_seconds_of_fuzzing_find_nothing(target: str, tmp_path: Path) -> None:
    fuzz(target, tmp_path, 4)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", TARGETS)
def test_five_minutes_of_fuzzing_find_nothing(target: str, tmp_path: Path) -> None:
    fuzz(target, tmp_path, 300)


@pytest.mark.parametrize("target", TARGETS)
def test_half_characters_and_deep_nesting_are_refused_in_each_familys_words(target: str) -> None:
    for message in OF_FAMILIES:
        for begins in (b"", b"\0", b"\1", b"application/json\n", b"text/plain\n"):
            TARGETS[target](begins + message)


@given(st.integers(0, len(TOPICS)), st.binary(max_size=200) | st.sampled_from(MESSAGES))
def test_any_bytes_at_any_topic_are_read_or_refused(topic: int, body: bytes) -> None:
    TARGETS["dialect"](bytes([topic]) + body)


@settings(max_examples=50)
@given(
    st.lists(
        st.sampled_from([4, 5]).flatmap(lambda level: any_packets(level).map(lambda p: encode(p, level))), max_size=4
    )
)
def test_any_packets_in_any_order_are_heard_or_end_the_session(raws: list[bytes]) -> None:
    TARGETS["session"](b"".join(raws))
