"""The devices of families on one connection: who spoke there, and how each of them is told what it is to do."""

import asyncio
from collections.abc import Callable, Sequence

from verger.domain.devices.families import identity
from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects.family import Family, Frame, Reached, Voice, own
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line
from verger.edges.wire.switchboard import Key
from verger.edges.wire.topics import covering

_MOST_DEVICES = 10_000
_QUIET_S = 60.0


class FamilyLine:
    """One connection as the switchboard knows it; `name` completes an address whose beginning alone was told."""

    def __init__(
        self, desk: Desk, line: Line, door: Admitted, families: Sequence[Family], name: Callable[[str], str]
    ) -> None:
        """Have nobody here yet."""
        self._desk, self._line, self._door, self._families, self._name = desk, line, door, families, name
        self._here: dict[str, tuple[Family, Reached]] = {}
        self._strangers: dict[Key, tuple[Family, Voice]] = {}
        self._sent: dict[int, tuple[str, Ask]] = {}
        self._gone = False
        self._enrolments = tuple(each.id for each in door.enrolments)
        desk.switchboard.open(self, self._enrolments)

    def spoke(self, family: Family, voice: Voice, device: str) -> None:
        """Know that a device is here, and how it is reached."""
        here = self._here.get(device)
        if self._gone:
            return
        if here is None and len(self._here) < _MOST_DEVICES:
            self._here[device] = family, Reached(voice.address, reach=voice.reach)
            self._desk.switchboard.join(device, self)
        elif here is not None and voice.reach and here[1].reach != voice.reach:
            self._here[device] = family, Reached(voice.address, reach=voice.reach)

    def knocked(self, family: Family, voice: Voice) -> None:
        """Know that a stranger spoke here: once it is adopted it is here."""
        key = (self._door.tenant, family.name, identity(family.name, voice.address))
        if not self._gone and (key in self._strangers or len(self._strangers) < _MOST_DEVICES):
            self._strangers[key] = family, Voice(voice.address, reach=voice.reach)
            self._desk.switchboard.knock(key, self)

    def adopted(self, key: Key, device: str) -> None:
        """Know that a stranger is a device now."""
        if (known := self._strangers.pop(key, None)) is not None:
            self.spoke(*known, device)

    def subscribed(self, topics: Sequence[str]) -> None:
        """Know a device that is sure to be itself, and that those here may hear more now.

        Anybody else is here once it has spoken: to listen for a device is not to be it.
        """
        for family in self._families:
            for topic in topics:
                voice = family.listens(topic)
                device = None if voice is None else self._find(family, voice)
                if voice is not None and device is not None and self._is_sure(voice, device):
                    self.spoke(family, voice, device)
        for device in self._here:
            self._desk.switchboard.orders.listens(device)

    def _find(self, family: Family, voice: Voice) -> str | None:
        try:
            return self._desk.meetings.find(self._door, family.name, own(voice.address, self._name))
        except Garbled:
            return None

    def _is_sure(self, voice: Voice, device: str) -> bool:
        """Whether the connection's credential is that of this one device, or whoever spoke for it last comes again."""
        if self._door.device is not None:
            return self._door.device == device
        certified = voice.address.endswith(":") and bool(self._line.certificate)
        return certified or self._desk.switchboard.comes_again(device, self)

    def granted(self, topic: str) -> int | None:
        """Return the QoS at which a topic is listened to, None where it is not."""
        heard = self._line.session.memory.subscriptions
        return max((how.qos for one, how in heard.items() if covering(one, topic)), default=None)

    def acknowledged(self, packet_id: int) -> tuple[str, Ask] | None:
        """Return which command of which device was sent in a packet that is acknowledged now, None for any other."""
        return self._sent.pop(packet_id, None)

    def close(self) -> None:
        """Let those go that spoke here."""
        self._gone = True
        self._desk.switchboard.close(self, tuple(self._here), tuple(self._strangers), self._enrolments)

    @property
    def alone(self) -> str | None:
        """Return the device that has this connection to itself so far."""
        return next(iter(self._here)) if len(self._here) == 1 else None

    # as the switchboard knows it

    @property
    def who(self) -> tuple[str, ...]:
        """Return what is the same once a client comes again."""
        return self._line.client_id, self._line.certificate, self._line.address

    @property
    def quiet(self) -> bool:
        """Whether nothing was heard for a while, though it could be: the other end may be gone."""
        return not self._line.resting and asyncio.get_running_loop().time() - self._line.session.heard_at > _QUIET_S

    def listens(self, device: str, order: Ask) -> bool:
        """Whether a device hears a command here."""
        return bool(self._frames(device, order))

    def ask(self, device: str, order: Ask, qos: int) -> bool:
        """Send a command to a device, if its family can and it listens; whether it is on its way."""
        frames = self._frames(device, order)
        if not frames or self._line.blocked:
            return False
        session = self._line.session
        sent = [session.publish(frame.topic, frame.body, min(qos, most), wait=False) for frame, most in frames]
        self._line.write(session.take())
        self._sent |= dict.fromkeys([packet_id for packet_id in sent if packet_id], (device, order))
        return None not in sent

    def _frames(self, device: str, order: Ask) -> list[tuple[Frame, int]]:
        """Return what a command is written as at the topics that are listened to, each with the QoS granted there."""
        here, known = self._here.get(device), self._desk.meetings.addressed(device)
        if here is None or known is None:
            return []
        family, reached = here
        frames = family.write(order, Reached(known.address, known.channels, reached.reach))
        heard = [(frame, self.granted(frame.topic)) for frame in frames]
        return [(frame, most) for frame, most in heard if most is not None]

    def drop(self, device: str) -> None:
        """Hear a device no longer; one that has this connection to itself leaves."""
        self._here.pop(device, None)
        if self._door.device == device:
            self.end("This credential no longer holds.")

    def end(self, sentence: str) -> None:
        """End the connection."""
        self._line.end(Reason.NOT_AUTHORIZED, sentence)
