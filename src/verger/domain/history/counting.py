"""Counting: how many chunks and readings the file of a month holds, by its heads."""

import sqlite3

import numpy as np

from verger.domain.history.codec import broken
from verger.domain.history.grain import DAYS, HOURS, Found


def counted(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return chunks and readings; what is damaged counts as a chunk without readings."""
    chunks = readings = 0
    for grain in (HOURS, DAYS):
        rows = connection.execute(f"SELECT {grain.listed} FROM {grain.table}")  # noqa: S608  a grain's own names
        while some := rows.fetchmany(4096):
            found = Found.of(some, grain)
            whole = np.ones(len(some), np.bool_)
            whole[[which for which, _ in broken(found.heads, found.hours.tolist())]] = False
            chunks, readings = chunks + len(some), readings + int(found.heads["n"][whole].sum())
    return chunks, readings
