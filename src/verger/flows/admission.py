"""Admission: which programs may enter a tenant's topic tree, and what their API keys let them do there."""

from dataclasses import dataclass

from msgspec import structs

from verger.base.errors import Unknown
from verger.domain.messages.model import Guest
from verger.domain.tenancy.keys import Keys
from verger.domain.tenancy.model import ApiKey, Caller, Permission, permissions

_READS: tuple[Permission, ...] = ("devices:read", "history:read", "events:read", "places:read")
_WRITES: Permission = "devices:control"


@dataclass(frozen=True)
class Admission:
    """Knows programs by their API keys."""

    keys: Keys

    async def admit(self, token: str) -> Guest | None:
        """Return whom an API key lets in."""
        try:
            return _guest(await self.keys.caller(token))
        except Unknown:
            return None

    async def bound(self, key: str) -> Guest | None:
        """Return whom the API key of an id lets in, or still lets in."""
        try:
            return _guest(await self.keys.holder(key))
        except Unknown:
            return None

    async def left(self, guest: Guest) -> Guest | None:
        """Return what whoever made a key that has ended may still do of what it allowed, None if nothing."""
        role = await self.keys.maker(guest.tenant, guest.made_by)
        if role is None:
            return None
        may = permissions(role)
        reads, writes = guest.reads and may.issuperset(_READS), guest.writes and _WRITES in may
        return structs.replace(guest, reads=reads, writes=writes)


def _guest(caller: Caller) -> Guest | None:
    if not isinstance(caller.who, ApiKey):
        return None
    reads = all(caller.may(permission) for permission in _READS)
    return Guest(caller.tenant, caller.who.id, reads, caller.may(_WRITES), caller.who.made_by)
