"""Where it is kept when devices were last heard, how they speak, and who is silent: columns of their rows."""

from collections.abc import Iterable

from msgspec import structs
from sqlalchemy import BigInteger, Column, Integer, Table, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds, moment
from verger.base.db import Database, metadata
from verger.domain.devices.seen import Seen
from verger.domain.devices.store import device_table

listening_table = Table(
    "listening",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("listened", BigInteger, nullable=False),
    Column("record", BigInteger, nullable=False),
)
_ONE = 1  # the only row
_TABLE, _LISTENING = device_table.c, listening_table.c
_KEEP = (
    update(device_table)
    .where(_TABLE.id == bindparam("seen_device"))
    .values({name: bindparam(f"seen_{name}") for name in Seen.__struct_fields__ if name != "device"})
)


class PresenceStore:
    """Keeps presence; called by the follower of all tenants, with ids that it was told by the log."""

    def __init__(self, db: Database) -> None:
        """Keep it in a database."""
        self.db = db

    async def listened(self) -> tuple[int, int]:
        """Return for how many microseconds Verger has listened in its life, and up to which record all is kept."""
        async with self.db.reading() as connection:
            row = (await connection.execute(select(_LISTENING.listened, _LISTENING.record))).first()
        return (0, 0) if row is None else (row.listened, row.record)

    async def listen(self, connection: AsyncConnection, listened: int, record: int) -> None:
        """Keep both within the caller's transaction."""
        values = {"listened": listened, "record": record}
        done = await connection.execute(update(listening_table).values(**values))
        if done.rowcount == 0:
            await connection.execute(listening_table.insert().values(id=_ONE, **values))

    async def keep(self, connection: AsyncConnection, seen: Iterable[Seen]) -> None:
        """Keep some devices as they are, within the caller's transaction."""
        rows = [{f"seen_{name}": value for name, value in structs.asdict(each).items()} for each in seen]
        for row in rows:
            for name in ("seen_last_seen", "seen_silent_since"):
                row[name] = None if row[name] is None else moment(row[name])
        if rows:
            await connection.execute(_KEEP, rows)

    async def everything(self) -> list[Seen]:
        """Return what is kept of every device that has not retired."""
        columns = [_TABLE.id, *(_TABLE[name] for name in Seen.__struct_fields__ if name != "device")]
        query = select(*columns).where(_TABLE.retired_at.is_(None), _TABLE.last_seen.is_not(None))
        async with self.db.reading() as connection:
            rows = (await connection.execute(query)).all()
        return [
            Seen(
                device=row.id,
                last_seen=microseconds(row.last_seen),
                silent_since=None if row.silent_since is None else microseconds(row.silent_since),
                alerted=row.alerted,
                heard=row.heard,
                back=row.back,
                gaps=row.gaps or b"",
                record=row.record,
            )
            for row in rows
        ]
