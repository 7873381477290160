"""Joining: the key and secret of a device type, with which devices get in by themselves; hashed."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, structs
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, String, Table, delete, select, update

from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing, Stale
from verger.base.secrets import digest, new_token

Strategy = Literal["off", "new", "known"]
CredentialsType = Literal["ACCESS_TOKEN", "MQTT_BASIC", "X509_CERTIFICATE"]

joining_table = Table(
    "joining",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id"), primary_key=True),
    Column("type", String(120), primary_key=True),
    Column("strategy", String(10), nullable=False),
    Column("place", String(36), nullable=True),
    Column("key", String(80), nullable=False, unique=True),
    Column("secret_hash", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    ForeignKeyConstraint(["tenant", "type"], ["device_type.tenant", "device_type.key"], ondelete="CASCADE"),
)
joined_table = Table(
    "joined",
    metadata,
    Column("device", String(36), ForeignKey("device.id"), primary_key=True),
    Column("tenant", String(36), ForeignKey("tenant.id"), nullable=False),
    Column("at", Instant, nullable=False),
)
_TABLE = joining_table.c
_COLUMNS = [column for column in joining_table.columns if column.name not in {"tenant", "type", "secret_hash"}]


class Joining(Struct, frozen=True, kw_only=True):
    """How devices of a type get in by themselves.

    "new": by any name that is free, at `place`. "known": only those that were added before and never spoke.
    """

    strategy: Strategy = "off"
    place: str | None = None
    key: str | None = None
    created_at: datetime | None = None
    version: int = 0


class JoinKey(Struct, frozen=True):
    """What a device of a type brings along; the secret is shown once."""

    key: str
    secret: str


class Wish(Struct, frozen=True, kw_only=True):
    """What a device that wants to get in tells: the key and secret of its type, and how it wants to be known."""

    key: str
    secret: str
    name: str = ""
    gateway: bool = False
    kind: CredentialsType = "ACCESS_TOKEN"
    token: str | None = None
    username: str = ""
    password: str = ""
    client_id: str = ""
    certificate: str = ""


class Grant(Struct, frozen=True):
    """How a device that got in proves itself from now on."""

    kind: CredentialsType
    value: Any


class JoiningStore:
    """Where joining is kept, one a type."""

    def __init__(self, db: Database) -> None:
        """Keep it in a database."""
        self._db = db

    async def get(self, tenant: str, kind: str) -> Joining:
        """Return how devices of a type get in; "off" at version 0 when nobody said."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.type == kind)
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).mappings().first()
        return Joining(**row) if row else Joining()

    async def renew(self, tenant: str, kind: str, joining: Joining, at: datetime) -> tuple[Joining, JoinKey]:
        """Give a type a new key and secret, and say how they serve; older ones end."""
        made = JoinKey(new_token("vp"), new_token("vq"))
        after = structs.replace(joining, key=made.key, created_at=at, version=joining.version + 1)
        row = structs.asdict(after) | {"tenant": tenant, "type": kind, "secret_hash": digest(made.secret)}
        async with self._db.writing() as connection:
            await connection.execute(delete(joining_table).where(_TABLE.tenant == tenant, _TABLE.type == kind))
            await connection.execute(joining_table.insert().values(**row))
        return after, made

    async def change(self, tenant: str, kind: str, joining: Joining) -> Joining:
        """Keep how the key that is there serves; raise Missing without one, Stale when somebody was faster."""
        if joining.key is None:
            raise Missing("This type has no key yet; make one.")
        after = structs.replace(joining, version=joining.version + 1)
        same = (_TABLE.tenant == tenant, _TABLE.type == kind, _TABLE.version == joining.version)
        values = {"strategy": after.strategy, "place": after.place, "version": after.version}
        async with self._db.writing() as connection:
            done = await connection.execute(update(joining_table).where(*same).values(**values))
            if done.rowcount == 0:
                raise Stale("Somebody changed this since you read it. Read it again.")
        return after

    async def end(self, tenant: str, kind: str) -> None:
        """End the key of a type."""
        async with self._db.writing() as connection:
            await connection.execute(delete(joining_table).where(_TABLE.tenant == tenant, _TABLE.type == kind))

    async def of_key(self, key: str) -> tuple[str, str, Joining, str] | None:
        """Return the tenant, type, joining and hashed secret that a key belongs to, of any tenant."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(joining_table).where(_TABLE.key == key))).first()
        if row is None:
            return None
        return row.tenant, row.type, Joining(**{c.name: getattr(row, c.name) for c in _COLUMNS}), row.secret_hash

    async def joined(self, tenant: str, device: str, at: datetime) -> bool:
        """Note that a device got in; whether it was the first time."""
        mine = joined_table.c.device == device
        async with self._db.writing() as connection:
            if await connection.scalar(select(joined_table.c.device).where(mine)) is not None:
                return False
            await connection.execute(joined_table.insert().values(device=device, tenant=tenant, at=at))
        return True
