"""Passwords: the rule they keep, and argon2id hashes made and checked away from the event loop."""

import asyncio
import unicodedata
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from verger.base.errors import Fault, Invalid

SHORTEST = 8
LONGEST = 1024
USUAL = PasswordHasher(time_cost=2, memory_cost=19 << 10, parallelism=1)
"""Takes 19 MiB and two passes, as OWASP advises."""
_AT_ONCE = 2


def allowed(password: str, field: str = "password") -> str:
    """Return the password, or raise Invalid with the rule it breaks."""
    if not SHORTEST <= len(password) <= LONGEST:
        sentence = f"A password needs at least {SHORTEST} characters and at most {LONGEST}."
        raise Invalid(sentence, [Fault(field, sentence)])
    return password


class Passwords:
    """Makes and checks argon2id hashes, few at a time, so that guessing cannot take the machine."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """Use a hasher, the usual one if none is given."""
        self._hasher = hasher or USUAL
        self._turn = asyncio.Semaphore(_AT_ONCE)
        # Checked when nobody has the e-mail given, so that both answers take as long.
        self._nobody = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """Return the hash to keep of a password."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def fits(self, kept: str | None, password: str) -> bool:
        """Tell whether a password is the one kept; for None it takes as long and is False."""
        async with self._turn:
            check = partial(self._check, kept or self._nobody, _normal(password))
            return await asyncio.to_thread(check) and kept is not None

    def outdated(self, kept: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _check(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerifyMismatchError, InvalidHashError):
            return False


def _normal(password: str) -> str:
    # Keyboards differ in how they compose letters such as ä; people must not notice.
    return unicodedata.normalize("NFKC", password)
