"""The express lane: what devices say most, telemetry in PUBLISH packets at QoS 0 or 1, read in one loop.

Stream, session and dialect would make the same of these packets; here no packet is built and no state is asked. So
it takes only whole packets that change nothing but a count: not a repetition, not retained, without properties, to a
topic of telemetry, and such as the dialect understands. It stops before the first that is anything else, and leaves
that and all behind it to them.
"""

from collections.abc import Sequence
from typing import Protocol

from verger.domain.telemetry.model import Garbled, Heard, Run
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.shapes import Shape

_TOPICS = frozenset(topic.encode() for topic in native.TELEMETRY)
_USUAL = len(native.TELEMETRY[0]).to_bytes(2, "big") + native.TELEMETRY[0].encode()
_USUAL_SIZE = len(_USUAL)
_QOS_0, _QOS_1 = 0x30, 0x32
_SHORTEST = 5
"""Bytes of the shortest packet that has a topic; whatever is shorter is not looked at."""


class Lane(Protocol):
    """Whose packets these are: a device at a protocol level, its largest packet, and what it says again and again."""

    owner: str
    level: int
    largest: int
    shape: Shape | None


def read(data: bytes, lane: Lane, most: int) -> tuple[int, Sequence[Heard | Run], list[int]]:
    """Return where the first packet begins that is not for this lane, and what was heard in those before it.

    Each has the packet identifier that acknowledges it, 0 at QoS 0; there are at most `most`, in at most `largest`
    bytes each.
    """
    at, end, largest, properties = 0, len(data), lane.largest, 1 if lane.level == 5 else 0
    bodies: list[bytes] = []
    tickets: list[int] = []
    while end - at >= _SHORTEST and len(tickets) < most:
        first, size, begin = data[at], data[at + 1], at + 2
        if size > 127:
            if not 0 < data[begin] < 128:
                break
            size += (data[begin] << 7) - 128
            begin += 1
        stop = begin + size
        body = begin + _USUAL_SIZE
        if not data.startswith(_USUAL, begin):
            body = begin + 2 + (data[begin] << 8 | data[begin + 1])
            if data[begin + 2 : body] not in _TOPICS:
                break
        if stop > end or stop - at > largest or body + 3 > stop:
            break
        ticket = 0
        if first == _QOS_1:
            ticket = data[body] << 8 | data[body + 1]
            body += 2
        if (first != _QOS_0 and not ticket) or (properties and data[body]):
            break
        bodies.append(data[body + properties : stop])
        tickets.append(ticket)
        at = stop
    if bodies and (run := _run(lane, bodies)) is not None:
        return at, (run,), tickets
    heard = _understood(lane.owner, bodies)
    return (at, heard, tickets) if len(heard) == len(bodies) else read(data, lane, len(heard))


def _run(lane: Lane, bodies: Sequence[bytes]) -> Run | None:
    """Return what is heard in them if it is one run, as it nearly always is."""
    if lane.shape is not None and (run := lane.shape.read(lane.owner, bodies)) is not None:
        return run
    return native.alone(lane.owner, bodies[0]) if len(bodies) == 1 else native.run(lane.owner, bodies)


def _understood(device: str, bodies: Sequence[bytes]) -> list[Heard]:
    """Return what is heard in those before the first that makes no sense."""
    heard: list[Heard] = []
    for body in bodies:
        try:
            heard.append(native.telemetry(device, body))
        except Garbled:
            break
    return heard
