"""One connection of a device over MQTT: moves bytes, paces its reading, and waits for the log."""

import asyncio

import structlog

from verger.domain.telemetry.model import Answer, Garbled, Heard
from verger.edges.wire import house
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.native import Answered, AttributesAsked, Called
from verger.edges.wire.mqtt.happenings import Ended, Happening, Repeated, State
from verger.edges.wire.mqtt.packets import Connect, Publish, Will
from verger.edges.wire.mqtt.pipe import Pipe
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

MOST_PACKETS = 256
"""Packets handled before other connections have their turn."""
MOST_UNANSWERED = 1_000
MOST_ASKED = 16
PAUSED_S = 1.0
"""How soon a device that we do not listen to is looked at again."""

_QOS_2, _REPEATED, _ASKED = 1 << 16, 1 << 17, 1 << 18


class Connection(Pipe):
    """A socket, its session, and the messages of it that the log has not kept yet."""

    def __init__(self, wiring: Wiring, lines: set[Pipe]) -> None:
        """Stand among the `lines` of a listener while connected."""
        super().__init__(wiring.counts, lines)
        self.device = self.client_id = ""
        self.unanswered = 0
        self.session = Session(native.may_hear, self.loop.time(), wiring.limits)
        self._wiring, self._inlet = wiring, wiring.inlet
        self._asks: set[asyncio.Task[None]] = set()
        self._full = self._turn = self._lost = self._strange = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen, and wait for CONNECT only so long."""
        super().connection_made(transport)
        self._tick()

    def hear(self, chunk: bytes) -> None:
        """Hear what a device says."""
        self._handle(self.session.hear(chunk, self.loop.time(), MOST_PACKETS))

    def lost(self) -> None:
        """Leave the place among the device's connections."""
        for ask in self._asks:
            ask.cancel()
        if self._strange:
            self._wiring.strangers.leave()
        if not self.session.over:
            self._on_ended(self.session.end(Reason.UNSPECIFIED_ERROR))
        if self.device:
            self._wiring.sessions.release(self, self.loop.time())

    # what happened

    def _handle(self, happenings: list[Happening]) -> None:
        """Act on what a device said, write what there is to write, and decide whether to read on."""
        for happened in happenings:
            if type(happened) is Publish:
                self._on_publish(happened)
            else:
                self._on(happened)
        self.write(self.session.take())
        self.pace()

    def _on(self, happened: Happening) -> None:
        match happened:
            case Connect():
                self._on_connect(happened)
            case Repeated():
                self._join(Heard(self.device, ()), happened.packet_id | _REPEATED)
            case Ended():
                self._on_ended(happened)

    def _on_connect(self, connect: Connect) -> None:
        """Let in the holder of an access token, and let anybody else wait."""
        token = connect.username or ""
        device = self._wiring.house.holder(token) if token and not token.startswith("?") else None
        if device is None:
            self._on_stranger(token)
            return
        self.device = device
        self._counts.accepted += 1
        now = self.loop.time()
        memory, present = self._wiring.sessions.admit(self, connect, now)
        self.session.welcome(memory, self.client_id, now, present=present)
        self._tick()

    def _on_stranger(self, token: str) -> None:
        """Let a stranger wait for its refusal; one too many is not answered."""
        self._counts.refused += 1
        wait = self._wiring.strangers.knock(self.address, token)
        if wait is None:
            self.close()
            return
        self._strange = True
        self.after("tick", wait, self._refuse)

    def _refuse(self) -> None:
        self._handle([self.session.refuse(Reason.NOT_AUTHORIZED, "This access token is not known here.")])

    def _on_publish(self, packet: Publish) -> None:
        """Read a message and hand it to the inlet, which answers in the order of joining."""
        self._counts.messages += 1
        ticket = packet.packet_id if packet.qos < 2 else packet.packet_id | _QOS_2
        try:
            meaning = native.read(self.device, packet.topic, packet.body)
        except Garbled as garbled:
            meaning = native.nothing(self.device, garbled)
        if type(meaning) is not Heard:
            self._ask(meaning)
            meaning, ticket = Heard(self.device, ()), ticket | _ASKED
        self._join(meaning, ticket, len(packet.body))

    def _join(self, heard: Heard, ticket: int, size: int = 0) -> None:
        self.unanswered += 1
        self._inlet.join(heard, self, ticket, size)

    def _ask(self, asked: native.Meaning) -> None:
        """Answer a device that asks; an answer to a command needs none."""
        if isinstance(asked, Called):
            limits = self._wiring.limits
            self._reply(house.answer(asked, limits.packet_bytes, limits.receive_maximum))
        elif isinstance(asked, AttributesAsked):
            task = self.loop.create_task(self._attributes(asked))
            self._asks.add(task)
            task.add_done_callback(self._told)

    async def _attributes(self, asked: AttributesAsked) -> None:
        try:
            self._reply(await house.attributes(self._wiring.house, self.device, asked))
        except Exception:
            log.exception("attributes could not be told", device=self.device)
        self.write(self.session.take())

    def _told(self, ask: asyncio.Task[None]) -> None:
        self._asks.discard(ask)
        self.pace()

    def _reply(self, answered: Answered) -> None:
        """Send an answer to whoever asked, subscribed or not."""
        for frame in native.write(answered):
            if self.session.publish(frame.topic, frame.body, 1) is None:
                self.session.publish(frame.topic, frame.body)

    def _on_ended(self, ended: Ended) -> None:
        """Close after the last words, and note it if the device broke the protocol."""
        if ended.broken:
            self._counts.malformed += 1
            tell = log.warning if self.device else log.info
            tell("broke the protocol", device=self.device, address=self.address, why=ended.sentence)
            if self.device:
                self._wiring.house.remark(self.device, "protocol", ended.sentence)
        if ended.with_will:
            self._on_will()
        self.write(self.session.take())
        self.close()

    def _on_will(self) -> None:
        """Let the will be heard, now or when its time has come."""
        will = self.session.connect.will
        if will is None:
            return
        delay = min(will.properties.will_delay_interval or 0, self.session.expiry_s)
        if delay:
            self._wiring.sessions.wait(self, self.loop.call_later(delay, self._late, will))
        else:
            self._publish(will)

    def _late(self, will: Will) -> None:
        self._wiring.sessions.waited(self)
        self._publish(will)

    def _publish(self, will: Will) -> None:
        try:
            meaning = native.read(self.device, will.topic, will.body)
        except Garbled as garbled:
            self._wiring.house.remark(self.device, "refused", f"Its last will: {garbled}")
            return
        if isinstance(meaning, Heard):
            self._join(meaning, 0, len(will.body))

    # what became of it

    def answered(self, ticket: int, answer: Answer | None) -> None:
        """Acknowledge a message, or do not."""
        self.unanswered -= 1
        if answer is None:
            self._lost = self._lost or ticket != 0
            if ticket & _QOS_2:
                self.session.unkept(ticket & 0xFFFF)
        elif 0 < ticket < _QOS_2 and not answer.refused and answer.kept:
            self.session.acknowledge(ticket)
        elif ticket & _REPEATED:
            self.session.repeat(ticket & 0xFFFF)
        elif ticket & 0xFFFF:
            self._explain(ticket, answer)

    def _explain(self, ticket: int, answer: Answer) -> None:
        """Acknowledge a message of which something was refused."""
        packet_id, qos = ticket & 0xFFFF, 2 if ticket & _QOS_2 else 1
        if ticket & _ASKED or not (answer.refused or not answer.kept):
            self.session.acknowledge(packet_id, qos)
            return
        first = answer.refused[0].message if answer.refused else "There was nothing to keep in this message."
        sentence = f"{len(answer.refused)} values were not kept." if answer.kept else first
        reason = Reason.SUCCESS if answer.kept else Reason.PAYLOAD_FORMAT_INVALID
        told = tuple((fault.field, fault.message) for fault in answer.refused if fault.field)
        self.session.acknowledge(packet_id, qos, reason, sentence, told)

    def settled(self) -> None:
        """Write the acknowledgements of a batch in one go."""
        self.write(self.session.take())
        if self._lost and not self.is_due("busy"):
            self.after("busy", self._wiring.busy_s, self._busy)
            self.halt()
        if self.resting:
            self.pace()

    def _busy(self) -> None:
        self.end(Reason.QUOTA_EXCEEDED, "This could not be kept just now; connect and send it again.")

    # what the house wants

    def end(self, reason: Reason, sentence: str = "") -> None:
        """Say why and close."""
        if not self.session.over:
            self._handle([self.session.end(reason, sentence)])

    def deliver(self, order: native.Order, qos: int = 1) -> bool:
        """Send an order if the device listens to its topic; whether it is on its way."""
        heard = self.session.memory.subscriptions
        for form in ("", "v2", "v2/j"):
            frames = native.write(order, form)
            if self.blocked or not all(native.listens(heard, frame.topic) for frame in frames):
                continue
            sent = [self.session.publish(frame.topic, frame.body, qos) for frame in frames]
            self.write(self.session.take())
            return None not in sent
        return False

    # writing, reading, time

    def pace(self) -> None:
        """Read on only while the log, this device's own queue and its socket have room."""
        if self.closing or self.halted:
            return
        if not self._full and self._inlet.full:
            self._full = True
            self._inlet.when_free(self._freed)
        rest = self._full or self.blocked or self.unanswered >= MOST_UNANSWERED or self._asking
        more = self.session.more
        if more and not rest and not self._turn:
            self._turn = True
            self.loop.call_soon(self._go_on)
        self.rest(rest or more)

    @property
    def _asking(self) -> bool:
        """Whether it is the house's turn to answer."""
        return len(self._asks) >= MOST_ASKED or self.session.state is State.ASKED

    def _freed(self) -> None:
        self._full = False
        self.pace()

    def _go_on(self) -> None:
        """Handle what came and had to wait for its turn."""
        self._turn = False
        if not self.closing and not self.halted:
            self._handle(self.session.hear(b"", self.loop.time(), MOST_PACKETS))

    def _tick(self) -> None:
        """End a session whose device is silent for too long, unless it was we who did not listen."""
        deadline, now = self.session.deadline, self.loop.time()
        if deadline is None:
            return
        if now < deadline:
            self.after("tick", deadline - now, self._tick)
        elif self.resting:
            self.after("tick", PAUSED_S, self._tick)
        else:
            self._handle(self.session.tick(now))
