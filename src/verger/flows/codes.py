"""Codes: the secrets by which families' devices are known, whom they are told, and who brings the right one."""

import secrets
from datetime import timedelta

from msgspec import structs

from verger.base.clock import MINUTE, Clock, moment
from verger.base.secrets import same
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Pairing
from verger.domain.enrolments.pairing import Key, Pairings
from verger.flows.enrolled import Enrolled

CODE_WINDOW = 10 * MINUTE
_WITH_CODES = frozenset({"cottage", "ozone"})  # families that ask for one
_ASKS_EVERY = timedelta(minutes=1)  # a device that asks all the time is noted so often


class Codes:
    """Knows which code is whose. What it keeps is on disk on return."""

    def __init__(self, kept: Kept, enrolled: Enrolled, clock: Clock) -> None:
        """Know devices, and what they have shown."""
        self._kept, self._pairings, self._clock = kept, enrolled.pairings, clock

    def fits(self, key: Key, brought: str | None) -> bool:
        """Whether a device brings what it has proven itself with, or, never having done that, brings nothing."""
        pairing = self._pairings.get(key)
        return same(pairing.secret, brought or "") if pairing and pairing.proven else brought is None

    def is_settled(self, key: Key) -> bool:
        """Whether a device has proven its code, or has none, and does not ask for another."""
        pairing = self._pairings.get(key)
        return pairing is None or (pairing.proven and not pairing.asked_at)

    async def see(self, key: Key, brought: str | None) -> tuple[str, bool]:
        """Return the code that a device is to be told, and whether the one that it brought is its own."""
        pairing = self._pairings.get(key)
        if brought is None:
            return "", pairing is None or not pairing.proven
        if brought == "":
            return await self._told(key, pairing), False
        if pairing is not None and not same(pairing.secret, brought):
            return "", False
        if pairing is None or not pairing.proven or pairing.asked_at:
            await self._pairings.put(key, Pairing(secret=brought, proven=True))
        return "", True

    async def _told(self, key: Key, pairing: Pairing | None) -> str:
        """Return the code for a device that says it has none, "" where people have to let it have one first."""
        now = moment(self._clock.now())
        is_open = pairing is not None and pairing.open_until is not None and pairing.open_until > now
        if guarded(self._kept, key, pairing) and not is_open:
            if pairing is None or pairing.asked_at is None or now - pairing.asked_at > _ASKS_EVERY:
                before = pairing or fresh(self._pairings, key)
                await self._pairings.put(key, structs.replace(before, asked_at=now, open_until=None))
            return ""
        if pairing is None or pairing.proven:
            pairing = fresh(self._pairings, key)
            await self._pairings.put(key, pairing)
        return pairing.secret


def guarded(kept: Kept, key: Key, pairing: Pairing | None) -> bool:
    """Whether a device gets a code only in a window: it is adopted, and has spoken with its code, or without one.

    Whoever is not adopted has no page with a window.
    """
    adopted = kept.addresses.find(*key)
    if adopted is None or key[1] not in _WITH_CODES:
        return False
    if pairing is not None:
        return pairing.proven or pairing.asked_at is not None or pairing.open_until is not None
    known = kept.registry.known(adopted.device)
    return known is not None and bool(known.series)


def fresh(pairings: Pairings, key: Key) -> Pairing:
    """Return a code that no other device of the tenant has: 8 hexadecimal digits, or 32 characters for ozone."""
    while True:
        code = secrets.token_urlsafe(24) if key[1] == "ozone" else secrets.token_hex(4)
        if pairings.owner(key[0], key[1], code) is None:
            return Pairing(secret=code)
