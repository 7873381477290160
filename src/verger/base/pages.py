"""Lists in pages: what was asked for, one page of answers, and cursors that stay right while rows come and go."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, or_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import microseconds
from verger.base.db import Instant
from verger.base.errors import Fault, Invalid

USUAL = 50
MOST = 500
_WHOLE = range(-(2**63), 2**63)  # what a database takes for a whole number

T = TypeVar("T")
AnyRow = Row[*tuple[Any, ...]]


class Page(Struct, Generic[T], frozen=True):
    """Some items of a list, and the cursor that asks for the next ones, or None at the end."""

    items: list[T]
    next: str | None = None


class Asked(Struct, frozen=True):
    """Which part of a list was asked for: how many, after which cursor, in which order, with which words."""

    limit: int = USUAL
    cursor: str | None = None
    sort: str | None = None
    q: str | None = None


class Ordering(Struct, frozen=True):
    """How a list may be ordered: `sorts` by public name (none NULL), ties by `key`, `first` when nothing is asked.

    `first` and what callers ask is a name of `sorts`, with a minus before it for the greatest first.
    """

    key: ColumnElement[str]
    sorts: Mapping[str, ColumnElement[Any]]
    first: str
    names: Sequence[ColumnElement[Any]] = ()  # what `q` is looked for in


class _Cursor(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    sort: str
    value: str | int | float
    key: str


async def page(
    connection: AsyncConnection,
    query: Select[*tuple[Any, ...]],
    ordering: Ordering,
    asked: Asked,
    make: Callable[[AnyRow], T],
) -> Page[T]:
    """Return the page of a query that was asked for, each row made into an item."""
    sort = asked.sort or ordering.first
    column = ordering.sorts.get(sort.removeprefix("-"))
    if column is None:
        raise _wrong(
            "sort", f"sort takes {' or '.join(ordering.sorts)}, with a minus before it for the greatest first."
        )
    down = sort.startswith("-")
    if asked.q and not ordering.names:
        raise _wrong("q", "This list has no names to look for; leave q out.")
    if asked.q:
        query = query.where(or_(*(name.icontains(asked.q, autoescape=True) for name in ordering.names)))
    if asked.cursor:
        query = query.where(_beyond(ordering.key, column, _read(asked.cursor, sort, column), down=down))
    order = [c.desc() if down else c.asc() for c in (column, ordering.key)]
    marked = query.add_columns(column.label("_sort"), ordering.key.label("_key"))
    rows = (await connection.execute(marked.order_by(*order).limit(asked.limit + 1))).all()
    kept = rows[: asked.limit]
    more = len(rows) > asked.limit
    return Page([make(row) for row in kept], _write(sort, kept[-1]) if more else None)


def _beyond(key: ColumnElement[str], column: ColumnElement[Any], last: _Cursor, *, down: bool) -> ColumnElement[bool]:
    value = type_coerce(last.value, BigInteger) if isinstance(column.type, Instant) else last.value
    if down:
        return or_(column < value, and_(column == value, key < last.key))
    return or_(column > value, and_(column == value, key > last.key))


def _write(sort: str, row: AnyRow) -> str:
    mapping = row._mapping  # noqa: SLF001  SQLAlchemy's public name for it
    value = mapping["_sort"]
    plain = microseconds(value) if isinstance(value, datetime) else value
    text = msgspec.json.encode(_Cursor(sort, plain, mapping["_key"]))
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _read(cursor: str, sort: str, column: ColumnElement[Any]) -> _Cursor:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        last = msgspec.json.decode(text, type=_Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise _wrong("cursor", "This is no cursor of ours; leave it out to begin anew.") from None
    kind = int if isinstance(column.type, Instant) else column.type.python_type
    fits = isinstance(last.value, kind) and (not isinstance(last.value, int) or last.value in _WHOLE)
    if last.sort != sort or not fits:
        raise _wrong("cursor", "This cursor belongs to another order; leave it out to begin anew.")
    return last


def _wrong(field: str, sentence: str) -> Invalid:
    return Invalid(sentence, [Fault(field, sentence)])
