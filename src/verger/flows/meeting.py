"""Meeting: devices that their families know by an address, and strangers, whose words are kept until somebody cares."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, structs

from verger.base.clock import Clock, moment
from verger.base.errors import Fault
from verger.base.ids import new_id
from verger.base.rates import Meter
from verger.domain.devices.families import ANYTHING, identity
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Admitted, Enrolment, Stranger
from verger.domain.enrolments.pairing import Key
from verger.domain.enrolments.strangers import newest
from verger.domain.telemetry.model import Answer, Heard, Readings, Said
from verger.flows.codes import Codes
from verger.flows.doors import Doors
from verger.flows.enrolled import Enrolled
from verger.flows.lies import LIED, Lies
from verger.flows.oversight import Figure
from verger.flows.voices import Speaks
from verger.flows.waiting import packed

_MOST_TIMES = 10_000
_MOST_IDS = 10_000  # devices
_MOST_SAMPLED, _MOST_CHANNELS = 50, 200  # that are remembered of a stranger
_LONGEST = 200  # characters of an address, and of the name of a place
_NOT_OPEN = "No new device is let in here now: open the enrolment again, or let it take more devices."
_NOT_HERE = "This family is not spoken here; make an enrolment for it."
_NO_NEW_CODE = "It asks for a new code: open the window for that on its page, if it was you who reset it."
_UNREADABLE = f"A device, and each place it stands in, is named in 1 to {_LONGEST} printable characters."
_WRONG = "It brought a code that is not its own."
_NOTHING = "It came without the code or token that it has shown before: somebody else may have spoken for it."
_WHY_NOT: dict[str | None, str] = {"": _NO_NEW_CODE, None: _NOTHING}


class Met(Struct, frozen=True):
    """What became of what somebody said: kept or not, whose it is, and a `secret` that it is to be told.

    `known`: it is an adopted device. `barred`: it may not speak here at all. `fresh`: it, or one of its channels, was
    not met before.
    """

    answer: Answer = Answer(kept=False)
    device: str | None = None
    stranger: str | None = None
    secret: str = ""
    known: bool = False
    barred: bool = False
    fresh: bool = False


class Meeting(Doors):
    """Tells devices from strangers. What it keeps is on disk on return."""

    def __init__(self, kept: Kept, enrolled: Enrolled, lies: Lies, clock: Clock, rate: str) -> None:
        """Let strangers of one enrolment speak at a rate."""
        super().__init__(kept, enrolled)
        self.lies = lies
        self.barred = self.met = 0
        self._clock, self._rate = clock, rate
        self._given: dict[str, int] = {}  # by stranger
        self._ids: dict[Key, dict[str, str]] = {}  # what each calls what it measures, as it was met
        self._meters: dict[str, Meter] = {}
        self._codes = Codes(kept, enrolled, clock)
        # One for each tenant: nobody waits for the strangers of others.
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    # what is known already

    def speak(self, door: Admitted, dialect: str, voice: Speaks) -> Heard | None:
        """Return what a known device said, ready for the inlet; None for anybody who has to be met first."""
        name = self._name(door.tenant, dialect, voice)
        known = self._kept.addresses.find(door.tenant, dialect, name)
        if door.device is not None and (known is None or known.device != door.device):
            return self.lies.of(door.device, dialect, LIED)
        if known is None:
            return None
        if voice.lie:
            return self.lies.of(known.device, dialect, voice.lie)
        if door.device is None and not self._codes.fits((door.tenant, dialect, name), voice.secret):
            return None
        return Heard(known.device, _named(voice.said, voice.channels, known.channels), voice.refused)

    async def prove(self, door: Admitted, dialect: str, address: str, secret: str) -> None:
        """Know that a device spoke with the secret that it was told, on disk on return."""
        key = (door.tenant, dialect, identity(dialect, address))
        if not self._codes.is_settled(key):
            async with self._turns[door.tenant]:
                await self._codes.see(key, secret)

    def impostor(self, dialect: str, address: str, secret: str) -> None:
        """Count it as a lie where somebody, who was refused, brought the secret of another device than it named."""
        key = self._enrolled.pairings.holder(dialect, secret)
        if key is not None and key[2] != identity(dialect, address) and (known := self._kept.addresses.find(*key)):
            self.lies.by(known.device, dialect, LIED)

    def lied(self, door: Admitted, dialect: str, voice: Speaks) -> None:
        """Count a lie that was told without a message, such as by listening for another device."""
        known = self._kept.addresses.find(door.tenant, dialect, self._name(door.tenant, dialect, voice))
        if known is not None:
            self.lies.by(known.device, dialect, voice.lie)
        elif (enrolment := door.enrolment(dialect)) is not None:
            self.lies.at(door.tenant, enrolment, voice.lie)

    def _name(self, tenant: str, dialect: str, voice: Speaks) -> str:
        """Return what a device is known by: by its address, or, where that is new, by the secret of a sibling."""
        name = self._known_as(tenant, dialect, voice.address)
        if not voice.secret or self._enrolled.pairings.get((tenant, dialect, name)) is not None:
            return name
        owner = self._enrolled.pairings.owner(tenant, dialect, voice.secret)
        return name if owner is None or self._is_another(owner, voice) else owner[2]

    def _is_another(self, owner: Key, voice: Speaks) -> bool:
        """Whether one that brings a device's secret measures, under other ids, what that device measures itself."""
        known = self._kept.addresses.find(*owner)
        own = {metric: each for each, metric in known.channels.items()} if known is not None else {}
        own |= self._ids.get(owner, {})
        named = ((metric, each) for metric, each in voice.channels.items() if metric != ANYTHING)
        return any(own.get(metric, each) != each for metric, each in named)

    def _remember(self, key: Key, voice: Speaks) -> None:
        """Know what a device calls what it measures."""
        self._ids[key] = dict(newest(self._ids.pop(key, {}), voice.channels, _MOST_CHANNELS))
        if len(self._ids) > _MOST_IDS:
            del self._ids[next(iter(self._ids))]

    # who is new

    async def meet(self, door: Admitted, dialect: str, voice: Speaks) -> Met:
        """Keep what a stranger says, or see to a secret. Of a known device nothing is kept: it may `speak` if `known`.

        Raise Busy when nothing can be kept.
        """
        enrolment = door.enrolment(dialect)
        if enrolment is None:
            self.barred += 1
            return Met(answer=_refusal(_NOT_HERE), barred=True)
        if wait := self._wait(enrolment):
            return Met(answer=Answer(kept=False, later="Strangers speak too fast here.", wait_s=wait))
        if voice.lie:
            self.lies.at(door.tenant, enrolment, voice.lie)
            return Met(answer=_refusal(voice.lie))
        async with self._turns[door.tenant]:
            key = (door.tenant, dialect, self._name(door.tenant, dialect, voice))
            known = self._kept.addresses.find(*key)
            if known is not None:
                return await self._known(key, known.device, voice)
            return await self._stranger(key, enrolment, voice)

    async def _known(self, key: Key, device: str, voice: Speaks) -> Met:
        """See to the secret of an adopted device; it speaks afterwards if its own was right."""
        told, right = await self._codes.see(key, voice.secret)
        if told or right:
            self._remember(key, voice)
        if told:
            self._kept.remarks.note(key[0], device, "code", "It was given a new code.")
            own = self._kept.addresses.find(*key)
            fresh = _is_fresh(device, voice, own.channels if own else {})
            return Met(device=device, secret=told, answer=Answer(kept=True), fresh=fresh)
        if right:
            return Met(device=device, known=True)
        sentence = _WHY_NOT.get(voice.secret, _WRONG)
        self._kept.remarks.note(key[0], device, "code", sentence)
        return Met(device=device, answer=_refusal(sentence))

    async def _stranger(self, key: Key, enrolment: Enrolment, voice: Speaks) -> Met:
        store, now = self._enrolled.strangers, moment(self._clock.now())
        found = self._enrolled.waiting.get(key)
        if not all(map(_is_readable, (key[2], voice.address, *(name for _, name in voice.path)))):
            return Met(answer=_refusal(_UNREADABLE))
        if found is None:
            current = self._enrolled.roll.get(enrolment.id)
            if current is None or current[1].open_until <= now or current[1].let_in >= current[1].max_devices:
                self.barred += 1
                return Met(answer=_refusal(_NOT_OPEN), barred=True)
        told, right = await self._codes.see(key, voice.secret)
        if not told and not right:
            return Met(stranger=found, answer=_refusal(_WHY_NOT.get(voice.secret, _WRONG)))
        if found is None:
            stranger = Stranger(
                id=new_id(),
                dialect=key[1],
                address=voice.address,
                enrolment=enrolment.id,
                place=enrolment.place,
                first_seen=now,
                last_seen=now,
            )
            await store.begin(key[0], key[2], stranger)
            self._enrolled.waiting[key] = stranger.id
            self._enrolled.roll.count(enrolment.id, 1)
            self.met += 1
        else:
            stranger = await store.get(key[0], found)
        self._remember(key, voice)
        body, readings = packed(voice.said, self._time(stranger.id))
        await store.hear(key[0], _heard(stranger, voice, now), body, readings)
        answer = Answer(kept=bool(body) or bool(told), refused=voice.refused)
        return Met(stranger=stranger.id, secret=told, answer=answer, fresh=_is_fresh(found, voice, stranger.channels))

    def _time(self, stranger: str) -> int:
        """Return a time of receipt that nothing else of a stranger has, and that no device would send."""
        now = self._clock.now()
        at = max(now, self._given.get(stranger, 0) + 1)
        self._given[stranger] = at = at if at % 1000 else at + 1
        if len(self._given) > _MOST_TIMES:
            self._given = {each: given for each, given in self._given.items() if given >= now}
        return at

    def _wait(self, enrolment: Enrolment) -> int:
        """Return the whole seconds until a stranger may speak at an enrolment, 0 for now."""
        now = self._clock.now()
        meter = self._meters.setdefault(enrolment.id, Meter(self._rate, now))
        wait = meter.wait(1, now)
        if wait:
            return max(1, round(wait))
        meter.spend(1)
        return 0

    def figures(self) -> Iterator[Figure]:
        """Return the figures of strangers."""
        enrolled = self._enrolled
        yield Figure("strangers_waiting", "Devices that wait to be adopted", len(enrolled.waiting))
        yield Figure("strangers_met", "Devices that came without a credential", self.met, grows=True)
        yield Figure("strangers_barred", "Times that a stranger was not let in", self.barred, grows=True)
        dropped = enrolled.strangers.dropped
        yield Figure("strangers_dropped", "Readings of strangers past the limit", dropped, grows=True)
        yield from self.lies.figures()


def _named(said: tuple[Said, ...], channels: dict[str, str], own: dict[str, str]) -> tuple[Said, ...]:
    """Return what was said with its metrics as a person named them."""
    if not own or not channels:
        return said
    names = {metric: own[channel] for metric, channel in channels.items() if own.get(channel, metric) != metric}
    if not names:
        return said
    return tuple(
        Readings({names.get(metric, metric): value for metric, value in each.values.items()}, each.at)
        if isinstance(each, Readings)
        else each
        for each in said
    )


def _heard(stranger: Stranger, voice: Speaks, now: Any) -> Stranger:
    """Return a stranger after it spoke."""
    fresh: dict[str, Any] = {}
    for said in voice.said:
        if isinstance(said, Readings):
            fresh |= said.values
    return structs.replace(
        stranger,
        last_seen=now,
        sample=newest(stranger.sample, fresh, _MOST_SAMPLED),
        channels=newest(stranger.channels, {own: metric for metric, own in voice.channels.items()}, _MOST_CHANNELS),
        gateway=voice.gateway or stranger.gateway,
        path=voice.path or stranger.path,
    )


def _is_fresh(before: str | None, voice: Speaks, channels: dict[str, str]) -> bool:
    """Whether one that speaks, or something that it measures, was not met before."""
    return before is None or not channels.keys() >= set(voice.channels.values())


def _is_readable(name: str) -> bool:
    return bool(name.strip()) and len(name) <= _LONGEST and name.isprintable()


def _refusal(sentence: str) -> Answer:
    return Answer(kept=False, refused=(Fault("", sentence),))
