"""What a program says as a message of its tenant's tree, and whether it may say it there."""

from msgspec import structs

from verger.base.clock import SECOND
from verger.domain.messages.bequest import LastWill
from verger.domain.messages.model import NOTHING, About, Guest, Message
from verger.domain.messages.store import LONGEST_TOPIC
from verger.domain.messages.topics import own, writable
from verger.edges.wire.mqtt.packets import Publish, Will
from verger.edges.wire.mqtt.properties import NONE
from verger.edges.wire.mqtt.reasons import Reason


def fault(guest: Guest, topic: str) -> tuple[Reason, str] | None:
    """Return why a program may not write a topic, and how to say it; None when it may."""
    if not guest.writes:
        return Reason.NOT_AUTHORIZED, "This API key may only read; use one of a member, manager or owner."
    if len(topic.encode()) > LONGEST_TOPIC:
        return Reason.TOPIC_NAME_INVALID, f"A topic has at most {LONGEST_TOPIC} bytes."
    if writable(topic):
        return None
    whose = "Verger itself writes this topic" if own(topic) else "Topics that begin so are not for programs"
    return Reason.NOT_AUTHORIZED, f"{whose}; choose another."


def message_of(packet: Publish | Will, now: int) -> Message:
    """Return what a client says as a message of the tree."""
    said = packet.properties
    if said is NONE:
        return Message(packet.topic, packet.body, packet.qos, packet.retain)
    about = About(
        said.payload_format_indicator,
        said.content_type,
        said.response_topic,
        said.correlation_data,
        said.user_properties,
    )
    left = said.message_expiry_interval
    until = None if left is None else now + left * SECOND
    return Message(packet.topic, packet.body, packet.qos, packet.retain, until, about if about != NOTHING else NOTHING)


def last_will_of(will: Will, *, assigned: bool) -> LastWill:
    """Return a will as it is kept; the time for which it is worth hearing begins when it is said."""
    said, message = will.properties, structs.replace(message_of(will, 0), expires_at=None)
    return LastWill(message, said.will_delay_interval or 0, said.message_expiry_interval, assigned)
