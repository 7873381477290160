"""All of tenancy in one hand, for whoever builds the program."""

from dataclasses import dataclass
from typing import Self

from verger.base.clock import Clock
from verger.base.db import Database
from verger.base.errors import Forbidden
from verger.base.secrets import ServerSecret
from verger.domain.tenancy import keys
from verger.domain.tenancy.answers import Answers
from verger.domain.tenancy.deeds import DeedStore
from verger.domain.tenancy.first_run import FirstRun
from verger.domain.tenancy.keys import Keys
from verger.domain.tenancy.limits import LimitStore
from verger.domain.tenancy.members import Members
from verger.domain.tenancy.model import Caller
from verger.domain.tenancy.passwords import Passwords
from verger.domain.tenancy.sessions import Sessions
from verger.domain.tenancy.users import Users


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The stores of tenancy."""

    users: Users
    members: Members
    sessions: Sessions
    keys: Keys
    answers: Answers
    first_run: FirstRun
    limits: LimitStore
    deeds: DeedStore

    @classmethod
    def over(
        cls, db: Database, clock: Clock, secret: ServerSecret, days: int = 30, passwords: Passwords | None = None
    ) -> Self:
        """Return the stores over one database; sessions end after so many days without use."""
        users = Users(db, clock, passwords or Passwords())
        sessions = Sessions(db, clock, days)
        keys_, answers, first_run = Keys(db, clock), Answers(db, clock, secret), FirstRun(users)
        return cls(users, Members(db), sessions, keys_, answers, first_run, LimitStore(db), DeedStore(db))

    async def caller(self, token: str, tenant: str | None = None) -> Caller:
        """Return whose session token or API key it is; raise Unknown, or Missing when not in the tenant named."""
        if token.startswith(f"{keys.KIND}_"):
            return await self.keys.caller(token, tenant)
        return await self.sessions.caller(token, tenant)

    async def look(self, token: str, tenant: str) -> Caller:
        """Return the caller as `caller` does, without that being a use of the token."""
        store = self.keys if token.startswith(f"{keys.KIND}_") else self.sessions
        return await store.look(token, tenant)

    async def runs(self, tenant: str) -> bool:
        """Tell whether an organisation is the one that set this Verger up, and so may see all of the installation."""
        return tenant == await self.users.first_tenant()

    async def operator(self, caller: Caller) -> Caller:
        """Return the caller, or raise Forbidden unless they run this Verger: as owners of its first organisation."""
        if not await self.runs(caller.needs("backups:write").tenant):
            raise Forbidden("Only owners of the organisation that set this Verger up may do this.")
        return caller

    async def purge(self) -> None:
        """Remove ended sessions and answers kept for longer than a day; to be done now and then."""
        await self.sessions.purge()
        await self.answers.purge()
