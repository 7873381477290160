"""A row of another system's table, and what its cells mean; what cannot be meant raises ValueError."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from verger.base.clock import microseconds

_SHOWN, _LONGEST = 60, 2_000
_CLOCK = "%Y-%m-%d %I:%M:%S %p"
_YES, _NO = frozenset({"t", "true", "1", "yes"}), frozenset({"f", "false", "0", "no"})
_SECONDS, _MILLISECONDS = 1e11, 1e14


class Row(Struct, frozen=True):
    """A row by its number in its table; `zone` is that of times that name none."""

    table: str
    line: int
    cells: Mapping[str, Any]
    zone: tzinfo

    def text(self, name: str) -> str:
        """Return what a cell says, "" for nothing."""
        value = self.cells.get(name)
        return "" if value is None else str(value).strip()

    def needed(self, name: str) -> str:
        """Return what a cell says; it says something."""
        if text := self.text(name):
            return text
        raise ValueError(f"It has no {name}.")

    def id(self, name: str) -> str:
        """Return an id, a UUID always in the same way of writing it; "" for nothing."""
        text = self.text(name)
        if len(text) in {32, 36}:
            try:
                return str(UUID(text))
            except ValueError:
                pass
        return text

    def number(self, name: str) -> float | None:
        """Return a number, None for nothing."""
        text = self.text(name)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or "_" in text:
            raise ValueError(f"Its {name} “{text[:_SHOWN]}” is no number.")
        return number

    def flag(self, name: str) -> bool | None:
        """Return a yes or no, None for anything else."""
        text = self.text(name).lower()
        return True if text in _YES else False if text in _NO else None

    def time(self, name: str) -> int:
        """Return a time in microseconds."""
        text = self.needed(name)
        if (at := time_of(text, self.zone)) is None:
            raise ValueError(f"Its {name} “{text[:_SHOWN]}” is no time.")
        return at

    def about(self, *names: str) -> dict[str, Any]:
        """Return what some cells say, but for those that say nothing."""
        return {name: text[:_LONGEST] for name in names if (text := self.text(name))}

    def with_cells(self, **more: Any) -> "Row":
        """Return a row that says some more."""
        return structs.replace(self, cells={**self.cells, **more})

    def inside(self, name: str, names: Mapping[str, str]) -> "Row":
        """Return what the object of a cell says by some of its names, as a row of its own."""
        told = self.told(name)
        return structs.replace(self, cells={ours: told.get(theirs) for theirs, ours in names.items()})

    def told(self, name: str) -> dict[str, Any]:
        """Return the object of a cell that is JSON, {} for anything else."""
        value = self.cells.get(name)
        try:
            told = json.loads(value) if isinstance(value, str | bytes) else value
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}


def time_of(text: str, zone: tzinfo) -> int | None:
    """Return a time in microseconds: as a database writes it, as a spreadsheet does, or since 1970."""
    try:
        return _written(text, zone)
    except (ValueError, OverflowError):
        return None


def _written(text: str, zone: tzinfo) -> int:
    if text[4:5] == "-":
        half = text[-2:].upper() in {"AM", "PM"}
        at = datetime.strptime(text, _CLOCK) if half else datetime.fromisoformat(text)  # noqa: DTZ007  zoned below
        return microseconds(at if at.tzinfo else at.replace(tzinfo=zone))
    number = float(text)
    if not 0 < number < _MILLISECONDS:
        raise ValueError(text)
    return round(number * (1_000_000 if number < _SECONDS else 1_000))
