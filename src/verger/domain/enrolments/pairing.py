"""Where the secrets are kept by which families' devices are known, sealed: one is told again until it is proven."""

from typing import Any

from sqlalchemy import Boolean, Column, ForeignKey, LargeBinary, String, Table, delete
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.secrets import ServerSecret
from verger.domain.enrolments.model import Pairing

pairing_table = Table(
    "pairing",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("dialect", String(40), primary_key=True),
    Column("identity", String(200), primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # sealed
    Column("proven", Boolean, nullable=False),
    Column("open_until", Instant, nullable=True),
    Column("asked_at", Instant, nullable=True),
)
_TABLE = pairing_table.c

Key = tuple[str, str, str]
"""A tenant, a dialect, and what all ways of writing an address have in common."""


class Pairings:
    """Every pairing, in memory and on disk; what is in memory is on disk."""

    def __init__(self, db: Database, secret: ServerSecret) -> None:
        """Keep them in a database, sealed."""
        self._db, self._secret = db, secret
        self._all: dict[Key, Pairing] = {}
        self._owners: dict[tuple[str, str, str], Key] = {}  # tenant, dialect, secret
        self._holders: dict[tuple[str, str], Key] = {}  # dialect, secret; of several the last

    async def fill(self) -> None:
        """Know at start what is kept."""
        async with self._db.reading() as connection:
            rows = (await connection.execute(pairing_table.select())).all()
        for row in rows:
            key = (row.tenant, row.dialect, row.identity)
            secret = self._secret.unseal(row.secret, _about(key)).decode()
            self._know(key, Pairing(secret=secret, proven=row.proven, open_until=row.open_until, asked_at=row.asked_at))

    def get(self, key: Key) -> Pairing | None:
        """Return how a device is known, None for one that never was."""
        return self._all.get(key)

    def owner(self, tenant: str, dialect: str, secret: str) -> Key | None:
        """Return whose a secret is within a tenant."""
        return self._owners.get((tenant, dialect, secret))

    def holder(self, dialect: str, secret: str) -> Key | None:
        """Return whose a secret is, in whichever tenant."""
        return self._holders.get((dialect, secret))

    async def put(self, key: Key, pairing: Pairing) -> None:
        """Keep how a device is known from now on."""
        row: dict[str, Any] = {
            "secret": self._secret.seal(pairing.secret.encode(), _about(key)),
            "proven": pairing.proven,
            "open_until": pairing.open_until,
            "asked_at": pairing.asked_at,
        }
        async with self._db.writing() as connection:
            await connection.execute(delete(pairing_table).where(*_mine(key)))
            ids = dict(zip(("tenant", "dialect", "identity"), key, strict=True))
            await connection.execute(pairing_table.insert().values(**ids, **row))
        self._know(key, pairing)

    async def forget(self, key: Key) -> None:
        """Know a device no longer."""
        async with self._db.writing() as connection:
            await self.leave(connection, key)
        self.left(key)

    async def leave(self, connection: AsyncConnection, key: Key) -> None:
        """Forget the secret of a device, within the caller's transaction; tell `left` once that is on disk."""
        await connection.execute(delete(pairing_table).where(*_mine(key)))

    def left(self, key: Key) -> None:
        """Know a device no longer whose row has gone."""
        if pairing := self._all.pop(key, None):
            self._let_go(key, pairing)

    def _know(self, key: Key, pairing: Pairing) -> None:
        if before := self._all.get(key):
            self._let_go(key, before)
        self._all[key] = pairing
        self._owners[key[0], key[1], pairing.secret] = self._holders[key[1], pairing.secret] = key

    def _let_go(self, key: Key, pairing: Pairing) -> None:
        self._owners.pop((key[0], key[1], pairing.secret), None)
        if self._holders.get((key[1], pairing.secret)) == key:
            del self._holders[key[1], pairing.secret]


def _mine(key: Key) -> tuple[Any, ...]:
    return _TABLE.tenant == key[0], _TABLE.dialect == key[1], _TABLE.identity == key[2]


def _about(key: Key) -> str:
    return f"pairing {' '.join(key)}"
