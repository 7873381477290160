"""Where it is kept how far each follower of the log has come, and what none of its takings could digest."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import moment
from verger.base.db import Database, Instant, metadata
from verger.base.errors import Missing
from verger.base.ids import new_id

follower_table = Table(
    "follower",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("position", BigInteger, nullable=False),
)
dead_letter_table = Table(
    "dead_letter",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("follower", String(80), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("record", LargeBinary, nullable=False),
    UniqueConstraint("follower", "sequence"),
)
_POSITION = follower_table.c
_LETTER = dead_letter_table.c


class DeadLetter(Struct, frozen=True):
    """A record that a follower could not take: which, why, and the bytes it has."""

    id: str
    follower: str
    sequence: int
    reason: str
    at: datetime
    bytes: int


async def save_position(connection: AsyncConnection, name: str, position: int) -> None:
    """Save how far a follower has come within the caller's transaction; it never goes back."""
    saved = await connection.scalar(select(_POSITION.position).where(_POSITION.name == name))
    if saved is None:
        await connection.execute(follower_table.insert().values(name=name, position=position))
    elif saved < position:
        await connection.execute(update(follower_table).where(_POSITION.name == name).values(position=position))


class FollowerStore:
    """Positions and dead letters; they belong to the whole house, not to a tenant."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def positions(self) -> dict[str, int]:
        """Return the saved positions by follower."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(_POSITION.name, _POSITION.position))
            return {row.name: row.position for row in rows}

    async def save(self, positions: Mapping[str, int]) -> None:
        """Save some positions together."""
        async with self._db.writing() as connection:
            for name, position in positions.items():
                await save_position(connection, name, position)

    async def bury(self, follower: str, sequence: int, reason: str, at: int, record: bytes) -> None:
        """Keep a record that a follower could not take; told twice after a crash, it stands once."""
        where = (_LETTER.follower == follower, _LETTER.sequence == sequence)
        async with self._db.writing() as connection:
            if await connection.scalar(select(_LETTER.id).where(*where)) is None:
                letter = {"follower": follower, "sequence": sequence, "reason": reason, "at": moment(at)}
                await connection.execute(dead_letter_table.insert().values(id=new_id(), record=record, **letter))

    async def dead_letters(self, most: int = 100) -> list[DeadLetter]:
        """Return the dead letters, newest first."""
        length = func.length(_LETTER.record).label("bytes")
        columns = (_LETTER.id, _LETTER.follower, _LETTER.sequence, _LETTER.reason, _LETTER.at, length)
        async with self._db.reading() as connection:
            rows = await connection.execute(select(*columns).order_by(_LETTER.id.desc()).limit(most))
            return [DeadLetter(**row) for row in rows.mappings()]

    async def count_dead_letters(self) -> dict[str, int]:
        """Return how many dead letters each follower has, if it has any."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(_LETTER.follower, func.count()).group_by(_LETTER.follower))
            return {follower: count for follower, count in rows}  # noqa: C416  rows are no pairs to the type checker

    async def sift(self, sift: Callable[[bytes], bytes | None]) -> None:
        """Put what `sift` makes of each dead letter in its place; None removes it."""
        async with self._db.reading() as connection:
            letters = list(await connection.scalars(select(_LETTER.id)))
        for letter in letters:
            record = await self.record(letter)
            sifted = sift(record)
            if sifted == record:
                continue
            async with self._db.writing() as connection:
                mine = _LETTER.id == letter
                if sifted is None:
                    await connection.execute(delete(dead_letter_table).where(mine))
                else:
                    await connection.execute(update(dead_letter_table).where(mine).values(record=sifted))

    async def record(self, letter: str) -> bytes:
        """Return the record of a dead letter as the log held it."""
        async with self._db.reading() as connection:
            record: bytes | None = await connection.scalar(select(_LETTER.record).where(_LETTER.id == letter))
        if record is None:
            raise Missing("There is no such dead letter.")
        return record
