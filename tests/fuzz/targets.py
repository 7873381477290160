"""What is fuzzed: each takes any bytes and may raise nothing; what it cannot take it must say in its own words."""

from collections.abc import Callable
from contextlib import suppress
from itertools import product

from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects import native
from verger.edges.wire.mqtt.encode import encode
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.packets import Connect, Publish
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.stream import Stream

LARGEST = 4096
_DEVICE, _PROGRAM = Manners(native.may_hear), Manners(bool, shared=True, identifiers=True, retained=True)
TOPICS = (
    "v1/devices/me/telemetry",
    "v1/devices/me/attributes",
    "v1/devices/me/events",
    "v1/devices/me/attributes/request/1",
    "v1/devices/me/rpc/request/1",
    "v1/devices/me/rpc/response/1",
    "v1/devices/me/claim",
    "v1/gateway/connect",
    "v1/gateway/disconnect",
    "v1/gateway/telemetry",
    "v1/gateway/attributes",
    "v1/gateway/attributes/request",
    "v1/gateway/rpc",
    "v1/gateway/claim",
    "/provision/request",
    "v2/t/p",
    "v2/fw/request/1/chunk/0",
)


def packets(raw: bytes) -> None:
    """Read bytes in two pieces at both levels; what was read can be written, and read again as the same."""
    for level in (4, 5):
        stream, middle = Stream(level, LARGEST), len(raw) // 2
        for packet in (*stream.feed(raw[:middle]), *stream.feed(raw[middle:])):
            again = Stream(stream.level, 1 << 20)
            assert again.feed(encode(packet, stream.level)) == [packet]


def session(raw: bytes) -> None:
    """Speak as a device and as a program to a session that lets anybody in, keeps all it hears, and sends something."""
    for level, manners in product((b"\x04", b"\x05"), (_DEVICE, _PROGRAM)):
        greeting = b"\0\x04MQTT" + level + b"\x02\0\0" + (b"\0" if level == b"\x05" else b"") + b"\0\0"
        machine = Session(manners, 0.0, Limits(packet_bytes=LARGEST))
        for chunk in (b"\x10" + bytes([len(greeting)]) + greeting, raw):
            for happened in machine.hear(chunk, 1.0, 64):
                if isinstance(happened, Connect):
                    machine.welcome(Memory(), "fuzz", 1.0, present=False)
                    machine.send(Message("t", b"once"), 2, 1.0)
                elif isinstance(happened, Publish) and happened.qos:
                    machine.acknowledge(happened.packet_id, happened.qos)
        assert len(machine.take()) <= 64 * LARGEST


def dialect(raw: bytes) -> None:
    """Read a message at a topic that its first byte names, else at the topic that it holds."""
    number, body = raw[0] if raw else 0, raw[1:]
    topic = TOPICS[number] if number < len(TOPICS) else body.decode(errors="replace")
    with suppress(Garbled):
        native.read("device", topic, body)


TARGETS: dict[str, Callable[[bytes], None]] = {each.__name__: each for each in (packets, session, dialect)}
