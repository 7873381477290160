"""The first run: whoever holds the printed link, or sits at the machine, becomes the first owner."""

import asyncio
import secrets

from verger.base.errors import Conflict, Forbidden
from verger.base.secrets import same
from verger.domain.tenancy.model import Founding, Tenant, User
from verger.domain.tenancy.users import Users


class FirstRun:
    """Makes the first tenant and owner, once; its code is good for this run of the program."""

    def __init__(self, users: Users) -> None:
        """Make a fresh code."""
        self.code = secrets.token_urlsafe(16)
        self._users = users
        self._turn = asyncio.Lock()

    async def needed(self) -> bool:
        """Tell whether there is no user yet."""
        return not await self._users.any()

    async def found(self, founding: Founding, *, code: str | None, at_the_machine: bool) -> tuple[Tenant, User]:
        """Make the first tenant and owner; raise Conflict when there is one, Forbidden without the code."""
        async with self._turn:
            if not await self.needed():
                raise Conflict("Verger is set up already; sign in.")
            if not at_the_machine and not same(code or "", self.code):
                raise Forbidden("This needs the code in the link that Verger printed when it started.")
            return await self._users.found(founding)
