"""Passes of devices that sign in: short ones to speak with, and long ones that are exchanged, each of them once."""

from datetime import datetime
from typing import Literal

from msgspec import Struct
from sqlalchemy import Column, ForeignKey, Integer, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds
from verger.base.db import Database, Instant, metadata

OVER = -1
"""The turn of passes that are no longer exchanged: one of them came twice."""

turn_table = Table(
    "pass_turn",
    metadata,
    Column("line", String(36), primary_key=True),
    Column("device", String(36), ForeignKey("device.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("turn", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)


class Pass(Struct, frozen=True, array_like=True):
    """What is sealed in a pass: whose it is, of which line and turn, until when, and a mark of the device's secret."""

    kind: Literal["access", "refresh"]
    tenant: str
    device: str
    line: str
    turn: int
    until: int
    mark: str


class Turns:
    """Which pass of each line comes next, in memory and on disk; a line that was never exchanged is in turn 0."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self._all: dict[str, tuple[int, int]] = {}  # turn and end, by line

    async def fill(self) -> None:
        """Know at start what is kept."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(turn_table.c.line, turn_table.c.turn, turn_table.c.expires_at))
            self._all = {row.line: (row.turn, microseconds(row.expires_at)) for row in rows}

    def of(self, line: str) -> int:
        """Return the turn of a line, `OVER` for one that has ended."""
        return self._all.get(line, (0, 0))[0]

    async def put(self, device: str, line: str, turn: int, until: datetime, now: datetime) -> None:
        """Keep the turn of a line until its passes have expired; forget those that have."""
        async with self._db.writing() as connection:
            await _forget(connection, line, now)
            row = {"line": line, "device": device, "turn": turn, "expires_at": until}
            await connection.execute(turn_table.insert().values(**row))
        gone = microseconds(now)
        self._all = {each: kept for each, kept in self._all.items() if kept[1] > gone}
        self._all[line] = (turn, microseconds(until))


async def _forget(connection: AsyncConnection, line: str, now: datetime) -> None:
    over = (turn_table.c.line == line) | (turn_table.c.expires_at <= now)
    await connection.execute(delete(turn_table).where(over))
