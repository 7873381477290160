"""What is fuzzed: each takes any bytes and may raise nothing; what it cannot take it must say in its own words."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC
from functools import partial
from itertools import product

import msgspec

from verger.base.errors import Invalid
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message
from verger.domain.telemetry.model import Garbled
from verger.edges.api.bodies import decode
from verger.edges.api.places import NewPlace
from verger.edges.api.rules import WrittenRule
from verger.edges.wire.dialects import cottage as cottages
from verger.edges.wire.dialects import farm as farms
from verger.edges.wire.dialects import farm_board, native
from verger.edges.wire.dialects import outlet as outlets
from verger.edges.wire.dialects import ozone as machines
from verger.edges.wire.dialects import plant as plants
from verger.edges.wire.dialects.family import Family, Frame, Voice
from verger.edges.wire.families import ozone_shapes
from verger.edges.wire.families.call import Call
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


def _at(topics: Sequence[str], raw: bytes) -> Frame:
    """Return a message at the topic that its first byte names."""
    return Frame(topics[(raw[0] if raw else 0) % len(topics)], raw[1:])


def _spoken(family: Family, topics: Sequence[str], raw: bytes) -> None:
    """Read a message of a family; what was understood can be written down, and sent on."""
    frame = _at(topics, raw)
    if family.hears(frame.topic):
        with suppress(Garbled):
            _keepable(family.read(frame, UTC).voice)


def _keepable(voice: Voice | None) -> None:
    """See that what a device says can be written down, as the log and the database do."""
    if voice is not None:
        msgspec.json.encode([voice.address, voice.secret, voice.channels, voice.path, voice.gateway])
        for said in voice.said:
            msgspec.msgpack.encode(said)


def cottage(raw: bytes) -> None:
    """Read a message of CottagePilot's sensors, over MQTT and over HTTP."""
    _spoken(cottages.FAMILY, (cottages.DATA,), b"\0" + raw)
    with suppress(Garbled):
        _keepable(cottages.heard(raw))


def ozone(raw: bytes) -> None:
    """Read a message of treatment machines at one of their topics."""
    _spoken(machines.FAMILY, ("telemetry/status/AA:BB:CC:DD:EE:FF", "telemetry/events/AA:BB:CC:DD:EE:FF"), raw)


def farm(raw: bytes) -> None:
    """Read a message of mushroom farms at one of their topics."""
    _spoken(farms.FAMILY, [f"farm/f/room/r/device/d/{word}" for word in ("telemetry", "status", "ack", "event")], raw)


def board(raw: bytes) -> None:
    """Read a message of a board of a mushroom farm."""
    _spoken(farms.FAMILY, (farm_board.SENSORS, farm_board.STATES), raw)


def outlet(raw: bytes) -> None:
    """Read what a control unit says of an outlet, and of its main breaker."""
    with suppress(Garbled):
        msgspec.json.encode(outlets.sample(raw))
    with suppress(Garbled):
        _keepable(outlets.breaker(raw))


def plant(raw: bytes) -> None:
    """Read each body that a device of a plant sends."""
    for kind in (plants.SignIn, plants.Refresh, plants.Acked):
        with suppress(Garbled):
            msgspec.json.encode(plants.body(raw, kind))
    with suppress(Garbled):
        _keepable(plants.read("address", {"s": "soil_moisture"}, plants.body(raw, plants.Batch))[0])


def bodies(raw: bytes) -> None:
    """Read the body of a request in each way that there is; the first line is the type that it is said to have."""
    kind, _, body = raw.partition(b"\n")
    headers = {"content-type": kind.decode("latin-1")}
    call = Call("POST", "/", {}, {}, headers, body, "127.0.0.1", None)
    for read in (call.json, call.form, partial(ozone_shapes.told_object, call)):
        with suppress(Garbled):
            msgspec.json.encode(str(read()))
    for wanted in (NewPlace, WrittenRule):
        with suppress(Invalid):
            msgspec.json.encode(decode(body, wanted))


_FAMILIES = (cottage, ozone, farm, board, outlet, plant, bodies)
TARGETS: dict[str, Callable[[bytes], None]] = {each.__name__: each for each in (packets, session, dialect, *_FAMILIES)}
