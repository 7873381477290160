"""Where calls wait to be made, sealed; a row goes once its call has ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import case, delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, microseconds, moment
from verger.base.db import Database, rings
from verger.base.errors import Refused
from verger.base.ids import new_id
from verger.base.outgoing import checked
from verger.base.pages import AnyRow
from verger.base.plural import counted
from verger.base.secrets import ServerSecret
from verger.domain.webhooks.model import LONGEST, Call, Trouble, target_of
from verger.domain.webhooks.tables import callout, trouble

_TABLE, _TROUBLE = callout.c, trouble.c
_KNOWN = (_TABLE.tenant == _TROUBLE.tenant) & (_TABLE.target == _TROUBLE.target)


class CallStore:
    """Calls that wait, and how those fare that are called; the bell `fresh` rings when there are more of them."""

    def __init__(self, db: Database, clock: Clock, secret: ServerSecret, most: int) -> None:
        """Keep at most so many of a tenant in a database, addresses and bodies sealed."""
        self._db, self._clock, self._secret, self._most = db, clock, secret, most
        self.fresh = db.bell(callout.name)
        self.refused = 0

    async def put(self, connection: AsyncConnection, tenant: str, run: str, url: str, body: Any) -> str:
        """Call an address once the caller's transaction is committed; return the call's id. Raise Refused."""
        said = msgspec.json.encode(body)
        if len(said) > LONGEST:
            raise Refused(f"What it would send is {len(said):,} bytes, and may be {LONGEST:,}: say less in its body.")
        waiting = select(func.count()).select_from(callout).where(_TABLE.tenant == tenant)
        if (await connection.scalar(waiting) or 0) >= self._most:
            self.refused += 1
            waits = counted(self._most, "call waits", "calls wait")
            raise Refused(f"{waits} already: see to those who do not take them.")
        fresh, now = new_id(), moment(self._clock.now())
        sealed = self._secret.seal(msgspec.msgpack.encode((checked(url), said)), f"call {fresh}")
        row = {"id": fresh, "tenant": tenant, "run": run, "target": target_of(url), "sealed": sealed}
        await connection.execute(callout.insert().values(**row, at=now, due_at=now, attempts=0))
        rings(connection, callout.name)
        return fresh

    async def targets_due(
        self, now: datetime, away: Sequence[tuple[str, str]] = (), full: Sequence[str] = (), most: int = 100
    ) -> list[tuple[str, str]]:
        """Return (tenant, target) of those whom something is due for and that do not rest, the longest due first.

        None of those who are away, nor any of a tenant that has its full share.
        """
        query = select(_TABLE.tenant, _TABLE.target).join_from(callout, trouble, _KNOWN, isouter=True)
        query = query.where(_TABLE.due_at <= now, or_(_TROUBLE.rests_until.is_(None), _TROUBLE.rests_until <= now))
        query = query.where(tuple_(_TABLE.tenant, _TABLE.target).not_in(away), _TABLE.tenant.not_in(full))
        query = query.group_by(_TABLE.tenant, _TABLE.target)
        async with self._db.reading() as connection:
            rows = await connection.execute(query.order_by(func.min(_TABLE.due_at)).limit(most))
            return [(row.tenant, row.target) for row in rows]

    async def next_due(self, now: datetime) -> int | None:
        """Return when something falls due after a time, in microseconds."""
        rests = _TROUBLE.rests_until > _TABLE.due_at
        at = case((rests, _TROUBLE.rests_until), else_=_TABLE.due_at)
        query = select(func.min(at)).join_from(callout, trouble, _KNOWN, isouter=True).where(at > now)
        async with self._db.reading() as connection:
            found = await connection.scalar(query)
        return None if found is None else microseconds(found)

    async def due(self, tenant: str, target: str, now: datetime, most: int = 10) -> list[Call]:
        """Return some calls of a target that are due, the oldest first."""
        mine = (_TABLE.tenant == tenant, _TABLE.target == target, _TABLE.due_at <= now)
        async with self._db.reading() as connection:
            rows = await connection.execute(select(callout).where(*mine).order_by(_TABLE.id).limit(most))
            return [_call(row) for row in rows]

    async def wake(self, connection: AsyncConnection) -> None:
        """Let all that waits to be called, whoever rests, be due now."""
        now = moment(self._clock.now())
        await connection.execute(update(trouble).where(_TROUBLE.rests_until > now).values(rests_until=now))
        await connection.execute(update(callout).where(_TABLE.due_at > now).values(due_at=now))
        rings(connection, callout.name)

    async def count(self) -> tuple[int, int]:
        """Return how many calls wait, and at how many targets the last one failed."""
        async with self._db.reading() as connection:
            waiting, failing = (select(func.count()).select_from(table) for table in (callout, trouble))
            return await connection.scalar(waiting) or 0, await connection.scalar(failing) or 0

    async def claim(self, connection: AsyncConnection, call: Call, again: datetime) -> bool:
        """Count an attempt that begins now, the next one to be at a time; return False when the call is gone."""
        values = {"due_at": again, "attempts": call.attempts + 1}
        return (await connection.execute(update(callout).where(_TABLE.id == call.id).values(values))).rowcount == 1

    async def end(self, connection: AsyncConnection, call: Call) -> None:
        """Let a call go."""
        await connection.execute(delete(callout).where(_TABLE.id == call.id))

    async def old(self, before: datetime | None = None, most: int = 100) -> list[Call]:
        """Return some calls of any tenant that were put before a time, or whenever, the oldest first."""
        query = select(callout).order_by(_TABLE.at, _TABLE.id).limit(most)
        if before is not None:
            query = query.where(_TABLE.at <= before)
        async with self._db.reading() as connection:
            return [_call(row) for row in await connection.execute(query)]

    async def failed(self, connection: AsyncConnection, call: Call, why: str) -> int:
        """Keep why a call failed; return how many failures of whoever is called that are in a row."""
        await connection.execute(update(callout).where(_TABLE.id == call.id).values(error=why))
        before: int = await connection.scalar(select(_TROUBLE.failures).where(*_about(call))) or 0
        values = {"failures": before + 1, "error": why, "at": moment(self._clock.now())}
        if before:
            await connection.execute(update(trouble).where(*_about(call)).values(values))
        else:
            await connection.execute(trouble.insert().values(tenant=call.tenant, target=call.target, **values))
        return before + 1

    async def rest(self, connection: AsyncConnection, call: Call, until: datetime) -> None:
        """Let whoever is called rest."""
        await connection.execute(update(trouble).where(*_about(call)).values(rests_until=until))

    async def mended(self, connection: AsyncConnection, call: Call) -> None:
        """Know that whoever is called takes calls; when it rested, all that wait for it are due now."""
        row = (await connection.execute(select(_TROUBLE.rests_until).where(*_about(call)))).first()
        if row is None:
            return
        await connection.execute(delete(trouble).where(*_about(call)))
        if row.rests_until is not None:
            waits = (_TABLE.tenant == call.tenant, _TABLE.target == call.target)
            await connection.execute(update(callout).where(*waits).values(due_at=moment(self._clock.now())))

    async def forgive(self, before: datetime) -> None:
        """Forget whom no call failed at since a time."""
        async with self._db.writing() as connection:
            await connection.execute(delete(trouble).where(_TROUBLE.at < before))

    async def trouble(self, tenant: str, target: str) -> Trouble | None:
        """Return how calls of a target fail, None when they do not."""
        mine = (_TROUBLE.tenant == tenant, _TROUBLE.target == target)
        async with self._db.reading() as connection:
            row = (await connection.execute(select(trouble).where(*mine))).first()
        return None if row is None else Trouble(failures=row.failures, error=row.error, rests_until=row.rests_until)

    def opened(self, call: Call) -> tuple[str, bytes]:
        """Return the address and the body of a call; raise Unsealable."""
        plain = self._secret.unseal(call.sealed, f"call {call.id}")
        return msgspec.msgpack.decode(plain, type=tuple[str, bytes])


def _call(row: AnyRow) -> Call:
    return Call(**{name: getattr(row, name) for name in Call.__struct_fields__})


def _about(call: Call) -> tuple[Any, ...]:
    return _TROUBLE.tenant == call.tenant, _TROUBLE.target == call.target
