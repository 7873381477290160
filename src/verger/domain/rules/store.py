"""Where rules are kept."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    cast,
    delete,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing, Stale
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.rules.accepted import KeptRule, accepted
from verger.domain.rules.model import Rule

rule_table = Table(
    "rule",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False),
    Column("place", String(36), ForeignKey("place.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("document", JSON, nullable=False),  # all else that people write
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("paused_at", Instant, nullable=True),
    Column("paused_because", Text, nullable=True),
    Column("counted_after", String(36), nullable=True),  # runs up to this id count no more towards most_per_hour
    Index("ix_rule_tenant_created_at", "tenant", "created_at"),
)
_TABLE = rule_table.c
_COLUMNS = [column for column in rule_table.columns if column.name != "tenant"]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"created_at": _TABLE.created_at, "name": _TABLE.name},
    first="-created_at",
    names=[_TABLE.name],
)


_OWN = [name for name in KeptRule.__struct_fields__ if name in _TABLE]
_TOLD = ("objection", "unfit")  # found out anew whenever a rule is read


class RuleStore:
    """Where rules are kept; what writes does so in the caller's transaction."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database; `listeners` hear, as (tenant, rule), which rules went or rest with their devices."""
        self._db = db
        self.listeners: list[Callable[[str, str], None]] = []

    async def get(self, tenant: str, rule: str) -> KeptRule:
        """Return one rule; raise Missing."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.id == rule)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such rule.")
        return _rule(row)

    async def page(self, tenant: str, asked: Asked, places: Sequence[str] | None = None) -> Page[KeptRule]:
        """Return a page of rules, all or those of some places, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        if places is not None:
            query = query.where(_TABLE.place.in_(places))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _rule)

    async def of_tenant(self, tenant: str) -> list[KeptRule]:
        """Return every rule of a tenant, the oldest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant).order_by(_TABLE.id)
        async with self._db.reading() as connection:
            return [_rule(row) for row in await connection.execute(query)]

    async def naming(self, connection: AsyncConnection, tenant: str, device: str) -> list[KeptRule]:
        """Return the rules of a tenant in whose text a device's id stands, within a transaction, the oldest first."""
        named = cast(_TABLE.document, Text).contains(f'"{device}"', autoescape=True)
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, named).order_by(_TABLE.id)
        return [_rule(row) for row in await connection.execute(query)]

    async def there(self, connection: AsyncConnection, tenant: str, rules: Collection[str]) -> set[str]:
        """Return which of some rules there are, within a transaction."""
        query = select(_TABLE.id).where(_TABLE.tenant == tenant, _TABLE.id.in_(rules))
        return set(await connection.scalars(query))

    async def tenants(self) -> list[str]:
        """Return the tenants that have rules."""
        async with self._db.reading() as connection:
            return list(await connection.scalars(select(_TABLE.tenant).distinct()))

    async def names(self) -> dict[str, str]:
        """Return the name of every rule of every tenant."""
        async with self._db.reading() as connection:
            return {row.id: row.name for row in await connection.execute(select(_TABLE.id, _TABLE.name))}

    async def add(self, connection: AsyncConnection, tenant: str, rule: Rule) -> None:
        """Keep a new rule."""
        await connection.execute(rule_table.insert().values(tenant=tenant, **_row(rule)))

    async def change(self, connection: AsyncConnection, tenant: str, rule: KeptRule, *, anew: bool = False) -> KeptRule:
        """Keep a changed rule as its next version; `anew` when what it did so far counts no more. Raise Stale."""
        after = structs.replace(rule, version=rule.version + 1)
        mine = (_TABLE.tenant == tenant, _TABLE.id == rule.id, _TABLE.version == rule.version)
        values = _row(after) | ({"counted_after": new_id()} if anew else {})
        if (await connection.execute(update(rule_table).where(*mine).values(values))).rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        return after

    async def pause(self, connection: AsyncConnection, tenant: str, rule: str, at: datetime, why: str) -> None:
        """Let a rule judge no longer, and keep why; whoever changes it meanwhile has to read it again."""
        mine = (_TABLE.tenant == tenant, _TABLE.id == rule)
        values = {"paused_at": at, "paused_because": why, "version": _TABLE.version + 1}
        await connection.execute(update(rule_table).where(*mine).values(values))

    async def remove(self, connection: AsyncConnection, tenant: str, rule: str) -> None:
        """Remove a rule."""
        await connection.execute(delete(rule_table).where(_TABLE.tenant == tenant, _TABLE.id == rule))


def _row(rule: Rule) -> dict[str, Any]:
    """Return the columns of a rule; what people write besides stands in its document as they write it.

    Of one that this version does not understand the document stays as it is.
    """
    values = {name: value for name, value in structs.asdict(rule).items() if name not in _TOLD}
    own = {name: value for name, value in values.items() if name in _OWN}
    if isinstance(rule, KeptRule) and not rule.readable:
        return own
    return own | {"document": msgspec.to_builtins({name: values[name] for name in values if name not in _OWN})}


def _rule(row: AnyRow) -> KeptRule:
    return accepted(row.document, {name: getattr(row, name) for name in _OWN})
