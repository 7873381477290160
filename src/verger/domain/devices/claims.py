"""Claims: which devices may be claimed, until when, and under which secret; only marks of secrets are kept."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Boolean, Column, ForeignKey, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata

claim_table = Table(
    "claim",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("mark", String(64), nullable=False),
    Column("secret", Boolean, nullable=False),
    Column("until", Instant, nullable=False),
)
_TABLE = claim_table.c
_AT_ONCE = 100  # rows a transaction, which keeps it under 50 ms


class OpenClaim(Struct, frozen=True, kw_only=True):
    """A device that may be claimed: `mark` stands for its secret, `secret` tells whether it has one."""

    device: str
    tenant: str
    mark: str
    secret: bool
    until: datetime


class ClaimStore:
    """Where open claims are kept, one a device."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def open(self, claims: Iterable[OpenClaim]) -> None:
        """Keep claims; each replaces the one its device had. All are on disk on return."""
        latest = list({claim.device: claim for claim in claims}.values())
        for start in range(0, len(latest), _AT_ONCE):
            some = latest[start : start + _AT_ONCE]
            rows = [{name: getattr(claim, name) for name in OpenClaim.__struct_fields__} for claim in some]
            async with self._db.writing() as connection:
                await connection.execute(delete(claim_table).where(_TABLE.device.in_([c.device for c in some])))
                await connection.execute(claim_table.insert(), rows)

    async def of(self, device: str, now: datetime) -> OpenClaim | None:
        """Return the open claim of a device of any tenant; what a stranger may learn of it the caller decides."""
        query = select(claim_table).where(_TABLE.device == device, _TABLE.until > now)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return OpenClaim(**row) if row else None

    async def close(self, connection: AsyncConnection, claim: OpenClaim) -> bool:
        """End a claim within the caller's transaction; whether it was still there as it was read."""
        done = await connection.execute(
            delete(claim_table).where(_TABLE.device == claim.device, _TABLE.mark == claim.mark)
        )
        return bool(done.rowcount)

    async def end(self, tenant: str, device: str) -> None:
        """Let a device be claimed no longer."""
        async with self._db.writing() as connection:
            await connection.execute(delete(claim_table).where(_TABLE.tenant == tenant, _TABLE.device == device))

    async def purge(self, now: datetime) -> None:
        """Forget claims whose time is over."""
        async with self._db.writing() as connection:
            await connection.execute(delete(claim_table).where(_TABLE.until <= now))
