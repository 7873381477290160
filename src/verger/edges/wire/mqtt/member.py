"""A member's program that speaks over MQTT: it sees the topic tree of its tenant, and nothing else."""

from functools import partial

import structlog

from verger.base.errors import Busy
from verger.domain.messages.model import NOTHING, About, Guest, Message
from verger.domain.messages.standing import NOWHERE
from verger.domain.messages.store import LONGEST_TOPIC
from verger.domain.messages.topics import of_devices, own, writable
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.happenings import Ended, Happening, Subscribed, Unsubscribed
from verger.edges.wire.mqtt.packets import Publish, Will
from verger.edges.wire.mqtt.properties import NONE, Properties
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.reminding import Reminding
from verger.edges.wire.mqtt.speaker import Line
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

KEYS = "vk_"
_SECOND = 1_000_000


class MemberSpeaker:
    """One program on one connection; what it writes is acknowledged once it is where it must be on disk."""

    def __init__(self, wiring: Wiring, line: Line, guest: Guest) -> None:
        """Speak for a program that was let in."""
        self.owner, self.guest = guest.owner, guest
        self.standing = NOWHERE
        self.unanswered = 0
        self._saving = False
        self.manners = Manners(self._may_hear, shared=True, identifiers=True, retained=True)
        self._line, self._session = line, line.session
        self._exchange, self._keeper, self._counts = wiring.exchange, wiring.exchange.keeper, wiring.counts
        self._clock = wiring.clock
        self._reminding = Reminding(wiring.exchange, line)

    @property
    def asking(self) -> bool:
        """Whether nothing more should be read: the disk is behind, or what is retained is on its way."""
        return self._saving or self._reminding.busy

    def _may_hear(self, topic_filter: str) -> bool:
        return self.guest.reads and not of_devices(topic_filter)

    def fault(self, topic: str) -> tuple[Reason, str] | None:
        """Return why the program may not write a topic, and how to say it; None when it may."""
        if not self.guest.writes:
            return Reason.NOT_AUTHORIZED, "This API key may only read; use one of a member, manager or owner."
        if len(topic.encode()) > LONGEST_TOPIC:
            return Reason.TOPIC_NAME_INVALID, f"A topic has at most {LONGEST_TOPIC} bytes."
        if writable(topic):
            return None
        whose = "Verger itself writes this topic" if own(topic) else "Topics that begin so are not for programs"
        return Reason.NOT_AUTHORIZED, f"{whose}; choose another."

    # what it says

    def heard(self, packet: Publish) -> None:
        """Post a message, and answer once it is on disk wherever it is kept."""
        reason, sentence = self._post(packet)
        if packet.qos:
            self.unanswered += 1
            if packet.qos == 2 and reason < Reason.UNSPECIFIED_ERROR:
                self.standing.memory.receive(packet.packet_id)  # on disk together with what was posted
            self._keeper.when_kept(partial(self._answer, packet.packet_id, packet.qos, reason, sentence))
        if self._keeper.full and not self._saving:
            self._saving = True
            self._keeper.when_kept(self._free)

    def _post(self, packet: Publish) -> tuple[Reason, str]:
        """Post a message; return what its sender is to be told."""
        if fault := self.fault(packet.topic):
            self._refused(packet.topic, fault[1])
            return fault
        said = packet.properties
        if said.payload_format_indicator == 1 and not _is_text(packet.body):
            return Reason.PAYLOAD_FORMAT_INVALID, "This body says that it is text, and is not UTF-8."
        message = message_of(packet, said, self._clock.now())
        try:
            hearers = self._exchange.post(self.guest.tenant, message, self.standing)
        except Busy as busy:
            return Reason.QUOTA_EXCEEDED, str(busy)
        return (Reason.SUCCESS if hearers or packet.retain else Reason.NO_MATCHING_SUBSCRIBERS), ""

    def _answer(self, packet_id: int, qos: int, reason: Reason, sentence: str) -> None:
        self.unanswered -= 1
        self._session.acknowledge(packet_id, qos, reason, sentence)
        self._line.soon()

    def _free(self) -> None:
        self._saving = False
        self._line.pace()

    def _refused(self, topic: str, sentence: str) -> None:
        self._counts.unwritten += 1
        log.info("a program may not write there", key=self.guest.key, topic=topic[:200], why=sentence)

    def on(self, happened: Happening) -> None:
        """Act on what happened besides messages."""
        match happened:
            case Subscribed():
                for topic in happened.topics:
                    self._exchange.subscribe(self.standing, topic)
                self._reminding.ask(self.standing, happened.retained)
            case Unsubscribed():
                for topic in happened.topics:
                    self._exchange.unsubscribe(self.standing, topic)

    def will(self, will: Will) -> None:
        """Post a will."""
        if fault := self.fault(will.topic):
            self._refused(will.topic, fault[1])
            return
        try:
            self._exchange.post(self.guest.tenant, message_of(will, will.properties, self._clock.now()), self.standing)
        except Busy as busy:
            self._refused(will.topic, str(busy))

    def ended(self, ended: Ended) -> None:
        """Do nothing: its sessions know."""

    def gone(self) -> None:
        """Do nothing: what it posted goes on without it."""


def message_of(packet: Publish | Will, said: Properties, now: int) -> Message:
    """Return what a client says as a message of the tree."""
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
    until = None if left is None else now + left * _SECOND
    return Message(packet.topic, packet.body, packet.qos, packet.retain, until, about if about != NOTHING else NOTHING)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
