"""Members: the people of a tenant, what they may do in it, and the last owner, who stays."""

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import Database
from verger.base.errors import Conflict, Fault, Invalid, Missing
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.base.patch import meant_for
from verger.domain.tenancy import tables
from verger.domain.tenancy.model import Caller, Member, Role, User

_MEMBERS = select(
    tables.user.c.id,
    tables.user.c.name,
    tables.user.c.email,
    tables.membership.c.role,
    tables.membership.c.joined_at,
    tables.membership.c.version,
).join_from(tables.membership, tables.user)

_ORDERING = Ordering(
    key=tables.user.c.id,
    sorts={"joined_at": tables.membership.c.joined_at, "name": func.lower(tables.user.c.name)},
    first="-joined_at",
    names=(tables.user.c.name, tables.user.c.email),
)


class Members:
    """The only SQL of memberships once they are made."""

    def __init__(self, db: Database) -> None:
        """Keep memberships in a database."""
        self._db = db

    async def page(self, tenant: str, asked: Asked) -> Page[Member]:
        """Return some members of a tenant, who joined last first."""
        async with self._db.reading() as connection:
            query = _MEMBERS.where(tables.membership.c.tenant == tenant)
            return await page(connection, query, _ORDERING, asked, _member)

    async def everyone(self, tenant: str) -> list[Member]:
        """Return every member of a tenant, who joined first first."""
        query = _MEMBERS.where(tables.membership.c.tenant == tenant)
        ordered = query.order_by(tables.membership.c.joined_at, tables.user.c.id)
        async with self._db.reading() as connection:
            return [_member(row) for row in await connection.execute(ordered)]

    async def get(self, tenant: str, user: str) -> Member:
        """Return one member of a tenant."""
        async with self._db.reading() as connection:
            return await _get(connection, tenant, user)

    async def among(self, connection: AsyncConnection, tenant: str, user: str) -> bool:
        """Tell whether somebody is a member, within a transaction."""
        return (await connection.execute(_MEMBERS.where(_tie(tenant, user)))).first() is not None

    async def takes(self, tenant: str, user: str) -> Member:
        """Return a member who is given something to do; raise Invalid when there is none."""
        try:
            return await self.get(tenant, user)
        except Missing:
            sentence = "Name a member of the organisation."
            raise Invalid(sentence, [Fault("assignee", sentence)]) from None

    async def change(self, caller: Caller, user: str, role: Role, expected: int | None = None) -> Member:
        """Give a member another role; nobody hands out more than they hold, and one owner always stays."""
        caller.needs("members:write")
        async with self._db.writing() as connection:
            member = await _get(connection, caller.tenant, user)
            meant_for(member.version, expected)
            caller.gives(member.role).gives(role)
            if role is not Role.owner:
                await _spare_last_owner(connection, caller.tenant, member)
            changed = update(tables.membership).values(role=role, version=member.version + 1)
            await connection.execute(changed.where(_tie(caller.tenant, user)))
            return await _get(connection, caller.tenant, user)

    async def remove(self, caller: Caller, user: str, expected: int | None = None) -> None:
        """End a membership and the keys made under it; anybody may leave, one owner always stays."""
        leaves = isinstance(caller.who, User) and caller.who.id == user
        if not leaves:
            caller.needs("members:write")
        async with self._db.writing() as connection:
            member = await _get(connection, caller.tenant, user)
            meant_for(member.version, expected)
            if not leaves:
                caller.gives(member.role)
            await _spare_last_owner(connection, caller.tenant, member)
            keys = (tables.api_key.c.tenant == caller.tenant) & (tables.api_key.c.made_by == user)
            await connection.execute(delete(tables.api_key).where(keys))
            await connection.execute(delete(tables.membership).where(_tie(caller.tenant, user)))


def _tie(tenant: str, user: str) -> ColumnElement[bool]:
    return (tables.membership.c.tenant == tenant) & (tables.membership.c.user == user)


async def _get(connection: AsyncConnection, tenant: str, user: str) -> Member:
    row = (await connection.execute(_MEMBERS.where(_tie(tenant, user)))).first()
    if row is None:
        raise Missing("No such member.")
    return _member(row)


async def _spare_last_owner(connection: AsyncConnection, tenant: str, member: Member) -> None:
    owners = (tables.membership.c.tenant == tenant) & (tables.membership.c.role == Role.owner)
    count = await connection.scalar(select(func.count()).select_from(tables.membership).where(owners))
    if member.role is Role.owner and count == 1:
        raise Conflict("This is the last owner; make somebody else an owner first.")


def _member(row: AnyRow) -> Member:
    return Member(row.id, row.name, row.email, Role(row.role), row.joined_at, row.version)
