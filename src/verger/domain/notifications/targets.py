"""Where people are reached, sealed; paused once it failed too often."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database
from verger.base.errors import Conflict, Fault, Invalid, Missing, Stale
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.base.secrets import ServerSecret
from verger.domain.notifications import tables
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.ways import Kind, Way

FAILURES = 10  # in a row, and a target is paused
MOST = 20  # of one person

_TABLE = tables.target.c


class Target(Struct, frozen=True, kw_only=True):
    """Where one person is told what is of some severities; `paused_at` is set while nothing is sent there.

    `failures` are those in a row, `error` is the last one's sentence, `address` as much as may be shown.
    """

    id: str
    kind: Kind
    name: str
    address: str
    severities: tuple[Urgency, ...]
    failures: int = 0
    error: str | None = None
    delivered_at: datetime | None = None
    paused_at: datetime | None = None
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a target that cannot be; raise Invalid with a fault for each field."""
        if not 1 <= len(self.name.strip()) <= 120:
            sentence = "Give it a name of 1 to 120 characters."
            raise Invalid(sentence, [Fault("name", sentence)])


_COLUMNS = [_TABLE[name] for name in Target.__struct_fields__]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"created_at": _TABLE.created_at, "name": _TABLE.name},
    first="-created_at",
    names=[_TABLE.name],
)


class TargetStore:
    """Where the targets of people are kept."""

    def __init__(self, db: Database, secret: ServerSecret) -> None:
        """Keep them in a database, the ways sealed."""
        self._db, self._secret = db, secret

    async def page(self, tenant: str, user: str, asked: Asked) -> Page[Target]:
        """Return a page of somebody's targets, the newest first."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.user == user)
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _target)

    async def get(self, tenant: str, user: str, target: str) -> Target:
        """Return one target of somebody; raise Missing."""
        mine = (_TABLE.tenant == tenant, _TABLE.user == user, _TABLE.id == target)
        async with self._db.reading() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(*mine))).first()
        if row is None:
            raise Missing("There is no such target.")
        return _target(row)

    async def of(self, connection: AsyncConnection, tenant: str, users: Collection[str]) -> list[tuple[str, Target]]:
        """Return (user, target) of some people, as they stand within a transaction."""
        query = select(_TABLE.user, *_COLUMNS).where(_TABLE.tenant == tenant, _TABLE.user.in_(users))
        return [(row.user, _target(row)) for row in await connection.execute(query)]

    async def whose(self, connection: AsyncConnection, tenant: str, target: str) -> tuple[str, Target]:
        """Return whose target it is, and the target; raise Missing."""
        row = (await connection.execute(select(_TABLE.user, *_COLUMNS).where(*_this(tenant, target)))).first()
        if row is None:
            raise Missing("There is no such target.")
        return row.user, _target(row)

    async def way(self, tenant: str, target: str) -> Way:
        """Return the way to a target; for going it and for nothing else."""
        async with self._db.reading() as connection:
            sealed = await connection.scalar(select(_TABLE.way).where(*_this(tenant, target)))
        if sealed is None:
            raise Missing("There is no such target.")
        way: Way = msgspec.msgpack.decode(self._secret.unseal(sealed, f"target {target}"), type=Way)
        return way

    async def add(self, connection: AsyncConnection, tenant: str, user: str, target: Target, way: Way) -> None:
        """Keep a new target; raise Conflict when somebody has too many."""
        mine = (_TABLE.tenant == tenant, _TABLE.user == user)
        count = await connection.scalar(select(func.count()).select_from(tables.target).where(*mine))
        if (count or 0) >= MOST:
            raise Conflict(f"You can be told in at most {MOST} ways; remove one first.")
        sealed = self._secret.seal(msgspec.msgpack.encode(way), f"target {target.id}")
        await connection.execute(
            tables.target.insert().values(_row(target) | {"tenant": tenant, "user": user, "way": sealed})
        )

    async def change(self, tenant: str, target: Target) -> Target:
        """Keep a changed target as its next version; raise Stale."""
        after = structs.replace(target, version=target.version + 1)
        mine = (*_this(tenant, target.id), _TABLE.version == target.version)
        async with self._db.writing() as connection:
            done = await connection.execute(update(tables.target).where(*mine).values(_row(after)))
        if done.rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        return after

    async def note(self, connection: AsyncConnection, tenant: str, target: str, **how: Any) -> None:
        """Note how it went there; that is no change that somebody made."""
        await connection.execute(update(tables.target).where(*_this(tenant, target)).values(how))

    async def remove(self, tenant: str, user: str, target: str) -> None:
        """Tell somebody there no longer."""
        async with self._db.writing() as connection:
            await connection.execute(delete(tables.target).where(*_this(tenant, target), _TABLE.user == user))


def _this(tenant: str, target: str) -> tuple[Any, ...]:
    return (_TABLE.tenant == tenant, _TABLE.id == target)


def _row(target: Target) -> dict[str, Any]:
    return structs.asdict(target) | {"severities": [severity.value for severity in target.severities]}


def _target(row: AnyRow) -> Target:
    values = {name: getattr(row, name) for name in Target.__struct_fields__}
    return Target(**values | {"severities": tuple(Urgency(word) for word in row.severities)})
