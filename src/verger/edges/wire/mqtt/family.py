"""Devices of a family on one connection, as many as speak there: known ones, and strangers inside an enrolment."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from verger.base.errors import Busy, Fault
from verger.base.patience import LONGEST_S
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import KEPT, Answer, Garbled, Heard
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.families import SPOKEN
from verger.edges.wire.dialects.family import Family, Frame, Spoken, Voice, held_to
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ear import Ear
from verger.edges.wire.mqtt.family_door import may_hear
from verger.edges.wire.mqtt.family_line import FamilyLine
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.happenings import Acknowledged, Ended, Happening, Repeated, Subscribed
from verger.edges.wire.mqtt.packets import Publish
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

_QOS_2 = 1 << 16
_NOBODY = Heard("", ())  # as of a test that is only echoed; it is acknowledged in its turn
_LONGEST = 64  # characters of the client id that a device is known by
_NAMELESS = (
    f"This device is known by its client id: give it one of 1 to {_LONGEST} printable characters without a slash."
)
_NO_TOPIC = "no family that is spoken here has this topic."
_SHORT = 16  # digits of a fingerprint that tell one certificate from another


class FamilySpeaker:
    """Speaks for whoever speaks on its connection; what it hears goes to the log, or is kept for strangers."""

    owner = ""

    def __init__(self, wiring: Wiring, line: Line, desk: Desk, door: Admitted) -> None:
        """Speak for devices that a door let in."""
        self.unanswered = 0
        self._wiring, self._line, self._session = wiring, line, line.session
        self._desk, self._door = desk, door
        self._families = [family for name, family in SPOKEN.items() if door.speaks(name)]
        self.manners = Manners(lambda topic: may_hear(desk, door, line.client_id, topic))
        self._here = FamilyLine(desk, line, door, self._families, self._own)
        self._waiting: deque[Publish] = deque()
        self._meeting: asyncio.Task[None] | None = None
        self._decided: dict[int, tuple[Answer | None, Reason]] = {}  # what is said in its turn, by ticket
        self._lost = False
        self._ear = Ear(desk.meetings)

    @property
    def asking(self) -> bool:
        """Whether somebody is being met: nothing more is read meanwhile."""
        return self._meeting is not None

    # what they say

    def heard(self, packet: Publish) -> None:
        """Take a message: of known devices at once, else once it is its turn."""
        if self._meeting is not None or not self._take(packet):
            self._waiting.append(packet)
            if self._meeting is None:
                self._meeting = asyncio.get_running_loop().create_task(self._meet())

    def _take(self, packet: Publish) -> bool:
        """Take a message if whoever speaks in it is known; whether it is taken."""
        read = self._read(packet)
        if read is None:
            return True
        family, spoken = read
        voice = spoken.voice
        heard = _NOBODY if voice is None else self._desk.meetings.speak(self._door, family.name, voice)
        if heard is None:
            return False
        self._echo(spoken)
        if voice is None:
            self._say(packet, KEPT)
            return True
        if heard.said or not heard.refused:
            self._here.spoke(family, voice, heard.device)
        self._join(packet, heard)
        return True

    def _read(self, packet: Publish) -> tuple[Family, Spoken] | None:
        """Return what a message means in the family whose topic it is; answer it where it makes no sense."""
        family = next((each for each in self._families if each.hears(packet.topic)), None)
        if family is None:
            device = self._door.device or self._here.alone
            self._refuse(packet, device, f"{packet.topic}: {_NO_TOPIC}", Reason.TOPIC_NAME_INVALID)
            return None
        frame = Frame(packet.topic, packet.body)
        try:
            spoken = self._ear.read(self._door, family, frame, self._own)
            return family, held_to(family, self._line.client_id, spoken)
        except Garbled as garbled:
            device = self._door.device or self._ear.whose(self._door, family, frame, self._own)
            self._refuse(packet, device, str(garbled))
            return None

    def _refuse(
        self, packet: Publish, device: str | None, sentence: str, why: Reason = Reason.PAYLOAD_FORMAT_INVALID
    ) -> None:
        """Refuse a message, and show why on the page of the device that sent it, if that is known."""
        self._say(packet, Answer(kept=False, refused=(Fault("", sentence),)), why)
        if device:
            self._wiring.house.remark(device, "refused", sentence)

    def _own(self, begins: str) -> str:
        """Return what whoever gives no address is known by: its device's, its certificate, or its client and place.

        Raise Garbled for a client that is called what is no name.
        """
        known = self._desk.meetings.addressed(self._door.device) if self._door.device is not None else None
        if known is not None:
            return known.address
        if self._line.certificate:
            return begins + self._line.certificate[:_SHORT]
        client = self._line.client_id
        if len(client) > _LONGEST or not client.isprintable() or "/" in client or client != client.strip():
            raise Garbled(_NAMELESS)
        return f"{begins}{client}@{next((each.place for each in self._door.enrolments), '')}"

    def _join(self, packet: Publish, heard: Heard) -> None:
        """Hand a message to the inlet."""
        self.unanswered += 1
        self._wiring.inlet.join(heard, self, _ticket(packet), len(packet.body))

    async def _meet(self) -> None:
        """Take what waits, one message after the other, and see to those who are not known yet."""
        try:
            while self._waiting:
                await self._take_slowly(self._waiting.popleft())
                self._line.write(self._session.take())
        except Exception:
            log.exception("a stranger could not be met", enrolments=[each.id for each in self._door.enrolments])
            self._lost = True
        self._meeting = None
        self._line.settled(lost=self._lost)
        self._line.pace()

    async def _take_slowly(self, packet: Publish) -> None:
        if self._take(packet) or (read := self._read(packet)) is None:
            return
        family, spoken = read
        self._echo(spoken)
        answer = KEPT if spoken.voice is None else await self._one(family, spoken.voice)
        self._say(packet, answer)

    async def _one(self, family: Family, voice: Voice) -> Answer | None:
        """Return what became of what one device said; None: it could not be kept."""
        try:
            met = await self._desk.hear(self._door, family.name, voice)
            while met.answer.wait_s:
                await asyncio.sleep(met.answer.wait_s)
                met = await self._desk.hear(self._door, family.name, voice)
        except Busy:
            return None
        if met.device is not None and met.known and (met.answer.kept or not met.answer.refused):
            self._here.spoke(family, voice, met.device)
        elif met.stranger is not None and met.answer.kept:
            self._here.knocked(family, voice)
        if voice.secret and met.answer.refused and not met.answer.kept:
            await self._linger()
        if met.secret:
            for frame in family.granted(voice, met.secret):
                self._publish(frame)
        return met.answer

    async def _linger(self) -> None:
        """Let whoever brought a code that does not hold wait for the answer, ever longer: codes are short."""
        strangers = self._wiring.strangers
        wait = strangers.knock(self._line.address, "")
        if wait is None:
            await asyncio.sleep(LONGEST_S)
            return
        try:
            await asyncio.sleep(wait)
        finally:
            strangers.leave()

    def _echo(self, spoken: Spoken) -> None:
        for frame in spoken.echo:
            self._publish(frame)

    def _publish(self, frame: Frame) -> None:
        """Send an answer to whoever asked, subscribed or not."""
        granted = self._here.granted(frame.topic)
        self._session.publish(frame.topic, frame.body, 1 if granted is None else min(1, granted))

    def on(self, happened: Happening) -> None:
        """Act on what happened besides messages."""
        match happened:
            case Repeated():
                self._session.repeat(happened.packet_id)
            case Acknowledged() if sent := self._here.acknowledged(happened.packet_id):
                device, order = sent
                refused = happened.reason >= Reason.UNSPECIFIED_ERROR
                why = f"The device refused it with reason 0x{happened.reason:02x}." if refused else ""
                self._desk.switchboard.orders.has(device, order.number)
                self.unanswered += 1
                self._wiring.inlet.join(native.has(device, order, "puback", why), self, 0)
            case Subscribed():
                self._here.subscribed(happened.topics)

    # what became of it

    def answered(self, tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        """Acknowledge messages, or do not."""
        self.unanswered -= len(tickets)
        for ticket, answer in zip(tickets, answers, strict=True):
            self._answer(ticket, answer)
        self._line.settled(lost=self._lost)

    def _answer(self, ticket: int, answer: Answer | None) -> None:
        packet_id, qos = ticket & 0xFFFF, 2 if ticket & _QOS_2 else 1
        decided, why = self._decided.pop(ticket, (answer, Reason.PAYLOAD_FORMAT_INVALID))
        answer = None if answer is None else decided
        if answer is not None and answer.later and self._session.level == 4:
            answer = None  # MQTT 3.1.1 cannot say no but by leaving
        if not packet_id:
            return
        if answer is None:
            self._lost = True
            if qos == 2:
                self._session.unkept(packet_id)
        elif answer.kept or not (answer.refused or answer.later):
            self._session.acknowledge(packet_id, qos)
        else:
            sentence = answer.later or answer.refused[0].message
            reason = Reason.QUOTA_EXCEEDED if answer.later else why
            told = tuple((fault.field, fault.message) for fault in answer.refused if fault.field)
            self._session.acknowledge(packet_id, qos, reason, sentence, told)

    def _say(self, packet: Publish, answer: Answer | None, why: Reason = Reason.PAYLOAD_FORMAT_INVALID) -> None:
        """Answer a message once all before it are answered, for the standard wants the same order."""
        if packet.qos:
            self._decided[_ticket(packet)] = answer, why
            self._join(packet, _NOBODY)

    def ended(self, ended: Ended) -> None:
        """Let the will be heard, and note it if one that has a credential of its own broke the protocol."""
        will = self._session.connect.will
        if will is not None and (ended.with_will or ended.reason == Reason.SERVER_SHUTTING_DOWN):
            self.heard(Publish(will.topic, will.body))
        if ended.broken and self._door.device:
            self._wiring.house.remark(self._door.device, "protocol", ended.sentence)

    def gone(self) -> None:
        """Let those go that spoke here; what they said is still kept."""
        self._here.close()


def _ticket(packet: Publish) -> int:
    return packet.packet_id if packet.qos < 2 else packet.packet_id | _QOS_2
