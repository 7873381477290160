"""The door through which families speak on a connection."""

from verger.domain.enrolments.model import KIND, Admitted
from verger.edges.wire.dialects import native_provision
from verger.edges.wire.dialects.families import SPOKEN
from verger.edges.wire.dialects.family import overheard
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.mqtt.pipe import Pipe

_KEYS = ("ve_", "vt_", "vk_")


def door_of(desk: Desk | None, line: Pipe, token: str, device: str | None, bound: str) -> Admitted | None:
    """Return the door through which families speak on a connection, None where it is none of theirs.

    A key is looked at first, then a certificate, the port and the address; `bound` names what the port was opened for.
    """
    if desk is None:
        return None
    meetings = desk.meetings
    if device is not None:
        known = meetings.addressed(device)
        return meetings.by_device(device) if known is not None and known.dialect in SPOKEN else None
    if token.startswith(_KEYS):
        return meetings.by_key(token) if token.startswith(KIND) else None
    if token == native_provision.USER:
        return None
    if bound:
        return meetings.by_certificate(line.certificate) or meetings.by_enrolment(bound)
    return meetings.by_certificate(line.certificate) or meetings.by_address(line.address)


def may_hear(desk: Desk, door: Admitted, client_id: str, topic: str) -> bool:
    """Whether a topic is open on a connection; to listen for another device than its client id names is a lie."""
    for name, family in SPOKEN.items():
        if door.speaks(name) and family.may_hear(topic):
            lie = overheard(family, client_id, topic)
            if lie is None:
                return True
            desk.meetings.lied(door, name, lie)
    return False
