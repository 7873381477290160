"""Erasing: a row goes, and with it all that other tables hold about it, some rows at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Table, delete, select, tuple_, update

from verger.base.db import Database, metadata

_AT_ONCE = 500


async def erase(db: Database, table: Table, key: Any) -> None:
    """Delete the row of a table with this one key, after all rows that refer to it and what refers to those.

    A reference that may be empty is emptied instead. Each transaction is short; cut short, it is begun again.
    """
    (column,) = table.primary_key.columns
    await _erase(db, table, column, [key])


async def _erase(db: Database, table: Table, column: Column[Any], values: Sequence[Any]) -> None:
    keys = list(table.primary_key.columns)
    while True:
        async with db.reading() as connection:
            query = select(table).where(column.in_(values)).limit(_AT_ONCE)
            rows = (await connection.execute(query)).mappings().all()
        if not rows:
            return
        for other, reference, target in _referring(table):
            aims = [row[target.name] for row in rows]
            if reference.nullable:
                async with db.writing() as connection:
                    await connection.execute(update(other).where(reference.in_(aims)).values({reference.name: None}))
            elif other is not table:
                await _erase(db, other, reference, aims)
        async with db.writing() as connection:
            gone = [tuple(row[each.name] for each in keys) for row in rows]
            await connection.execute(delete(table).where(tuple_(*keys).in_(gone)))


def _referring(table: Table) -> Iterator[tuple[Table, Column[Any], Column[Any]]]:
    """Give each table that refers to one, by which column, and to which."""
    for other in metadata.sorted_tables:
        for foreign in other.foreign_keys:
            if foreign.column.table is table:
                yield other, foreign.parent, foreign.column
