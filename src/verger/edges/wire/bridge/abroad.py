"""Devices abroad: what those of families say over a bridge, and how each that was heard over it is told something.

To its broker a bridge is one client among others: what we publish there comes back where we listen to it, and so does
what another server tells the same devices. Neither is anything that a device said.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Protocol, TypeVar

from verger.base.clock import SECOND, Clock
from verger.base.errors import Fault
from verger.domain.bridges.model import Bridge, Found, TopicRule
from verger.domain.bridges.ways import Way
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import KEPT, Answer, Garbled, Heard
from verger.edges.wire.bridge.sending import Told
from verger.edges.wire.dialects import native
from verger.edges.wire.dialects.families import SPOKEN
from verger.edges.wire.dialects.family import Family, Frame, Reached, Voice
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.ear import Ear
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.topics import covering
from verger.flows.bridging import Standing
from verger.flows.meeting import Met

MOST_WAYS = 10_000
_REMEMBERED = 1_000
_SHORT = 12  # letters of a bridge's id that tell one from another
_LONGEST = 100  # letters of a prefix in an address
_ENDED = "The enrolment of this rule has ended; choose another for it."
_NOBODY = "Nobody listened at {topic} on the broker of its bridge when it was told a command."
_NOT_TAKEN = "The broker of its bridge refused a command at {topic} (code {code}): let our user publish there."


class Publish(Protocol):
    """Sends a message to a broker."""

    def __call__(self, topic: str, body: bytes, told: Told, lasts_s: int | None = None) -> bool:
        """Return whether it is on its way; it is worth nothing after so many seconds."""
        ...


K = TypeVar("K")


class Abroad:
    """Those who speak over one bridge; they are told something by `publish`, which is there while its line stands."""

    def __init__(
        self, desk: Desk, tenant: str, bridge: Bridge, ways: dict[str, Way], standing: Standing, clock: Clock
    ) -> None:
        """Know on which ways devices of a tenant were reached before; `fresh` are those that are to be kept."""
        self.fresh: dict[str, Way] = {}
        self.publish: Publish | None = None
        self._desk, self._tenant, self._bridge = desk, tenant, bridge
        self._standing, self._clock = standing, clock
        self._ways = {device: way for device, way in ways.items() if _leads(bridge.rules, way)}
        self._ear = Ear(desk.meetings)
        self._had: dict[tuple[str, int], None] = {}  # commands that are given to the broker once
        self._said: dict[tuple[str, bytes], None] = {}  # in native words: whoever says them there, they are ours
        self._meeting: asyncio.Task[Met] | None = None

    # what they say

    def hears(self, rule: TopicRule, topic: str) -> bool:
        """Whether a topic is one of a rule's family, for what its devices say or are told."""
        family = SPOKEN[rule.says]
        return family.hears(topic) or family.may_hear(topic)

    async def hear(self, rule: TopicRule, found: Found, body: bytes) -> Heard | Answer | None:
        """Return what a known device said, or what became of a stranger's words; None: they are no device's.

        What is kept of a stranger is on disk on return. Raise Garbled, or Busy when nothing can be kept.
        """
        family, door = SPOKEN[rule.says], self._door(rule)
        if not family.hears(found.rest):
            return None
        if door is None:
            return Answer(kept=False, refused=(Fault("", _ENDED),))
        voice = self._voice(door, family, found, body)
        if voice is None:
            return None  # it tests the way, and hears itself from its own broker
        heard = self._desk.meetings.speak(door, family.name, voice)
        if heard is None:
            met = await self._meet(door, family, voice)
            for frame in family.granted(voice, met.secret) if met.secret else ():
                self._tell(found.prefix + frame.topic, frame.body, _unheeded)
            heard = self._desk.meetings.speak(door, family.name, voice) if met.known else None
            if heard is None:
                return met.answer
        if heard.said or not heard.refused:
            self.note(heard.device, Way(family.name, found.prefix, voice.reach, family.told_at(found.rest)))
        return heard if heard.said or heard.refused else KEPT

    def _voice(self, door: Admitted, family: Family, found: Found, body: bytes) -> Voice | None:
        """Return who says what; raise Garbled, which stands on the log page of whoever it was."""
        frame, name = Frame(found.rest, body), partial(self._own, found.prefix)
        try:
            return self._ear.read(door, family, frame, name).voice
        except Garbled as garbled:
            if device := self._ear.whose(door, family, frame, name):
                self.remark(device, str(garbled))
            raise

    def _door(self, rule: TopicRule) -> Admitted | None:
        """Return the door that a rule's enrolment is, while it stands."""
        door = self._desk.meetings.by_enrolment(rule.enrolment or "")
        return door if door is not None and door.tenant == self._tenant and door.speaks(rule.says) else None

    async def _meet(self, door: Admitted, family: Family, voice: Voice) -> Met:
        """Meet a stranger, to the end though the line may break: what it said is kept whole."""
        self._meeting = asyncio.create_task(self._desk.meetings.meet(door, family.name, voice))
        return await asyncio.shield(self._meeting)

    async def settle(self) -> None:
        """Return once nobody is being met."""
        if self._meeting is not None:
            await asyncio.wait([self._meeting])

    def _own(self, prefix: str, begins: str) -> str:
        """Return what whoever gives no address is known by: where it speaks, and over which bridge."""
        where = prefix.strip("/").replace("/", ".")[-_LONGEST:] or "bridge"
        return f"{begins}{where}@{self._bridge.id[-_SHORT:]}"

    # how they are told something

    def note(self, device: str, way: Way) -> None:
        """Know how a device is reached that was heard."""
        before = self._ways.get(device)
        if before == way or (before is None and len(self._ways) >= MOST_WAYS):
            return
        self._ways[device] = self.fresh[device] = way
        if before is None:
            self._desk.switchboard.orders.listens(device)

    def listen(self, publish: Publish) -> None:
        """Tell devices by `publish`, first what waits for those who were heard before."""
        self.publish = publish
        for device in self._ways:
            self._desk.switchboard.orders.listens(device)

    def ours(self, topic: str, body: bytes) -> bool:
        """Whether a native message is one of our own that comes back."""
        return (topic, body) in self._said

    def remark(self, device: str, sentence: str) -> None:
        """Show on the log page of a device why nothing of a message was kept."""
        self._desk.house.remark(device, "refused", sentence)

    def ask(self, device: str, order: Ask) -> bool:
        """Send a command to a device that was heard over this bridge; whether it is on its way."""
        way = self._ways.get(device)
        if way is None or self._desk.house.tenant(device) != self._tenant:
            return False
        whose = (order.device or device, order.number)
        frames = [] if whose in self._had else self._written(device, order, way)
        lasts_s = max(1, (order.until - self._clock.now()) // SECOND)
        once = order.one_way or (way.dialect != native.NAME and not SPOKEN[way.dialect].answers)
        for frame in frames:
            topic = way.prefix + frame.topic
            if way.dialect == native.NAME:
                _remember(self._said, (topic, frame.body))
            if not self._tell(topic, frame.body, partial(self._taken, whose, topic, once=once), lasts_s):
                return False
        return bool(frames)

    def _written(self, device: str, order: Ask, way: Way) -> Sequence[Frame]:
        """Return a command in the words of its device, nothing where its family can be told nothing here any more."""
        if way.dialect == native.NAME:
            return native.write(order, way.reach)
        known, rules = self._desk.meetings.addressed(device), self._bridge.rules
        stands = any(self._door(rule) is not None for rule in rules if rule.says == way.dialect)
        if not stands or known is None or known.dialect != way.dialect or order.behind is not None:
            return []
        frames = SPOKEN[way.dialect].write(order, Reached(known.address, known.channels, way.reach))
        return [frame for frame in frames if not way.at or covering(way.at, frame.topic)]

    def _tell(self, topic: str, body: bytes, told: Told, lasts_s: int | None = None) -> bool:
        sent = self.publish is not None and self.publish(topic, body, told, lasts_s)
        self._standing.told += sent
        return sent

    def _taken(self, whose: tuple[str, int], topic: str, code: int, *, once: bool) -> None:
        """Learn that the broker has a command; that its device has it is for that to say."""
        if code >= Reason.UNSPECIFIED_ERROR:
            self._desk.house.remark(whose[0], "command", _NOT_TAKEN.format(topic=topic, code=code))
        elif code == Reason.NO_MATCHING_SUBSCRIBERS:
            self._desk.house.remark(whose[0], "command", _NOBODY.format(topic=topic))
        elif once:
            _remember(self._had, whose)


def _leads(rules: Sequence[TopicRule], way: Way) -> bool:
    """Whether a way is still one by the rules that its bridge has now."""
    for rule in rules:
        found = rule.match(f"{way.prefix}x") if rule.says == way.dialect else None
        if found is not None and found.prefix == way.prefix:
            return True
    return False


def _remember(memory: dict[K, None], key: K) -> None:
    """Know one more, and the oldest no longer where there are many."""
    memory[key] = None
    if len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]


def _unheeded(_code: int) -> None:
    """Let whoever was not told ask again."""
