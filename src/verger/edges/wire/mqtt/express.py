"""The express lane: what devices say most, telemetry in PUBLISH packets at QoS 0 or 1, read in one loop.

Stream, session and dialect would make the same of these packets; here no packet is built and no state is asked. So
it takes only whole packets that change nothing but a count: not a repetition, not retained, without properties, to a
topic of telemetry, and such as the dialect understands. It stops before the first that is anything else, and leaves
that and all behind it to them.
"""

from collections.abc import Sequence

from verger.domain.telemetry.model import Garbled, Heard, Run
from verger.edges.wire.dialects import native

_TOPICS = frozenset(topic.encode() for topic in native.TELEMETRY)
_USUAL = len(native.TELEMETRY[0]).to_bytes(2, "big") + native.TELEMETRY[0].encode()
_USUAL_SIZE = len(_USUAL)
_QOS_0, _QOS_1 = 0x30, 0x32
_SHORTEST = 5
"""Bytes of the shortest packet that has a topic; whatever is shorter is not looked at."""


def read(data: bytes, level: int, device: str, largest: int, most: int) -> tuple[int, Sequence[Heard | Run], list[int]]:
    """Return where the first packet begins that is not for this lane, and what was heard in those before it.

    Each has the packet identifier that acknowledges it, 0 at QoS 0; there are at most `most`, in at most `largest`
    bytes each.
    """
    at, end, properties = 0, len(data), 1 if level == 5 else 0
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
    if (run := _together(device, bodies)) is not None:
        return at, (run,), tickets
    heard = _understood(device, bodies)
    return (at, heard, tickets) if len(heard) == len(bodies) else read(data, level, device, largest, len(heard))


def _together(device: str, bodies: Sequence[bytes]) -> Run | None:
    """Return what is heard in them if it is one run, as it nearly always is."""
    if len(bodies) == 1:
        return native.alone(device, bodies[0])
    return native.run(device, bodies) if bodies else None


def _understood(device: str, bodies: Sequence[bytes]) -> list[Heard]:
    """Return what is heard in those before the first that makes no sense."""
    heard: list[Heard] = []
    for body in bodies:
        try:
            heard.append(native.telemetry(device, body))
        except Garbled:
            break
    return heard
