"""API keys: how programs speak for a tenant, never with more right than who made them has."""

from datetime import timedelta

from msgspec import structs
from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Missing, Unknown
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.base.patch import meant_for
from verger.base.secrets import digest, new_token
from verger.domain.tenancy import tables
from verger.domain.tenancy.model import ApiKey, Caller, Role, Scope, ShownKey, permissions

KIND = "vk"
_COARSE = timedelta(hours=1)

_KEY = tables.api_key.c
_COLUMNS = [_KEY[name] for name in ApiKey.__struct_fields__]
_ORDERING = Ordering(
    key=_KEY.id,
    sorts={"created_at": _KEY.created_at, "name": func.lower(_KEY.name)},
    first="-created_at",
    names=(_KEY.name,),
)


class Keys:
    """The only SQL of API keys."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep keys in a database."""
        self._db = db
        self._clock = clock

    async def add(self, caller: Caller, name: str, role: Role, scopes: tuple[Scope, ...] = ()) -> ShownKey:
        """Make a key of at most the caller's role and show its secret, this once."""
        caller.needs("keys:write").gives(role)
        if "metrics" in scopes:
            caller.needs("metrics:read")
        maker = caller.who.made_by if isinstance(caller.who, ApiKey) else caller.who.id
        key = ShownKey(
            id=new_id(),
            name=name.strip(),
            role=role,
            scopes=tuple(sorted(set(scopes))),
            made_by=maker,
            created_at=moment(self._clock.now()),
            last_used_at=None,
            version=1,
            token=new_token(KIND),
        )
        values = {field: getattr(key, field) for field in ApiKey.__struct_fields__} | {"scopes": list(key.scopes)}
        async with self._db.writing() as connection:
            row = values | {"tenant": caller.tenant, "digest": digest(key.token)}
            await connection.execute(insert(tables.api_key).values(row))
        return key

    async def page(self, tenant: str, asked: Asked) -> Page[ApiKey]:
        """Return some keys of a tenant, newest first."""
        async with self._db.reading() as connection:
            query = select(*_COLUMNS).where(_KEY.tenant == tenant)
            return await page(connection, query, _ORDERING, asked, _key)

    async def get(self, tenant: str, key: str) -> ApiKey:
        """Return one key of a tenant."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(_KEY.tenant == tenant, _KEY.id == key))).first()
        if row is None:
            raise Missing("No such API key.")
        return _key(row)

    async def remove(self, tenant: str, key: str, expected: int | None = None) -> None:
        """End a key of a tenant at once."""
        async with self._db.writing() as connection:
            mine = and_(_KEY.tenant == tenant, _KEY.id == key)
            version = await connection.scalar(select(_KEY.version).where(mine))
            if version is None:
                raise Missing("No such API key.")
            meant_for(version, expected)
            await connection.execute(delete(tables.api_key).where(mine))

    async def caller(self, token: str, tenant: str | None = None) -> Caller:
        """Return the caller with this key; raise Unknown, or Missing when another tenant is named than its own."""
        row = await self._known(token, tenant)
        await self._used(row)
        return _caller(row)

    async def look(self, token: str, tenant: str | None = None) -> Caller:
        """Return the caller as `caller` does; that is no use of the key."""
        return _caller(await self._known(token, tenant))

    async def holder(self, key: str) -> Caller:
        """Return the caller who holds the key of this id, whoever that is; raise Unknown when it has ended."""
        return _caller(await self._row(_KEY.id == key))

    async def maker(self, tenant: str, user: str) -> Role | None:
        """Return the role of whoever made a key, None when that one is no member any more."""
        maker = tables.membership.c
        query = select(maker.role).where(maker.tenant == tenant, maker.user == user)
        async with self._db.reading() as connection:
            role = await connection.scalar(query)
        return None if role is None else Role(role)

    async def _known(self, token: str, tenant: str | None) -> AnyRow:
        row = await self._row(_KEY.digest == digest(token))
        if tenant not in (None, row.tenant):
            raise Missing("No such organisation, or this API key is not one of its own.")
        return row

    async def _row(self, which: ColumnElement[bool]) -> AnyRow:
        maker = tables.membership.c
        ties = and_(maker.tenant == _KEY.tenant, maker.user == _KEY.made_by)
        query = select(*_COLUMNS, _KEY.tenant, maker.role.label("most")).join(tables.membership, ties)
        async with self._db.reading() as connection:
            row = (await connection.execute(query.where(which))).first()
        if row is None:
            raise Unknown("This API key is not known, or no longer; make another one.")
        return row

    async def _used(self, row: AnyRow) -> None:
        now = moment(self._clock.now())
        if row.last_used_at is not None and now - row.last_used_at < _COARSE:
            return
        async with self._db.writing() as connection:
            await connection.execute(update(tables.api_key).where(_KEY.id == row.id).values(last_used_at=now))


def _key(row: AnyRow) -> ApiKey:
    values = {name: getattr(row, name) for name in ApiKey.__struct_fields__}
    return ApiKey(**values | {"role": Role(row.role), "scopes": tuple(row.scopes)})


def _caller(row: AnyRow) -> Caller:
    # Whoever made the key may have lost rights since; then the key has lost them too.
    most = Role(row.most)
    key, role = _key(row), Role(row.role)
    if "metrics:read" not in permissions(most):
        key = structs.replace(key, scopes=())
    return Caller(key, row.tenant, role if most.covers(role) else most)
