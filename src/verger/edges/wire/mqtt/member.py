"""A member's program that speaks over MQTT: it sees the topic tree of its tenant, and nothing else."""

from functools import partial

import structlog

from verger.base.errors import Busy
from verger.domain.messages.model import Guest
from verger.domain.messages.standing import NOWHERE
from verger.domain.messages.topics import of_devices
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.happenings import Ended, Happening, Subscribed, Unsubscribed
from verger.edges.wire.mqtt.packets import Publish
from verger.edges.wire.mqtt.posting import fault, message_of
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.reminding import Reminding
from verger.edges.wire.mqtt.speaker import Line
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

KEYS = "vk_"


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
        self._clock, self._executor = wiring.clock, wiring.sessions.executor
        self._executor.know(guest)
        self._reminding = Reminding(wiring.exchange, line)

    @property
    def asking(self) -> bool:
        """Whether nothing more should be read: the disk is behind, or what is retained is on its way."""
        return self._saving or self._reminding.busy

    def _may_hear(self, topic_filter: str) -> bool:
        return self.guest.reads and not of_devices(topic_filter)

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
        if why := fault(self.guest, packet.topic):
            self._refused(packet.topic, why[1])
            return why
        said = packet.properties
        if said.payload_format_indicator == 1 and not _is_text(packet.body):
            return Reason.PAYLOAD_FORMAT_INVALID, "This body says that it is text, and is not UTF-8."
        message = message_of(packet, self._clock.now())
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

    def ended(self, ended: Ended) -> None:
        """Leave the will to its executor."""
        self._executor.go(self._line, ended)

    def gone(self) -> None:
        """Do nothing: what it posted goes on without it."""


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
