"""Sessions: people signed in, kept as digests, so that they survive a restart and no stolen copy opens them."""

from datetime import timedelta

from sqlalchemy import and_, case, delete, insert, select, update

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Forbidden, Missing, Unknown
from verger.base.pages import AnyRow
from verger.base.secrets import digest, new_token
from verger.domain.tenancy import tables
from verger.domain.tenancy.model import Caller, Role, User

KIND = "vs"
_COARSE = timedelta(hours=1)

_SESSION, _USER, _TIE = tables.session.c, tables.user.c, tables.membership.c


class Sessions:
    """The only SQL of sessions, but that a new password ends a person's others."""

    def __init__(self, db: Database, clock: Clock, days: int = 30) -> None:
        """Keep sessions in a database; one ends after so many days without use."""
        self._db = db
        self._clock = clock
        self._lifetime = timedelta(days=days)

    @property
    def lifetime(self) -> timedelta:
        """Return after how long without use a session ends."""
        return self._lifetime

    async def open(self, user: str, tenant: str | None = None) -> str:
        """Sign a person in, to a tenant or the one they used last, and return the token of the session."""
        token, now = new_token(KIND), moment(self._clock.now())
        async with self._db.writing() as connection:
            last = select(_SESSION.tenant).where(_SESSION.user == user).order_by(_SESSION.expires_at.desc()).limit(1)
            values = {
                "digest": digest(token),
                "user": user,
                "tenant": tenant or await connection.scalar(last),
                "created_at": now,
                "expires_at": now + self._lifetime,
            }
            await connection.execute(insert(tables.session).values(values))
        return token

    async def caller(self, token: str, tenant: str | None = None) -> Caller:
        """Return whose token it is, in the tenant named or last used; raise Unknown, or Missing when not a member."""
        row = await self._known(token, tenant)
        await self._used(row)
        return _caller(row)

    async def look(self, token: str, tenant: str | None = None) -> Caller:
        """Return the caller as `caller` does; the session lasts no longer for it."""
        return _caller(await self._known(token, tenant))

    async def _known(self, token: str, tenant: str | None) -> AnyRow:
        row = await self._find(digest(token), tenant)
        if row is None:
            raise Unknown("You are not signed in, or no longer; sign in again.")
        if row.tenant is None and tenant is not None:
            raise Missing("No such organisation, or you are not a member of it.")
        if row.tenant is None:
            raise Forbidden("You are not a member of any organisation; ask an owner to make you one.")
        return row

    async def end(self, session: str) -> bool:
        """Sign out of one session, named by its digest; tell whether there was one."""
        async with self._db.writing() as connection:
            ended = await connection.execute(delete(tables.session).where(_SESSION.digest == session))
        return ended.rowcount > 0

    async def end_all(self) -> int:
        """Sign everybody out; return how many sessions ended."""
        async with self._db.writing() as connection:
            return (await connection.execute(delete(tables.session))).rowcount

    async def purge(self) -> None:
        """Remove the sessions that have ended."""
        async with self._db.writing() as connection:
            await connection.execute(delete(tables.session).where(_SESSION.expires_at <= moment(self._clock.now())))

    async def _find(self, session: str, tenant: str | None) -> AnyRow | None:
        """Return session, person and membership; without a tenant named, the last used or else the oldest."""
        ties = _TIE.user == _SESSION.user
        if tenant is not None:
            ties = and_(ties, _TIE.tenant == tenant)
        query = (
            select(
                *(_USER[name] for name in User.__struct_fields__),
                *(_SESSION.digest, _SESSION.expires_at, _SESSION.tenant.label("last")),
                *(_TIE.tenant, _TIE.role),
            )
            .select_from(tables.session.join(tables.user).outerjoin(tables.membership, ties))
            .where(_SESSION.digest == session, _SESSION.expires_at > moment(self._clock.now()))
            .order_by(case((_TIE.tenant == _SESSION.tenant, 0), else_=1), _TIE.joined_at)
            .limit(1)
        )
        async with self._db.reading() as connection:
            return (await connection.execute(query)).first()

    async def _used(self, row: AnyRow) -> None:
        until = moment(self._clock.now()) + self._lifetime
        if row.tenant == row.last and row.expires_at > until - _COARSE:
            return
        async with self._db.writing() as connection:
            used = update(tables.session).where(_SESSION.digest == row.digest)
            await connection.execute(used.values(tenant=row.tenant, expires_at=until))


def _caller(row: AnyRow) -> Caller:
    user = User(row.id, row.name, row.email, row.created_at, row.version)
    return Caller(user, row.tenant, Role(row.role), row.digest)
