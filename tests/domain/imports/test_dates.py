"""Dates that begin with the day or the month are read for what a whole file can only mean."""

import io

import pytest

from verger.base.errors import Invalid
from verger.domain.imports.dates import Guess, read
from verger.domain.imports.lines import Lines
from verger.domain.imports.model import FileForm


def guess(*times: str) -> Guess:
    text = "\n".join(["time;t", *(f"{each};1" for each in times)])
    lines, made = Lines(io.BytesIO(text.encode()), FileForm(form="wide", device="d", separator=";")), Guess()
    while lines.look(made, 2):
        pass
    return made


@pytest.mark.parametrize(
    ("text", "order", "meant"),
    [
        ("31.12.2026", "day_first", "2026-12-31T00:00:00"),
        ("1/2/2026 7:05", "day_first", "2026-02-01T07:05:00"),
        ("1/2/2026 7:05", "month_first", "2026-01-02T07:05:00"),
        ("31-12-2026, 14:30:59,25", "day_first", "2026-12-31T14:30:59.250000"),
        ("31.12.2026 14.30", "day_first", "2026-12-31T14:30:00"),
        ("12/31/2026 12:05 AM", "month_first", "2026-12-31T00:05:00"),
        ("12/31/2026 2:30:00 p.m.", "month_first", "2026-12-31T14:30:00"),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, order: str, meant: str) -> None:
    assert read(text, "day_first" if order == "day_first" else "month_first").isoformat() == meant


@pytest.mark.parametrize(
    "text", ["31.12.26", "31.12/2026", "31.13.2026", "30.2.2026", "1.1.2026 13:00 PM", "1.1.2026 x"]
)
def test_what_is_no_date_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(text, "day_first")


def test_one_date_that_can_only_be_one_of_both_decides_for_the_whole_file() -> None:
    assert guess("1.2.2026", "3.2.2026", "13.2.2026").order() == "day_first"
    assert guess("1/2/2026", "2/13/2026 1:00 PM", "").order() == "month_first"
    assert guess("broken", "31/12/2026").order() == "day_first"


@pytest.mark.parametrize("times", [("1.2.2026", "12.12.2026"), ("13/1/2026", "1/13/2026")])
def test_where_a_file_does_not_tell_it_is_asked_for(times: tuple[str, ...]) -> None:
    with pytest.raises(Invalid, match="say which, day_first or month_first") as asked:
        guess(*times).order()
    assert asked.value.faults[0].field == "reading.time"


def test_times_as_rfc3339_has_them_are_not_looked_at_to_the_end() -> None:
    assert guess("2026-01-01", "31.12.2026").seen == 0
