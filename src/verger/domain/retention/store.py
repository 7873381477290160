"""Where the rules of retention are kept."""

from typing import Any

from msgspec import structs
from sqlalchemy import Column, ForeignKey, Integer, Row, String, Table, UniqueConstraint, delete, select, update
from sqlalchemy.exc import IntegrityError

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Conflict, Missing, Stale
from verger.base.pages import Asked, Ordering, Page, page
from verger.domain.retention.model import Rule, Rules

rule_table = Table(
    "retention_rule",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("keeps", String(20), nullable=False),
    Column("place", String(36), ForeignKey("place.id", ondelete="CASCADE"), nullable=True),
    Column("metric", String(200), nullable=True),
    Column("days", Integer, nullable=True),
    Column("summaries_days", Integer, nullable=True),
    Column("scope", String(300), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("tenant", "scope"),
)
_TABLE = rule_table.c
_COLUMNS = [_TABLE[name] for name in Rule.__struct_fields__]
_ORDERING = Ordering(key=_TABLE.id, sorts={"created_at": _TABLE.created_at}, first="-created_at", names=[_TABLE.metric])
_TWICE = "There is a rule about the same already: change that one."


class RuleStore:
    """The only SQL of retention rules."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def page(self, tenant: str, asked: Asked) -> Page[Rule]:
        """Return a page of rules, the newest first."""
        async with self._db.reading() as connection:
            return await page(connection, select(*_COLUMNS).where(_TABLE.tenant == tenant), _ORDERING, asked, _rule)

    async def all(self, tenant: str) -> list[Rule]:
        """Return every rule of a tenant."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(*_COLUMNS).where(_TABLE.tenant == tenant))
            return [_rule(row) for row in rows]

    async def of(self, tenant: str) -> Rules:
        """Return the rules of a tenant, to be asked which one wins."""
        return Rules(await self.all(tenant))

    async def tenants(self) -> list[str]:
        """Return the tenants that have a rule, in a fixed order."""
        async with self._db.reading() as connection:
            return list(await connection.scalars(select(_TABLE.tenant).distinct().order_by(_TABLE.tenant)))

    async def get(self, tenant: str, rule: str) -> Rule:
        """Return one rule; raise Missing."""
        async with self._db.reading() as connection:
            query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == rule)
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such retention rule.")
        return _rule(row)

    async def add(self, tenant: str, rule: Rule) -> Rule:
        """Keep a new rule; raise Conflict when one about the same is there."""
        try:
            async with self._db.writing() as connection:
                await connection.execute(rule_table.insert().values(tenant=tenant, **_row(rule)))
        except IntegrityError:
            raise Conflict(_TWICE) from None
        return rule

    async def change(self, tenant: str, rule: Rule) -> Rule:
        """Keep a changed rule as the next version; raise Stale or Conflict."""
        after = structs.replace(rule, version=rule.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == rule.id, _TABLE.version == rule.version)
        try:
            async with self._db.writing() as connection:
                done = await connection.execute(update(rule_table).where(*mine).values(**_row(after)))
        except IntegrityError:
            raise Conflict(_TWICE) from None
        if done.rowcount == 0:
            raise Stale("Somebody changed this rule since you read it. Read it again, then change it.")
        return after

    async def remove(self, tenant: str, rule: str) -> None:
        """Take a rule away: what it was about is kept from then on, or as a wider rule says."""
        async with self._db.writing() as connection:
            await connection.execute(delete(rule_table).where(_TABLE.tenant == tenant, _TABLE.id == rule))


def _row(rule: Rule) -> dict[str, Any]:
    return structs.asdict(rule) | {"scope": rule.scope}


def _rule(row: Row[Any]) -> Rule:
    return Rule(**{name: getattr(row, name) for name in Rule.__struct_fields__})
