"""A task: what to do, where, how pressing, who does it and by when."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid

TITLE_LONGEST = 200
NOTES_LONGEST = 4000

Due = Annotated[datetime, Meta(tz=True)]


class Priority(StrEnum):
    """How pressing it is, the least first."""

    low = "low"
    normal = "normal"
    high = "high"
    urgent = "urgent"


class TaskState(StrEnum):
    """Whether it is still to be done."""

    open = "open"
    done = "done"


class Task(Struct, frozen=True, kw_only=True):
    """Something to do; `made_by` is `user:<id>`, `key:<id>` or `rule:<id>`, `alert` the alert it came of.

    `due` is a moment, None when it has time; `done_by` says who did it, as `made_by` does.
    """

    id: str
    title: str
    notes: str = ""
    place: str | None = None
    device: str | None = None
    priority: Priority = Priority.normal
    assignee: str | None = None
    due: datetime | None = None
    state: TaskState = TaskState.open
    made_by: str
    alert: str | None = None
    created_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a task that cannot be; raise Invalid with a fault for each field."""
        faults = []
        if not 1 <= len(self.title.strip()) <= TITLE_LONGEST:
            faults.append(Fault("title", f"Say in 1 to {TITLE_LONGEST} characters what is to be done."))
        if len(self.notes) > NOTES_LONGEST:
            faults.append(Fault("notes", f"Write notes of at most {NOTES_LONGEST} characters."))
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)
