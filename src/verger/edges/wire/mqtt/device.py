"""A device that speaks over MQTT: its words go to the log, and its acknowledgements come from there."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

import structlog
from msgspec import structs

from verger.base.errors import Busy
from verger.base.plural import counted
from verger.domain.messages.model import Message, Subscription
from verger.domain.messages.standing import NOWHERE, Standing
from verger.domain.telemetry.model import KEPT, Answer, Garbled, Heard, Once, Run
from verger.edges.wire import house
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.native import Answered, AskedBehind, AttributesAsked, Called, FirmwareAsked
from verger.edges.wire.dialects.shapes import Shape, shape_of
from verger.edges.wire.mqtt import encode, express
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.happenings import Acknowledged, Ended, Happening, Repeated, Subscribed
from verger.edges.wire.mqtt.packets import Publish
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

MANNERS = Manners(native.may_hear)
MOST_ASKED = 16

_QOS_2, _REPEATED, _ASKED = 1 << 16, 1 << 17, 1 << 18


class DeviceSpeaker:
    """One device on one connection, and the messages of it that the log has not kept yet."""

    def __init__(self, wiring: Wiring, line: Line, device: str) -> None:
        """Speak for a device that was let in."""
        self.owner = device
        self.standing = NOWHERE
        self.unanswered = 0
        self._wiring, self._inlet, self._line, self._session = wiring, wiring.inlet, line, line.session
        self._asks: set[asyncio.Task[None]] = set()
        self._sent: dict[int, native.Ask] = {}  # commands that are on the way, by packet identifier
        self._lost = False
        self.level, self.largest = 4, 0
        self.shape: Shape | None = None
        self._metrics: tuple[str, ...] = ()  # what it said last in one run
        self._fresh = False  # whether all so far was usual, so that the session holds no part of a packet
        self.heard_at = 0.0  # when something usual was heard last

    def bound(self, level: int, limits: Limits) -> None:
        """Speak at a protocol level, in packets no larger than the limits say."""
        self.level, self.largest = level, limits.packet_bytes

    @property
    def asking(self) -> bool:
        """Whether it is the house's turn to answer."""
        return len(self._asks) >= MOST_ASKED

    # what it says

    def take(self, chunk: bytes, now: float, most: int) -> tuple[bytes, int]:
        """Take usual messages that come next, at most so many; return what is left to the session, and how many.

        Answers are given in the order of joining, as for all others.
        """
        data = chunk if self._fresh else self._session.lend(chunk)
        if data is None:
            return chunk, 0
        if self.level == 5:
            most = min(most, self._session.limits.receive_maximum - self._session.unacknowledged)
        size, heard, tickets = express.read(data, self, most)
        count = len(tickets)
        if count:
            if self.level == 5:
                self._session.unacknowledged += count - tickets.count(0)
            self.unanswered += count
            self._inlet.join_all(heard, self, tickets, size)
            self.heard_at = now
            if isinstance(run := heard[0], Run) and run.metrics is not self._metrics:
                self._learn(run.metrics)
        if size == len(data):
            if not self._fresh:
                self._fresh, self._session.more = True, False
            return b"", count
        self._fresh = False
        return data[size:], count

    def _learn(self, metrics: tuple[str, ...]) -> None:
        """Know what it says again and again: what it said twice in a row."""
        self.shape = shape_of(metrics) if metrics == self._metrics else None
        self._metrics = self.shape.metrics if self.shape else metrics

    def heard(self, packet: Publish) -> None:
        """Read a message and hand it to the inlet, which answers in the order of joining."""
        ticket = packet.packet_id if packet.qos < 2 else packet.packet_id | _QOS_2
        try:
            meaning = native.read(self.owner, packet.topic, packet.body)
        except Garbled as garbled:
            if isinstance(garbled, native.Unclear):
                self._reply(garbled.answer)
            meaning = native.nothing(self.owner, garbled)
        if not isinstance(meaning, Heard):
            self._ask(meaning)
            meaning, ticket = Heard(self.owner, ()), ticket | _ASKED
        elif packet.qos == 2 and (memory := self._session.memory).name:
            once = Once(memory.name, packet.packet_id, memory.arriving[packet.packet_id])
            self._join_known(structs.replace(meaning, once=once), ticket, len(packet.body))
            return
        self._join(meaning, ticket, len(packet.body))

    def on(self, happened: Happening) -> None:
        """Act on what happened besides messages."""
        match happened:
            case Repeated():
                self._join_known(Heard(self.owner, ()), happened.packet_id | _REPEATED)
            case Acknowledged() if order := self._sent.pop(happened.packet_id, None):
                refused = happened.reason >= Reason.UNSPECIFIED_ERROR
                why = f"The device refused it with reason 0x{happened.reason:02x}." if refused else ""
                self._wiring.sessions.orders.has(order.device or self.owner, order.number)
                self._join(native.has(self.owner, order, "puback", why), 0)
            case Subscribed():
                self._wiring.sessions.orders.listens(self.owner)

    def _join(self, heard: Heard, ticket: int, size: int = 0) -> None:
        self.unanswered += 1
        self._inlet.join(heard, self, ticket, size)

    def _join_known(self, heard: Heard, ticket: int, size: int = 0) -> None:
        """Join once the session is on disk: else a crash would leave its number to a session that nobody knows."""
        if not self._session.memory.name or self._session.memory.saved:
            self._join(heard, ticket, size)
            return
        self.unanswered += 1
        self._wiring.exchange.keeper.when_kept(partial(self._inlet.join, heard, self, ticket, size))

    def _ask(self, asked: native.Meaning) -> None:
        """Answer a device that asks."""
        if isinstance(asked, Called | FirmwareAsked):
            limits, door = self._wiring.limits, self._wiring.house
            self._reply(house.answer(door, self.owner, asked, limits.packet_bytes, limits.receive_maximum))
        elif isinstance(asked, AttributesAsked | AskedBehind):
            task = asyncio.get_running_loop().create_task(self._attributes(asked))
            self._asks.add(task)
            task.add_done_callback(self._told)

    async def _attributes(self, asked: AttributesAsked | AskedBehind) -> None:
        try:
            if isinstance(asked, AskedBehind):
                self._reply(await house.attributes_behind(self._wiring.house, self._inlet, self.owner, asked))
            else:
                self._reply(await house.attributes(self._wiring.house, self.owner, asked))
        except Busy:
            pass  # the device asks again
        except Exception:
            log.exception("attributes could not be told", device=self.owner)
        self._line.write(self._session.take())

    def _told(self, ask: asyncio.Task[None]) -> None:
        self._asks.discard(ask)
        self._line.pace()

    def _reply(self, answered: Answered) -> None:
        """Send an answer to whoever asked, subscribed or not."""
        for frame in native.write(answered):
            granted = _granted(self._session.memory.subscriptions, frame.topic)
            self._session.publish(frame.topic, frame.body, 1 if granted is None else min(1, granted))

    def ended(self, ended: Ended) -> None:
        """Leave the will to its executor, and note it if the device broke the protocol."""
        self._wiring.sessions.executor.go(self._line, ended)
        if ended.broken:
            self._wiring.house.remark(self.owner, "protocol", ended.sentence)

    def gone(self) -> None:
        """Ask nothing more: the connection is gone."""
        for ask in self._asks:
            ask.cancel()

    # what became of it

    def answered(self, tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        """Acknowledge messages, or do not, all that can be in one go."""
        self.unanswered -= len(tickets)
        if answers.count(KEPT) == len(answers) and max(tickets) < _QOS_2:
            raw = encode.pubacks(tickets)
            if self.level == 5:
                self._session.unacknowledged -= len(raw) // 4
            self._line.write(raw)
            if self._line.resting:
                self._line.pace()
            return
        for ticket, answer in zip(tickets, answers, strict=True):
            self._answer(ticket, answer)
        self._line.settled(lost=self._lost)

    def _answer(self, ticket: int, answer: Answer | None) -> None:
        if answer is not None and answer.later and self._session.level == 4:
            answer = None  # MQTT 3.1.1 cannot say no but by leaving
        if answer is None:
            self._lost = self._lost or ticket != 0
            if ticket & _QOS_2:
                self._session.unkept(ticket & 0xFFFF)
        elif 0 < ticket < _QOS_2 and not answer.refused and answer.kept:
            self._session.acknowledge(ticket)
        elif ticket & _REPEATED:
            self._lost = self._lost or ticket & 0xFFFF not in self._session.memory.received
            self._session.repeat(ticket & 0xFFFF)
        elif ticket & 0xFFFF:
            self._explain(ticket, answer)

    def _explain(self, ticket: int, answer: Answer) -> None:
        """Acknowledge a message of which something was refused."""
        packet_id, qos = ticket & 0xFFFF, 2 if ticket & _QOS_2 else 1
        if ticket & _ASKED or not (answer.refused or not answer.kept):
            self._session.acknowledge(packet_id, qos)
            return
        nothing = answer.later or "There was nothing to keep in this message."
        first = answer.refused[0].message if answer.refused else nothing
        many = len(answer.refused)
        sentence = f"{counted(many, 'value')} {'was' if many == 1 else 'were'} not kept." if answer.kept else first
        unkept = Reason.QUOTA_EXCEEDED if answer.later else Reason.PAYLOAD_FORMAT_INVALID
        reason = Reason.SUCCESS if answer.kept else unkept
        told = tuple((fault.field, fault.message) for fault in answer.refused if fault.field)
        self._session.acknowledge(packet_id, qos, reason, sentence, told)

    # what the house wants

    def deliver(self, order: native.Order, qos: int = 1) -> bool:
        """Send an order if the device listens to its topic, at most at the QoS of that; whether it is on its way.

        A command goes at once or not at all, and ends with the connection; what else is told above QoS 0 waits for its
        turn, also while the device does not read.
        """
        frames = _frames(self._session.memory.subscriptions, order)
        if not frames:
            return False
        if isinstance(order, native.Wanted):
            blocked = self._line.blocked
            for frame, granted in frames:
                self._line.send(Message(frame.topic, frame.body), min(qos, granted), retain=False, identifiers=())
            self._line.write(self._session.take())
            return not blocked or all(min(qos, granted) for _, granted in frames)
        if self._line.blocked:
            return False
        sent = [self._session.publish(f.topic, f.body, min(qos, granted), wait=False) for f, granted in frames]
        self._line.write(self._session.take())
        if isinstance(order, native.Ask):
            self._sent |= dict.fromkeys([packet_id for packet_id in sent if packet_id], order)
        return None not in sent


def leave(standing: Standing, order: native.Wanted, qos: int = 1) -> None:
    """Leave an order in the inbox of a device that is away, if it listens to its topic above QoS 0."""
    for frame, granted in _frames(standing.memory.subscriptions, order):
        standing.hear(Message(frame.topic, frame.body), min(qos, granted))


def _frames(heard: Mapping[str, Subscription], order: native.Order) -> list[tuple[native.Frame, int]]:
    """Return an order in the form that a device listens to, each frame with its QoS; nothing if it listens to none."""
    for form in ("", "v2", "v2/j"):
        found = [(frame, _granted(heard, frame.topic)) for frame in native.write(order, form)]
        granted = [(frame, qos) for frame, qos in found if qos is not None]
        if found and len(granted) == len(found):
            return granted
    return []


def _granted(heard: Mapping[str, Subscription], topic: str) -> int | None:
    """Return the greatest QoS at which a device listens to a topic, None when it does not."""
    return max((how.qos for one, how in heard.items() if native.covers(one, topic)), default=None)
