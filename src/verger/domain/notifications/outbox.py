"""The outbox: what is to be told, written in the transaction of its cause."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database, delete_some, rings
from verger.base.errors import Refused
from verger.base.ids import new_id
from verger.base.pages import AnyRow
from verger.domain.notifications import tables
from verger.domain.notifications.model import BODY_LONGEST, TITLE_LONGEST, Notice, Put, Urgency, shortened

_TABLE = tables.notice.c
_LONG = {"title": TITLE_LONGEST, "body": BODY_LONGEST}


def _leave(_notice: str, _why: str) -> None:
    """Leave alone what makes no sense."""


class Outbox:
    """Where notices stand until everybody has them, and as long as somebody does; `fresh` rings when there are more."""

    def __init__(self, db: Database, clock: Clock) -> None:
        """Keep them in a database."""
        self._db, self._clock = db, clock
        self.fresh = db.bell(tables.notice.name)

    async def put(self, connection: AsyncConnection, tenant: str, notice: Notice) -> str:
        """Tell people something once the caller's transaction is committed; return the notice's id."""
        fresh = new_id()
        values = {name: getattr(notice, name) for name in Notice.__struct_fields__}
        texts = {name: shortened(values[name], longest) for name, longest in _LONG.items()}
        at = moment(self._clock.now())
        row = values | texts | {"id": fresh, "tenant": tenant, "at": at, "spread": False}
        await connection.execute(tables.notice.insert().values(row))
        rings(connection, tables.notice.name)
        return fresh

    async def waiting(
        self, but: Collection[str] = (), most: int = 100, spoilt: Callable[[str, str], None] = _leave
    ) -> list[Put]:
        """Return notices that nobody has yet, by turns of the tenants, of each the gravest and then the oldest first.

        Some are left out; of one that makes no sense `spoilt` is told which it is, and why.
        """
        gravest = case({each.value: rank for rank, each in enumerate(Urgency)}, value=_TABLE.severity, else_=0).desc()
        turn = func.row_number().over(partition_by=_TABLE.tenant, order_by=(gravest, _TABLE.id)).label("turn")
        some = select(_TABLE.id, turn).where(_TABLE.spread.is_(False), _TABLE.id.not_in(but))
        first = some.order_by(turn, _TABLE.id).limit(most).subquery()
        query = select(tables.notice).join(first, first.c.id == _TABLE.id).order_by(first.c.turn, _TABLE.id)
        found = []
        async with self._db.reading() as connection:
            for row in await connection.execute(query):
                try:
                    found.append(_put(row))
                except (Refused, ValueError) as error:
                    spoilt(row.id, str(error))
        return found

    async def spread(self, connection: AsyncConnection, notice: str) -> bool:
        """Take it upon the caller's transaction that everybody has a notice; return False when somebody else did."""
        mine = (_TABLE.id == notice, _TABLE.spread.is_(False))
        return (await connection.execute(update(tables.notice).where(*mine).values(spread=True))).rowcount == 1

    async def expire(self, tenant: str, devices: Sequence[str], start: datetime, before: datetime) -> int:
        """Remove some notices about devices with start <= time < before; return how many, 0 at the end."""
        told = (_TABLE.at >= start, _TABLE.at < before)
        async with self._db.writing() as connection:
            return await delete_some(
                connection, tables.notice, _TABLE.tenant == tenant, _TABLE.device.in_(devices), *told
            )

    async def forget(self, connection: AsyncConnection, before: datetime, most: int = 500) -> int:
        """Remove some notices that were put before a time, with all that came of them; return how many."""
        old = select(_TABLE.id).where(_TABLE.at < before).limit(most)
        ids = (await connection.execute(old)).scalars().all()
        await connection.execute(delete(tables.notice).where(_TABLE.id.in_(ids)))
        return len(ids)


def _put(row: AnyRow) -> Put:
    values = {name: getattr(row, name) for name in Notice.__struct_fields__}
    return Put(row.id, row.tenant, row.at, Notice(**values | {"severity": Urgency(row.severity)}))
