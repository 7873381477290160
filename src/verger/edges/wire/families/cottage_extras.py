"""What CottagePilot's tasks tell beyond Verger's: lines below the notes of a task, for people to read; pure."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from verger.base.errors import Invalid

STATUSES = ("done", "in progress", "waiting", "overdue")
_HEADING = "CottagePilot:"
_MARK = f"\n\n{_HEADING}\n"
_LINES = {
    "group": "Group",
    "additional_info": "More",
    "location": "Location",
    "status": "Status",
    "sensor": "Sensor",
    "limit_value": "Limit",
    "since": "Limit since",
    "month_correlation": "Month",
}
_FIELDS = {line: field for field, line in _LINES.items()}
_LONGEST = {"group": 50, "additional_info": 500, "location": 200}
_LARGEST = 1 << 31


def parted(notes: str) -> tuple[str, dict[str, str]]:
    """Return what somebody wrote of a task, and the fields in the lines below it."""
    text, mark, below = f"\n\n{notes}".rpartition(_MARK)
    if not mark:
        return notes, {}
    extras: dict[str, str] = {}
    others: list[str] = []
    last = ""
    for line in below.split("\n"):
        name, colon, value = line.partition(": ")
        field = _FIELDS.get(name) if colon else None
        if field is not None:
            extras[field], last = value, field
        elif last and line.startswith("  "):
            extras[last] += f"\n{line[2:]}"
        else:
            others.append(line)
    return "\n".join([text[2:], *others]).strip("\n") if others else text[2:], extras


def joined(text: str, extras: Mapping[str, str]) -> str:
    """Return the notes of a task of which `parted` makes the same again."""
    lines = [f"{line}: {extras[field]}".replace("\n", "\n  ") for field, line in _LINES.items() if extras.get(field)]
    return (text + "\n".join([_MARK.removesuffix("\n"), *lines])).lstrip("\n") if lines else text


def words_of(told: Mapping[str, Any], field: str) -> str:
    """Return a text that was sent, "" for none; raise Invalid for what is too long."""
    value = told.get(field)
    text = "" if value is None else str(value).replace("\r\n", "\n").strip()
    if len(text) > _LONGEST[field]:
        raise Invalid(f"{field}: Ensure this field has no more than {_LONGEST[field]} characters.")
    return text


def status_of(told: Mapping[str, Any]) -> str:
    """Return the status that was sent; raise Invalid for one that is not known."""
    if told["status"] not in STATUSES:
        raise Invalid(f"status: write one of {', '.join(STATUSES)}.")
    return str(told["status"])


def limit_of(told: Mapping[str, Any]) -> str:
    """Return the limit that was sent, "" for none; raise Invalid."""
    value = told.get("limit_value")
    if value in (None, ""):
        return ""
    try:
        number = None if isinstance(value, bool) else int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number != float(value) or abs(number) >= _LARGEST:
        raise Invalid("limit_value: A valid integer is required.")
    return str(number)


def month_of(told: Mapping[str, Any]) -> str:
    """Return the month that was sent, "" for none; raise Invalid."""
    value = str(told.get("month_correlation") or "").strip()
    if value and not (value.isascii() and value.isdigit() and 1 <= int(value[:3]) <= 12):
        raise Invalid("month_correlation: a month is a number from 1 to 12.")
    return str(int(value)) if value else ""


def day_of(told: Mapping[str, Any]) -> date | None:
    """Return the date that was sent, None for none; raise Invalid."""
    value = told.get("time_correlation")
    try:
        return datetime.fromisoformat(str(value)).date() if value else None
    except ValueError:
        raise Invalid("time_correlation: a date is written YYYY-MM-DD.") from None


def end_of(day: date) -> datetime:
    """Return when something is late that is to be done on a day."""
    return datetime.combine(day, time(23, 59), UTC)


def last_day(month: str, now: datetime) -> date:
    """Return the last day of the month that comes next, this one too."""
    year = now.year if int(month) >= now.month else now.year + 1
    return date(year, int(month), monthrange(year, int(month))[1])


def is_of_month(due: datetime | None, month: str) -> bool:
    """Whether something is due as its month ends, and was not given a day of its own."""
    if due is None or not month.isdigit() or due.month != int(month):
        return False
    return due.day == monthrange(due.year, due.month)[1]
