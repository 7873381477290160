"""Quiet hours, digests and budgets, by the clock of the person."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from verger.base.clock import MINUTE, microseconds, moment
from verger.base.errors import Invalid
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.preferences import Digest, Preferences, Quiet, may_go, next_free

HELSINKI = ZoneInfo("Europe/Helsinki")
NIGHT = Preferences(quiet=Quiet("22:00", "07:00"))
NOON = Preferences(quiet=Quiet("12:00", "13:00", but=()))
DAILY = Preferences(digest=Digest("08:00"), quiet=Quiet("07:00", "09:00"))
START = 30_000_000 * MINUTE


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI).astimezone(UTC)


@pytest.mark.parametrize(
    ("wanted", "severity", "put", "now", "goes"),
    [
        (Preferences(), "info", "2026-06-01 03:00", "2026-06-01 03:00", "2026-06-01 03:00"),
        (NIGHT, "warning", "2026-06-01 21:59", "2026-06-01 21:59", "2026-06-01 21:59"),
        (NIGHT, "warning", "2026-06-01 22:00", "2026-06-01 22:00", "2026-06-02 07:00"),
        (NIGHT, "warning", "2026-06-01 03:00", "2026-06-01 03:00", "2026-06-01 07:00"),
        (NIGHT, "warning", "2026-06-01 03:00", "2026-06-01 07:00", "2026-06-01 07:00"),
        (NIGHT, "critical", "2026-06-01 03:00", "2026-06-01 03:00", "2026-06-01 03:00"),
        (NIGHT, "warning", "2026-03-28 23:00", "2026-03-28 23:00", "2026-03-29 07:00"),  # an hour is left out
        (NIGHT, "warning", "2026-10-24 23:00", "2026-10-24 23:00", "2026-10-25 07:00"),  # an hour comes twice
        (NOON, "critical", "2026-06-01 12:30", "2026-06-01 12:30", "2026-06-01 13:00"),
        (NOON, "critical", "2026-06-01 11:30", "2026-06-01 11:30", "2026-06-01 11:30"),
        (DAILY, "info", "2026-06-01 07:30", "2026-06-01 07:30", "2026-06-01 08:00"),
        (DAILY, "info", "2026-06-01 08:30", "2026-06-01 08:30", "2026-06-02 08:00"),
        (DAILY, "info", "2026-06-01 08:30", "2026-06-02 08:01", "2026-06-02 08:01"),
        (DAILY, "warning", "2026-06-01 10:00", "2026-06-01 10:00", "2026-06-01 10:00"),
    ],
)
def test_it_goes_when_somebody_wants_it(wanted: Preferences, severity: str, put: str, now: str, goes: str) -> None:
    assert may_go(wanted, HELSINKI, Urgency(severity), at(put), at(now)) == at(goes)


def test_what_comes_after_the_digest_of_an_hour_that_comes_twice_waits_for_the_next() -> None:
    wanted, autumn = Preferences(digest=Digest("03:30")), datetime(2026, 10, 25, 3, 10, tzinfo=HELSINKI)
    first, second = autumn.astimezone(UTC), autumn.replace(fold=1).astimezone(UTC)
    assert may_go(wanted, HELSINKI, Urgency.info, first, first) == at("2026-10-25 03:30")
    assert may_go(wanted, HELSINKI, Urgency.info, second, second) == at("2026-10-26 03:30")


@pytest.mark.parametrize(
    ("severity", "sent", "waits"),
    [
        ("info", [], 0),
        ("info", [10], 0),
        ("info", [20, 10], 40),
        ("info", [61, 20], 0),
        ("info", [50, 40, 20], 20),
        ("critical", [10, 2], 3),
        ("critical", [20, 10], 0),
    ],
)
def test_more_than_the_budget_of_an_hour_waits(severity: str, sent: list[int], waits: int) -> None:
    left = [moment(START - minutes * MINUTE) for minutes in sent]
    free = next_free(Preferences(per_hour=2), Urgency(severity), left, moment(START))
    assert (microseconds(free) - START) // MINUTE == waits


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("timezone", {"timezone": "Moon/Sea"}),
        ("quiet.end", {"quiet": Quiet("07:00", "07:00")}),
        ("per_hour", {"per_hour": 0}),
    ],
)
def test_what_cannot_be_is_refused_by_field(field: str, wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refused:
        Preferences(**wrong)  # type: ignore[arg-type]
    assert [fault.field for fault in refused.value.faults] == [field]
