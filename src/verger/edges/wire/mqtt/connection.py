"""One MQTT connection: moves bytes, paces its reading, and knows who speaks."""

import asyncio
from functools import partial

import structlog

from verger.base.clock import SECOND
from verger.base.ids import new_id
from verger.domain.enrolments.model import Admitted
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Message
from verger.edges.wire import house
from verger.edges.wire.dialects import native_provision
from verger.edges.wire.mqtt import family, family_door, greeting, newcomer
from verger.edges.wire.mqtt.device import MANNERS, DeviceSpeaker
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.happenings import Ended, Happening, State, Subscribed
from verger.edges.wire.mqtt.member import KEYS, MemberSpeaker
from verger.edges.wire.mqtt.packets import Connect, Publish
from verger.edges.wire.mqtt.pipe import Pipe
from verger.edges.wire.mqtt.posting import fault
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.session import Session
from verger.edges.wire.mqtt.speaker import Speaker
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

MOST_PACKETS = 256
"""Packets handled before other connections have their turn."""
MOST_UNANSWERED = 1_000
PAUSED_S = 1.0
"""How soon a client that we do not listen to is looked at again."""


class Connection(Pipe):
    """A socket, its session, and its speaker once one is let in."""

    def __init__(self, wiring: Wiring, lines: set[Pipe], bound: str = "") -> None:
        """Stand among the `lines` of a listener while connected; who brings no credential comes as the key `bound`."""
        super().__init__(wiring.counts, lines)
        self.client_id = self._tenant = ""
        self.speaker: Speaker | None = None
        self._device: DeviceSpeaker | None = None
        now = self.loop.time()
        self.session = Session(MANNERS, now, wiring.limits, wiring.clock.now() / SECOND - now)
        self._wiring, self._inlet, self._bound = wiring, wiring.inlet, bound
        self._full = self._turn = self._strange = self._due = False
        self._admitting: asyncio.Task[None] | None = None

    @property
    def owner(self) -> str:
        """Return whose connection it is."""
        return self.speaker.owner if self.speaker else ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen, and wait for CONNECT only so long."""
        super().connection_made(transport)
        self._tick()

    def hear(self, chunk: bytes) -> None:
        """Hear what a client says: of a device what is usual by the express lane, and all else by the session."""
        now, device, most = self.loop.time(), self._device, MOST_PACKETS
        if device is not None:
            chunk, messages = device.take(chunk, now, most)
            self._counts.messages += messages
            if not chunk and not self.session.more:
                if self.resting or self._inlet.full or device.unanswered >= MOST_UNANSWERED:
                    self.pace()
                return
            most -= messages
        self._handle(self.session.hear(chunk, now, most))

    def lost(self) -> None:
        """Leave the place among its owner's connections."""
        if self._strange:
            self._wiring.strangers.leave()
        if not self.session.over:
            self._on_ended(self.session.end(Reason.UNSPECIFIED_ERROR))
        if self._admitting is not None:
            self._admitting.cancel()
        if self.speaker is not None:
            self.speaker.gone()
            self._wiring.sessions.release(self)
        if self._tenant:
            self._wiring.house.leave(self._tenant)

    def _handle(self, happenings: list[Happening]) -> None:
        """Act on what a client said, write what there is to write, and decide whether to read on."""
        for happened in happenings:
            if self.speaker is not None and type(happened) is Publish:
                self._counts.messages += 1
                self.speaker.heard(happened)
            else:
                self._on(happened)
        self.write(self.session.take())
        self.pace()

    def _on(self, happened: Happening) -> None:
        match happened:
            case Connect():
                self._on_connect(happened)
            case Ended():
                self._on_ended(happened)
            case _ if self.speaker is not None:
                if isinstance(happened, Subscribed):
                    self._counts.unheard += happened.refused
                self.speaker.on(happened)

    def _on_connect(self, connect: Connect) -> None:
        """Let in the holder of a certificate, an access token or a key, and let anybody else wait."""
        token = connect.username or ""
        device = house.known_as(self._wiring.house, self.certificate, connect.client_id, token, connect.password)
        door = family_door.door_of(self._wiring.desk, self, token, device, self._bound)
        if door is not None:
            self._on_family(connect, door)
        elif device is not None:
            self._device = DeviceSpeaker(self._wiring, self, device)
            self.session.bound(self._wiring.of_device(device))
            self._device.bound(connect.level, self.session.limits)
            self._welcome(connect, self._device, self._wiring.house.tenant(device), self._wiring.limits.sessions)
        elif token.startswith(KEYS) or (self._bound and not token):
            self._admitting = self.loop.create_task(self._admit(connect, token))
        elif native_provision.USER in {token, connect.client_id} and len(self._wiring.newcomers) < newcomer.MOST:
            self._pass(connect, newcomer.NewcomerSpeaker(self._wiring, self, self.address), newcomer.MANNERS)
        else:
            self._on_stranger(token)

    async def _admit(self, connect: Connect, token: str) -> None:
        """Let in a program by its API key, or by the key of the port it came to."""
        try:
            members = self._wiring.members
            guest = await (members.admit(token) if token else members.bound(self._bound))
        except Exception:
            log.exception("an API key could not be looked up")
            self._handle([self.session.refuse(Reason.SERVER_UNAVAILABLE, "Try again in a moment.")])
            return
        if guest is None:
            self._on_stranger(token)
            return
        speaker = MemberSpeaker(self._wiring, self, guest)
        if connect.will is not None and (why := fault(guest, connect.will.topic)):
            self._handle([self.session.refuse(*why)])
            return
        self.session.manners, self.session.limits = speaker.manners, self._wiring.of_members(guest.tenant)
        self._welcome(connect, speaker, guest.tenant, self._wiring.member_limits.sessions)

    def _welcome(self, connect: Connect, speaker: DeviceSpeaker | MemberSpeaker, tenant: str, most: int) -> None:
        """Give a client its session and let it speak, if its tenant may have one more."""
        again = any(line.client_id == connect.client_id for line in self._wiring.sessions.of(speaker.owner))
        if not self._enter(tenant, again=again):
            return
        self.speaker = speaker
        now, expiry = self.loop.time(), greeting.expiry(connect, self.session.limits)
        speaker.standing, present = self._wiring.sessions.admit(self, tenant, connect, expiry, most)
        speaker.standing.memory.press = self._press
        self.session.welcome(speaker.standing.memory, self.client_id, now, present=present)
        self._handle([])
        self._tick()

    def _enter(self, tenant: str, *, again: bool) -> bool:
        """Count a connection of a tenant, or say that it has too many."""
        if full := self._wiring.house.enter(tenant, again=again):
            self._counts.refused += 1
            self._handle([self.session.refuse(Reason.QUOTA_EXCEEDED, full)])
            return False
        self._tenant, self._counts.accepted = tenant, self._counts.accepted + 1
        return True

    def _on_family(self, connect: Connect, door: Admitted) -> None:
        """Let devices of a family speak, each known by its words; equal client ids live side by side."""
        if self._wiring.desk is not None and self._enter(door.tenant, again=False):
            speaker = family.FamilySpeaker(self._wiring, self, self._wiring.desk, door)
            self._pass(connect, speaker, speaker.manners)

    def _pass(self, connect: Connect, speaker: Speaker, manners: Manners) -> None:
        """Let somebody speak whose session ends with the connection."""
        self.speaker, self.client_id, self.session.manners = speaker, connect.client_id or new_id(), manners
        self.session.welcome(Memory(), self.client_id, self.loop.time(), present=False)
        self.session.expiry_s = 0
        self._handle([])
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

    def _on_ended(self, ended: Ended) -> None:
        """Close after the last words, and tell of it if the client broke the protocol."""
        if ended.broken:
            self._counts.malformed += 1
            tell = log.warning if self.speaker else log.info
            tell("broke the protocol", device=self.owner, address=self.address, why=ended.sentence)
        if self.speaker is not None:
            self.speaker.ended(ended)
            self._wiring.sessions.part(self)
        self.write(self.session.take())
        self.close()

    def send(self, message: Message, qos: int, *, retain: bool, identifiers: tuple[int, ...]) -> None:
        """Send a message of a topic tree; at QoS 0 a client that does not read goes without."""
        if qos or not self.blocked:
            self.session.send(message, qos, self.loop.time(), retain=retain, identifiers=identifiers)
            self.soon()
        else:
            self._counts.unsent += 1

    def saved(self) -> None:
        """Say what had to wait until more of the session was on disk."""
        self.session.saved(self.loop.time())
        self.soon()

    def soon(self) -> None:
        """Write what there is to write once this turn of the loop is over."""
        if not self._due:
            self._due = True
            self.loop.call_soon(self.settled)

    def settled(self, *, lost: bool = False) -> None:
        """Write what there is to write; a client of which something is lost is let go soon."""
        self._due = False
        self.write(self.session.take())
        if lost and not self.is_due("busy"):
            sentence = "This could not be kept just now; connect and send it again."
            self.after("busy", self._wiring.busy_s, partial(self.end, Reason.QUOTA_EXCEEDED, sentence))
            self.halt()
        if self.resting:
            self.pace()

    def _press(self) -> None:
        """Let a client go that has answered nothing for long, for what it was sent keeps others from theirs."""
        if self.session.owes(self.loop.time()) >= self.session.limits.unanswered_s and not self.is_due("press"):
            self._counts.unanswering += 1
            sentence = "The inboxes are full of what you do not acknowledge; connect again and do so."
            self.after("press", 0, partial(self.end, Reason.QUOTA_EXCEEDED, sentence))

    def end(self, reason: Reason, sentence: str = "") -> None:
        """Say why and close."""
        if not self.session.over:
            self._handle([self.session.end(reason, sentence)])

    # writing, reading, time

    def pace(self) -> None:
        """Read on only while the log, this client's own queue and its socket have room."""
        if self.closing or self.halted:
            return
        if not self._full and self._inlet.full:
            self._full = True
            self._inlet.when_free(self._freed)
        rest = self._full or self.blocked or self._owed
        more = self.session.more
        if more and not rest and not self._turn:
            self._turn = True
            self.loop.call_soon(self._go_on)
        self.rest(rest or more)

    @property
    def _owed(self) -> bool:
        """Whether it is the house's turn to answer."""
        speaker = self.speaker
        if speaker is None:
            return self.session.state is State.ASKED
        return speaker.unanswered >= MOST_UNANSWERED or speaker.asking

    def _freed(self) -> None:
        self._full = False
        self.pace()

    def _go_on(self) -> None:
        """Handle what came and had to wait for its turn."""
        self._turn = False
        if not self.closing and not self.halted:
            self.hear(b"")

    def _tick(self) -> None:
        """End a session whose client is silent for too long, unless it was we who did not listen."""
        if self._device is not None:
            self.session.heard_at = max(self.session.heard_at, self._device.heard_at)
        deadline, now = self.session.deadline, self.loop.time()
        if deadline is None:
            return
        if now < deadline:
            self.after("tick", deadline - now, self._tick)
        elif self.resting:
            self.after("tick", PAUSED_S, self._tick)
        else:
            self._counts.refused += self.session.state is State.SILENT
            self._handle(self.session.tick(now))
