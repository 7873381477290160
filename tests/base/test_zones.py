"""Zones: when their clocks are set is found to the second."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from verger.base.clock import HOUR, microseconds
from verger.base.zones import ahead, midnight, steady, zone_of

HELSINKI = ZoneInfo("Europe/Helsinki")


def test_a_year_has_three_parts_where_summer_is_summer() -> None:
    start, end = midnight(date(2026, 1, 1), HELSINKI), midnight(date(2027, 1, 1), HELSINKI)
    spring, autumn = (microseconds(datetime(2026, *at, 1, tzinfo=UTC)) for at in ((3, 29), (10, 25)))
    assert steady(start, end, HELSINKI) == (
        (start, spring, 2 * HOUR),
        (spring, autumn, 3 * HOUR),
        (autumn, end, 2 * HOUR),
    )


@pytest.mark.parametrize(
    "name", ["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"]
)
def test_the_parts_are_the_whole_and_the_clocks_stand_in_each(name: str) -> None:
    zone = zone_of(name)
    assert zone is not None
    start, end = microseconds(datetime(2024, 1, 3, 5, 7, tzinfo=UTC)), microseconds(datetime(2028, 2, 1, tzinfo=UTC))
    parts = steady(start, end, zone)
    assert (parts[0][0], parts[-1][1]) == (start, end)
    assert [part[1] for part in parts[:-1]] == [part[0] for part in parts[1:]]
    for begun, ended, offset in parts:
        assert {ahead(begun, zone), ahead((begun + ended) // 2, zone), ahead(ended - 1, zone)} == {offset}


def test_nothing_has_no_parts() -> None:
    assert steady(5, 5, HELSINKI) == ()
