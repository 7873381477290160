"""Where bridges are kept, their secrets sealed."""

from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table, delete, select, update

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing, Stale
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.base.secrets import ServerSecret
from verger.domain.bridges.model import Bridge, Secrets, TopicRule

bridge_table = Table(
    "bridge",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("host", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("tls", Boolean, nullable=False),
    Column("alpn", String(200), nullable=True),
    Column("protocol", Integer, nullable=False),
    Column("client_id", String(200), nullable=False),
    Column("username", String(200), nullable=True),
    Column("filters", JSON, nullable=False),
    Column("rules", JSON, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    Column("secrets", LargeBinary, nullable=False),  # sealed
)
_TABLE = bridge_table.c
_COLUMNS = [_TABLE[name] for name in Bridge.__struct_fields__]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"created_at": _TABLE.created_at, "name": _TABLE.name},
    first="-created_at",
    names=[_TABLE.name],
)


class BridgeStore:
    """Where bridges are kept."""

    def __init__(self, db: Database, secret: ServerSecret) -> None:
        """Keep them in a database, their secrets sealed."""
        self._db, self._secret = db, secret

    async def get(self, tenant: str, bridge: str) -> Bridge:
        """Return one bridge; raise Missing."""
        return _bridge(await self._row(tenant, bridge))

    async def secrets(self, tenant: str, bridge: str) -> Secrets:
        """Return what a bridge proves itself by; for calling its broker and for nothing else."""
        row = await self._row(tenant, bridge)
        return msgspec.msgpack.decode(self._secret.unseal(row.secrets, f"bridge {bridge}"), type=Secrets)

    async def page(self, tenant: str, asked: Asked) -> Page[Bridge]:
        """Return a page of bridges, the newest first."""
        async with self._db.reading() as connection:
            return await page(connection, select(*_COLUMNS).where(_TABLE.tenant == tenant), _ORDERING, asked, _bridge)

    async def everything(self) -> list[tuple[str, Bridge]]:
        """Return (tenant, bridge) of every tenant, to open them at start."""
        async with self._db.reading() as connection:
            return [(row.tenant, _bridge(row)) for row in await connection.execute(select(_TABLE.tenant, *_COLUMNS))]

    async def add(self, tenant: str, bridge: Bridge, secrets: Secrets) -> None:
        """Keep a new bridge."""
        row = _row(bridge) | {"tenant": tenant, "secrets": self._sealed(bridge.id, secrets)}
        async with self._db.writing() as connection:
            await connection.execute(bridge_table.insert().values(row))

    async def change(self, tenant: str, bridge: Bridge, secrets: Secrets | None) -> Bridge:
        """Keep a changed bridge as its next version, its secrets as they are when none are given; raise Stale."""
        after = structs.replace(bridge, version=bridge.version + 1)
        row = _row(after) | ({} if secrets is None else {"secrets": self._sealed(bridge.id, secrets)})
        mine = (_TABLE.tenant == tenant, _TABLE.id == bridge.id, _TABLE.version == bridge.version)
        async with self._db.writing() as connection:
            done = await connection.execute(update(bridge_table).where(*mine).values(row))
        if done.rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        return after

    async def remove(self, tenant: str, bridge: str) -> None:
        """End a bridge."""
        async with self._db.writing() as connection:
            await connection.execute(delete(bridge_table).where(_TABLE.tenant == tenant, _TABLE.id == bridge))

    async def _row(self, tenant: str, bridge: str) -> AnyRow:
        query = select(*_COLUMNS, _TABLE.secrets).where(_TABLE.tenant == tenant, _TABLE.id == bridge)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        if row is None:
            raise Missing("There is no such bridge.")
        return row

    def _sealed(self, bridge: str, secrets: Secrets) -> bytes:
        return self._secret.seal(msgspec.msgpack.encode(secrets), f"bridge {bridge}")


def _row(bridge: Bridge) -> dict[str, Any]:
    plain = {"filters": list(bridge.filters), "rules": msgspec.to_builtins(bridge.rules)}
    return structs.asdict(bridge) | plain


def _bridge(row: AnyRow) -> Bridge:
    values = {name: getattr(row, name) for name in Bridge.__struct_fields__}
    rules = msgspec.convert(values["rules"], tuple[TopicRule, ...])
    return Bridge(**values | {"filters": tuple(values["filters"]), "rules": rules})
