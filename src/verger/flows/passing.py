"""Passing: a device proves itself once with its secret, and speaks with passes that end soon."""

import asyncio
import base64
import binascii
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct, structs

from verger.base.clock import DAY, MINUTE, Clock, moment
from verger.base.errors import Invalid, Missing, Unknown
from verger.base.ids import new_id
from verger.base.secrets import ServerSecret, Unsealable
from verger.domain.devices.families import identity
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Admitted
from verger.domain.enrolments.passes import OVER, Pass, Turns
from verger.flows.doors import Doors
from verger.flows.enrolled import Enrolled

ACCESS = 15 * MINUTE
REFRESH = 14 * DAY
_ABOUT = "pass"
_KINDS = {"access": "va", "refresh": "vr"}
_WRONG = "Invalid secret"
_NOT_VALID = "Invalid refresh token"
_TWICE = "A refresh token came a second time: it may have been stolen, so its line of tokens has ended."


class Passed(Struct, frozen=True):
    """What a device has once it proved itself: a pass to speak with until a time, and one to exchange."""

    device: str
    access: str
    refresh: str
    until: int
    name: str = ""


@dataclass
class Passing:
    """Gives passes and knows them again; nothing of a pass is kept until it is exchanged."""

    kept: Kept
    enrolled: Enrolled
    doors: Doors
    secret: ServerSecret
    turns: Turns
    clock: Clock
    _exchanging: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def sign_in(self, dialect: str, address: str, secret: str, door: Admitted | None = None) -> Passed:
        """Give a device its first passes, behind a door one of its tenant's.

        Raise Unknown, alike for an address and a secret that are not known.
        """
        own = self.doors.by_secret(dialect, address, secret, door)
        if own is None or own.device is None:
            raise Unknown(_WRONG)
        found = await self.kept.devices.get(own.tenant, own.device)
        return structs.replace(self._given(own.tenant, own.device, new_id(), 0), name=found.name)

    def admitted(self, token: str) -> Admitted | None:
        """Return the door of the device that a pass belongs to, None for one that holds no longer."""
        told = self._opened(token, "access")
        if told is None or told.until <= self.clock.now() or self.turns.of(told.line) == OVER:
            return None
        return Admitted(told.tenant, (), told.device) if self._mark(told.tenant, told.device) == told.mark else None

    async def exchange(self, token: str) -> Passed:
        """Return new passes for one that was not exchanged yet; one that was ends all passes of its line.

        Raise Unknown, Missing when the device has gone, Invalid for a pass of the other kind.
        """
        if self._opened(token, "access") is not None:
            raise Invalid("Wrong token type")
        told = self._opened(token, "refresh")
        if told is None or told.until <= self.clock.now():
            raise Unknown(_NOT_VALID)
        mark = self._mark(told.tenant, told.device)
        if mark is None:
            raise Missing("Device not found")
        async with self._exchanging:
            turn = self.turns.of(told.line)
            if turn == OVER or mark != told.mark:
                raise Unknown(_NOT_VALID)
            if turn != told.turn:
                await self._keep(told, OVER)
                self.kept.remarks.note(told.tenant, told.device, "credential", _TWICE)
                raise Unknown(_NOT_VALID)
            await self._keep(told, turn + 1)
            return self._given(told.tenant, told.device, told.line, turn + 1)

    async def _keep(self, told: Pass, turn: int) -> None:
        now = self.clock.now()
        await self.turns.put(told.device, told.line, turn, moment(now + REFRESH), moment(now))

    def _given(self, tenant: str, device: str, line: str, turn: int) -> Passed:
        now, mark = self.clock.now(), self._mark(tenant, device) or ""
        access = Pass("access", tenant, device, line, turn, now + ACCESS, mark)
        refresh = structs.replace(access, kind="refresh", until=now + REFRESH)
        return Passed(device, self._sealed(access), self._sealed(refresh), access.until)

    def _mark(self, tenant: str, device: str) -> str | None:
        """Return a mark of the secret that a device has now, None for one that has gone or has none."""
        known = self.kept.addresses.of(device)
        if known is None or known.tenant != tenant:
            return None
        pairing = self.enrolled.pairings.get((tenant, known.dialect, identity(known.dialect, known.address)))
        return None if pairing is None else self.secret.mark(b"pass", pairing.secret.encode())[:32]

    def _sealed(self, told: Pass) -> str:
        sealed = self.secret.seal(msgspec.msgpack.encode(told), _ABOUT)
        return f"{_KINDS[told.kind]}_{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def _opened(self, token: str, kind: str) -> Pass | None:
        """Return what is sealed in a pass of a kind, None for anything else."""
        begins, _, text = token.partition("_")
        if begins != _KINDS[kind]:
            return None
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            told = msgspec.msgpack.decode(self.secret.unseal(sealed, _ABOUT), type=Pass)
        except (binascii.Error, ValueError, Unsealable):
            return None
        return told if told.kind == kind else None
