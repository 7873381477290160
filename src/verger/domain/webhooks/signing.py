"""The secret that signs the calls of an organisation: made at its first use, and anew whenever a manager says so."""

from datetime import datetime

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import HOUR, Clock, moment
from verger.base.db import Database
from verger.base.pages import AnyRow
from verger.base.secrets import ServerSecret, signing_secret
from verger.domain.webhooks.model import Signing
from verger.domain.webhooks.tables import signing

OVERLAP = 24 * HOUR  # in which the secret before signs too

_TABLE = signing.c


class SigningStore:
    """Where the secrets that sign are kept, sealed."""

    def __init__(self, db: Database, clock: Clock, secret: ServerSecret) -> None:
        """Keep them in a database."""
        self._db, self._clock, self._secret = db, clock, secret

    async def get(self, tenant: str) -> Signing:
        """Return what signs a tenant's calls now."""
        async with self._db.writing() as connection:
            row = await self._row(connection, tenant)
        return self._signing(row)

    async def secrets(self, connection: AsyncConnection, tenant: str) -> list[str]:
        """Return what signs within the caller's transaction, the newest first."""
        row = await self._row(connection, tenant)
        found = self._opened(row)
        return found if _overlaps(row.previous_until, moment(self._clock.now())) else found[:1]

    async def renew(self, tenant: str, *, at_once: bool) -> Signing:
        """Sign by a fresh secret; the one before signs too for a day, unless it ends at once."""
        now = self._clock.now()
        async with self._db.writing() as connection:
            row = await self._row(connection, tenant)
            kept = [signing_secret()] if at_once else [signing_secret(), self._opened(row)[0]]
            values = {
                "secrets": self._sealed(tenant, kept),
                "made_at": moment(now),
                "previous_until": None if at_once else moment(now + OVERLAP),
                "version": row.version + 1,
            }
            await connection.execute(update(signing).where(_TABLE.tenant == tenant).values(values))
            return self._signing(await self._row(connection, tenant))

    async def _row(self, connection: AsyncConnection, tenant: str) -> AnyRow:
        """Return the row of a tenant, made if there is none."""
        query = select(signing).where(_TABLE.tenant == tenant)
        row = (await connection.execute(query)).first()
        if row is None:
            fresh = {"secrets": self._sealed(tenant, [signing_secret()]), "made_at": moment(self._clock.now())}
            await connection.execute(signing.insert().values(tenant=tenant, version=1, **fresh))
            row = (await connection.execute(query)).one()
        return row

    def _signing(self, row: AnyRow) -> Signing:
        until = row.previous_until if _overlaps(row.previous_until, moment(self._clock.now())) else None
        return Signing(secret=self._opened(row)[0], made_at=row.made_at, previous_until=until, version=row.version)

    def _sealed(self, tenant: str, secrets: list[str]) -> bytes:
        return self._secret.seal(msgspec.msgpack.encode(secrets), f"signing {tenant}")

    def _opened(self, row: AnyRow) -> list[str]:
        return msgspec.msgpack.decode(self._secret.unseal(row.secrets, f"signing {row.tenant}"), type=list[str])


def _overlaps(until: datetime | None, now: datetime) -> bool:
    return until is not None and now < until
