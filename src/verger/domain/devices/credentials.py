"""Credentials: how a device proves who it is, by a token or a certificate. Only hashes are kept."""

import re
from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Column, ForeignKey, String, Table, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database, Instant, metadata
from verger.base.errors import Conflict, Fault, Invalid
from verger.base.secrets import ServerSecret, digest, new_token
from verger.domain.devices.reserved import PEOPLE

KIND = "vt"
_OWN = re.compile(r"[!-~]{8,128}")
_NOT_IN_A_PATH = frozenset("/?#%\\")
_OTHER_KINDS = ("vk_", "ve_", "vs_", "basic:")
_RESERVED_NAMES = ("vt_", "vk_", "ve_", "?", "provision")
_SHORTEST_PASSWORD = 8

credential_table = Table(
    "credential",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)


certificate_table = Table(
    "certificate",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
)


def own(secret: str) -> str:
    """Return the access token that a device brings along; raise Invalid for one that could not work."""
    fits = _OWN.fullmatch(secret) and _NOT_IN_A_PATH.isdisjoint(secret)
    if not fits or secret in PEOPLE or secret.startswith(_OTHER_KINDS):
        sentence = "A secret has 8 to 128 letters, digits or signs but / ? # % \\, and is no word of ours."
        raise Invalid(sentence, [Fault("secret", sentence)])
    return secret


class Basic(str):
    """A token that stands for a user name, a client id or both, and a password; nobody writes it down."""

    __slots__ = ()


def basic(secret: ServerSecret, client_id: str, username: str, password: str) -> Basic:
    """Return the token that stands for a client id, a user name or both, with a password; raise Invalid.

    Nobody without the server's secret can try passwords against what is kept of it.
    """
    if not (client_id or username) or len(password) < _SHORTEST_PASSWORD or username.startswith(_RESERVED_NAMES):
        raise Invalid(
            f"Take a user name, a client id or both, and a password of {_SHORTEST_PASSWORD} characters or more."
        )
    said = (part.encode(errors="surrogatepass") for part in (client_id, username, password))
    return Basic("basic:" + secret.mark(b"mqtt basic", *said))


def basics(secret: ServerSecret, client_id: str, username: str, password: str) -> Iterator[Basic]:
    """Give the tokens that a CONNECT may stand for; a client id counts only where the device was given one."""
    for pair in {(client_id, username), ("", username), (client_id, "")}:
        with suppress(Invalid):
            yield basic(secret, *pair, password)


class CredentialStore:
    """Where hashes of access tokens and fingerprints of certificates are kept, one or the other for each device."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep them in a database."""
        self._db = db
        self._clock = clock

    async def renew(self, tenant: str, device: str, certificate: str | None = None, token: str | None = None) -> str:
        """End what a device proves itself by; return the fingerprint or the token that it is known by now.

        The token is one of its own or a fresh one. Raise Conflict.
        """
        async with self._db.writing() as connection:
            await self.end(connection, tenant, device)
            if certificate is not None:
                return await self.certify(connection, tenant, device, certificate)
            return await self.give(connection, tenant, device, token)

    async def give(self, connection: AsyncConnection, tenant: str, device: str, token: str | None = None) -> str:
        """Let a device in, within the caller's transaction, by a token of its own or a fresh one; return it."""
        token = token or new_token(KIND)
        await self._put(connection, credential_table, "secret", tenant, device, {"token_hash": digest(token)})
        return token

    async def certify(self, connection: AsyncConnection, tenant: str, device: str, certificate: str) -> str:
        """Let a device in, within the caller's transaction, by the certificate of this fingerprint; return that."""
        await self._put(connection, certificate_table, "certificate", tenant, device, {"fingerprint": certificate})
        return certificate

    async def _put(
        self, connection: AsyncConnection, table: Table, field: str, tenant: str, device: str, proof: dict[str, str]
    ) -> None:
        row = {"device": device, "tenant": tenant, "created_at": moment(self._clock.now()), **proof}
        try:
            await connection.execute(table.insert().values(**row))
        except IntegrityError:
            sentence = f"This {field} is taken; leave it out to get a fresh access token."
            raise Conflict(sentence, [Fault(field, sentence)]) from None

    async def end(self, connection: AsyncConnection, tenant: str, device: str) -> None:
        """Take away what a device proves itself by, within the caller's transaction."""
        for table in (credential_table, certificate_table):
            await connection.execute(delete(table).where(table.c.tenant == tenant, table.c.device == device))

    async def hand_over(self, connection: AsyncConnection, device: str, to: str, tenant: str) -> None:
        """Let another device be known by what one proves itself by, within the caller's transaction."""
        for table in (credential_table, certificate_table):
            mine = update(table).where(table.c.device == device)
            await connection.execute(mine.values(device=to, tenant=tenant))

    async def everything(self) -> list[tuple[str, str]]:
        """Return (device, token hash) of every tenant, to fill the registry at start."""
        query = select(credential_table.c.device, credential_table.c.token_hash)
        async with self._db.reading() as connection:
            return [(row.device, row.token_hash) for row in await connection.execute(query)]

    async def certificates(self) -> list[tuple[str, str]]:
        """Return (device, fingerprint) of every tenant, to fill the registry at start."""
        query = select(certificate_table.c.device, certificate_table.c.fingerprint)
        async with self._db.reading() as connection:
            return [(row.device, row.fingerprint) for row in await connection.execute(query)]
