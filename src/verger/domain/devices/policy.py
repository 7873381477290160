"""Policies: what a tenant lets devices bring about by themselves."""

from msgspec import Struct, structs
from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, insert, select, update

from verger.base.db import Database, metadata
from verger.base.errors import Stale

policy_table = Table(
    "device_policy",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id"), primary_key=True),
    Column("made_by_gateways", Boolean, nullable=False),
    Column("claimed_by_others", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
)
_TABLE = policy_table.c


class Policy(Struct, frozen=True, kw_only=True):
    """Whether gateways may make the devices they speak for, and other organisations claim a device that is open."""

    made_by_gateways: bool = True
    claimed_by_others: bool = False
    version: int = 0


class PolicyStore:
    """Where policies are kept; a tenant that never chose has the usual one, at version 0."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def get(self, tenant: str) -> Policy:
        """Return a tenant's policy."""
        names = [column for column in policy_table.columns if column.name != "tenant"]
        async with self._db.reading() as connection:
            row = (await connection.execute(select(*names).where(_TABLE.tenant == tenant))).mappings().first()
        return Policy(**row) if row else Policy()

    async def change(self, tenant: str, policy: Policy) -> Policy:
        """Keep a changed policy as the next version; raise Stale when somebody was faster."""
        after = structs.replace(policy, version=policy.version + 1)
        async with self._db.writing() as connection:
            there = await connection.scalar(select(_TABLE.version).where(_TABLE.tenant == tenant))
            if (there or 0) != policy.version:
                raise Stale("Somebody changed this since you read it. Read it again.")
            if there is None:
                await connection.execute(insert(policy_table).values(tenant=tenant, **structs.asdict(after)))
            else:
                change = update(policy_table).where(_TABLE.tenant == tenant)
                await connection.execute(change.values(**structs.asdict(after)))
        return after
