"""An errand, as whoever asked for it sees it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct


class ErrandState(StrEnum):
    """Whether an errand runs, and how it ended."""

    running = "running"
    done = "done"
    failed = "failed"
    cancelled = "cancelled"


class Errand(Struct, frozen=True, kw_only=True):
    """Long work: `done` of `total` steps, which is None while nobody knows it; `result` once done, `error` if failed.

    `asked_by` is the caller's name, such as `user:<id>`.
    """

    id: str
    kind: str
    asked_by: str
    state: ErrandState = ErrandState.running
    done: int = 0
    total: int | None = None
    result: Any = None
    error: str | None = None
    created_at: datetime
    ended_at: datetime | None = None
