"""Credentials: how a device proves who it is. Only hashes are kept."""

import re

from sqlalchemy import Column, ForeignKey, String, Table, delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database, Instant, metadata
from verger.base.errors import Conflict, Fault, Invalid
from verger.base.secrets import digest, new_token
from verger.domain.devices.reserved import PEOPLE

KIND = "vt"
_OWN = re.compile(r"[!-~]{8,128}")
_NOT_IN_A_PATH = frozenset("/?#%\\")
_OTHER_KINDS = ("vk_", "ve_", "vs_")

credential_table = Table(
    "credential",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)


def own(secret: str) -> str:
    """Return the access token that a device brings along; raise Invalid for one that could not work."""
    fits = _OWN.fullmatch(secret) and _NOT_IN_A_PATH.isdisjoint(secret)
    if not fits or secret in PEOPLE or secret.startswith(_OTHER_KINDS):
        sentence = "A secret has 8 to 128 letters, digits or signs but / ? # % \\, and is no word of ours."
        raise Invalid(sentence, [Fault("secret", sentence)])
    return secret


class CredentialStore:
    """Where the hashes of access tokens are kept, one for each device."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep them in a database."""
        self._db = db
        self._clock = clock

    async def renew(self, tenant: str, device: str) -> str:
        """End a device's access token and give it a new one; return that, which cannot be read again."""
        async with self._db.writing() as connection:
            await self.end(connection, tenant, device)
            return await self.give(connection, tenant, device)

    async def give(self, connection: AsyncConnection, tenant: str, device: str, token: str | None = None) -> str:
        """Let a device in, within the caller's transaction, by a token of its own or a fresh one; return it."""
        token = token or new_token(KIND)
        row = {"device": device, "tenant": tenant, "token_hash": digest(token)}
        try:
            await connection.execute(credential_table.insert().values(**row, created_at=moment(self._clock.now())))
        except IntegrityError:
            sentence = "This secret is taken; leave it out to get a fresh one."
            raise Conflict(sentence, [Fault("secret", sentence)]) from None
        return token

    async def end(self, connection: AsyncConnection, tenant: str, device: str) -> None:
        """Take a device's token away, within the caller's transaction."""
        await connection.execute(
            delete(credential_table).where(credential_table.c.tenant == tenant, credential_table.c.device == device)
        )

    async def everything(self) -> list[tuple[str, str]]:
        """Return (device, token hash) of every tenant, to fill the registry at start."""
        query = select(credential_table.c.device, credential_table.c.token_hash)
        async with self._db.reading() as connection:
            return [(row.device, row.token_hash) for row in await connection.execute(query)]
