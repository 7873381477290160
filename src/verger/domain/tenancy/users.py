"""People: making their accounts, proving who they are, and what they belong to."""

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET
from sqlalchemy import delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Conflict, Fault, Invalid, Missing, Unknown
from verger.base.ids import new_id
from verger.base.pages import AnyRow
from verger.base.patch import meant_for
from verger.domain.tenancy import tables
from verger.domain.tenancy.model import AboutMe, Founding, Membership, Role, Tenant, User, known_as
from verger.domain.tenancy.passwords import Passwords, allowed

_COLUMNS = [tables.user.c[name] for name in User.__struct_fields__]


class Users:
    """The only SQL of tenants and users."""

    def __init__(self, db: Database, clock: Clock, passwords: Passwords) -> None:
        """Keep people in a database."""
        self._db = db
        self._clock = clock
        self._passwords = passwords

    async def any(self) -> bool:
        """Tell whether there is a user at all."""
        async with self._db.reading() as connection:
            return await _any(connection)

    async def found(self, founding: Founding) -> tuple[Tenant, User]:
        """Make the first tenant and its owner; raise Conflict when there is a user already."""
        _known_zone(founding.timezone)
        hashed = await self._passwords.hash(allowed(founding.password))
        tenant = Tenant(new_id(), founding.tenant.strip(), founding.timezone, moment(self._clock.now()), 1)
        async with self._db.writing() as connection:
            if await _any(connection):
                raise Conflict("Verger is set up already; sign in.")
            await connection.execute(insert(tables.tenant).values(_fields(tenant)))
            user = await self._add(connection, founding.name, founding.email, hashed)
            await self._tie(connection, tenant.id, user.id, Role.owner)
        return tenant, user

    async def add_tenant(self, name: str, timezone: str) -> Tenant:
        """Make a further organisation, with nobody in it."""
        tenant = Tenant(new_id(), name.strip(), _known_zone(timezone), moment(self._clock.now()), 1)
        async with self._db.writing() as connection:
            await connection.execute(insert(tables.tenant).values(_fields(tenant)))
        return tenant

    async def found_another(self, founding: Founding) -> tuple[Tenant, User]:
        """Make a further organisation and its owner, who keeps name and password if there is an account.

        Raise Conflict before the first is there, for its owners run this Verger.
        """
        _known_zone(founding.timezone)
        there = await self.known(founding.email)
        hashed = "" if there else await self._passwords.hash(allowed(founding.password))
        tenant = Tenant(new_id(), founding.tenant.strip(), founding.timezone, moment(self._clock.now()), 1)
        async with self._db.writing() as connection:
            if not await _any(connection):
                raise Conflict("Set Verger up first, in a browser: the organisation that does runs this Verger.")
            await connection.execute(insert(tables.tenant).values(_fields(tenant)))
            user = there or await self._add(connection, founding.name, founding.email, hashed)
            await self._tie(connection, tenant.id, user.id, Role.owner)
        return tenant, user

    async def known(self, email: str) -> User | None:
        """Return whose account an e-mail address is, None for nobody's."""
        query = select(*_COLUMNS).where(tables.user.c.known_as == known_as(email))
        async with self._db.reading() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _user(row)

    async def tenants(self) -> list[Tenant]:
        """Return every organisation, who was founded first first; for the operator."""
        query = select(tables.tenant).order_by(tables.tenant.c.created_at, tables.tenant.c.id)
        async with self._db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [Tenant(row.id, row.name, row.timezone, row.created_at, row.version) for row in rows]

    async def add(self, tenant: str, role: Role, name: str, email: str, password: str) -> User:
        """Make a person who is a member of a tenant; raise Conflict when the e-mail address has an account."""
        hashed = await self._passwords.hash(allowed(password))
        async with self._db.writing() as connection:
            try:
                user = await self._add(connection, name, email, hashed)
            except IntegrityError:
                sentence = "This e-mail address has an account already."
                raise Conflict(sentence, [Fault("email", sentence)]) from None
            await self._tie(connection, tenant, user.id, role)
        return user

    async def join(self, tenant: str, user: str, role: Role) -> None:
        """Make a person a member of a tenant; raise Conflict when they are one."""
        async with self._db.writing() as connection:
            try:
                await self._tie(connection, tenant, user, role)
            except IntegrityError:
                raise Conflict("They are a member already.") from None

    async def prove(self, email: str, password: str) -> User:
        """Return whose e-mail address and password these are; raise Unknown, alike and as late, for either wrong."""
        async with self._db.reading() as connection:
            query = select(*_COLUMNS, tables.user.c.password).where(tables.user.c.known_as == known_as(email))
            row = (await connection.execute(query)).first()
        fits = await self._passwords.fits(row.password if row else None, password)
        if row is None or not fits:
            raise Unknown("The e-mail address or the password is not right.")
        if self._passwords.outdated(row.password):
            await self._rehash(row.id, row.password, password)
        return _user(row)

    async def change(self, user: str, about: AboutMe, session: str | None, expected: int | None = None) -> User:
        """Change what people may change about themselves; a new password signs them out of every session but this one.

        Raises Stale, or Invalid for a wrong current password.
        """
        values: dict[str, Any] = {}
        if about.name is not UNSET:
            values["name"] = about.name.strip()
        if about.password is not UNSET:
            await self._prove_current(user, about)
            values["password"] = await self._passwords.hash(allowed(about.password))
        mine = tables.user.c.id == user
        async with self._db.writing() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(mine))).first()
            if row is None:
                raise Missing("This account is gone.")
            meant_for(row.version, expected)
            if "password" in values:
                others = (tables.session.c.user == user) & (tables.session.c.digest != (session or ""))
                await connection.execute(delete(tables.session).where(others))
            if values:
                await connection.execute(update(tables.user).where(mine).values(version=row.version + 1, **values))
            return _user((await connection.execute(select(*_COLUMNS).where(mine))).one())

    async def check_erasable(self, user: str) -> None:
        """Raise Conflict while a person is the last owner of an organisation."""
        ties = tables.membership.c
        owned = select(ties.tenant).where(ties.user == user, ties.role == Role.owner)
        others = select(ties.tenant).where(ties.user != user, ties.role == Role.owner)
        alone = select(tables.tenant.c.name).where(tables.tenant.c.id.in_(owned), tables.tenant.c.id.not_in(others))
        async with self._db.reading() as connection:
            name = await connection.scalar(alone)
        if name is not None:
            raise Conflict(f"{name} would have no owner left: make somebody else an owner of it first.")

    async def erase(self, user: str) -> None:
        """Remove a person with their sessions, memberships and keys; one who is gone already stays so."""
        async with self._db.writing() as connection:
            answers = tables.idempotency.c.caller == f"user:{user}"
            await connection.execute(delete(tables.idempotency).where(answers))
            await connection.execute(delete(tables.user).where(tables.user.c.id == user))

    async def memberships(self, user: str) -> list[Membership]:
        """Return every tenant that a person is a member of, by name."""
        async with self._db.reading() as connection:
            rows = await connection.execute(
                select(tables.tenant.c.id, tables.tenant.c.name, tables.tenant.c.timezone, tables.membership.c.role)
                .join(tables.membership)
                .where(tables.membership.c.user == user)
                .order_by(tables.tenant.c.name, tables.tenant.c.id)
            )
            return [Membership(row.id, row.name, row.timezone, Role(row.role)) for row in rows]

    async def tenant(self, tenant: str) -> Tenant:
        """Return a tenant."""
        async with self._db.reading() as connection:
            row = (await connection.execute(select(tables.tenant).where(tables.tenant.c.id == tenant))).first()
        if row is None:
            raise Missing("No such organisation.")
        return Tenant(row.id, row.name, row.timezone, row.created_at, row.version)

    async def first_tenant(self) -> str | None:
        """Return the tenant that was founded first, whose owners run this Verger."""
        query = select(tables.tenant.c.id).order_by(tables.tenant.c.created_at, tables.tenant.c.id).limit(1)
        async with self._db.reading() as connection:
            found: str | None = await connection.scalar(query)
            return found

    async def _add(self, connection: AsyncConnection, name: str, email: str, hashed: str) -> User:
        user = User(new_id(), name.strip(), email.strip(), moment(self._clock.now()), 1)
        values = _fields(user) | {"known_as": known_as(email), "password": hashed}
        await connection.execute(insert(tables.user).values(values))
        return user

    async def _tie(self, connection: AsyncConnection, tenant: str, user: str, role: Role) -> None:
        values = {"tenant": tenant, "user": user, "role": role, "joined_at": moment(self._clock.now()), "version": 1}
        await connection.execute(insert(tables.membership).values(values))

    async def _rehash(self, user: str, kept: str, password: str) -> None:
        hashed = await self._passwords.hash(password)
        same = (tables.user.c.id == user) & (tables.user.c.password == kept)
        async with self._db.writing() as connection:
            await connection.execute(update(tables.user).where(same).values(password=hashed))

    async def _prove_current(self, user: str, about: AboutMe) -> None:
        async with self._db.reading() as connection:
            kept = await connection.scalar(select(tables.user.c.password).where(tables.user.c.id == user))
        given = "" if about.current_password is UNSET else about.current_password
        if not await self._passwords.fits(kept, given):
            sentence = "This is not your current password."
            raise Invalid(sentence, [Fault("current_password", sentence)])


async def _any(connection: AsyncConnection) -> bool:
    return bool(await connection.scalar(select(exists().select_from(tables.user))))


def _fields(model: Tenant | User) -> dict[str, Any]:
    return {name: getattr(model, name) for name in model.__struct_fields__}


def _user(row: AnyRow) -> User:
    return User(row.id, row.name, row.email, row.created_at, row.version)


def _known_zone(timezone: str) -> str:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        sentence = "This time zone is not known; write one such as Europe/Helsinki."
        raise Invalid(sentence, [Fault("timezone", sentence)]) from None
    return timezone
