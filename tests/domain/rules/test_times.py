"""Schedules, the sun and parts of the day: at a place, over summer time, and when they were missed."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.domain.rules.scenes import ALERT, BELOW, PULSE, at, event, rule, scene, t, time
from verger.base.clock import MINUTE, SECOND, microseconds, moment
from verger.base.errors import Invalid
from verger.domain.rules.compiled import Ground, compiled
from verger.domain.rules.cron import Cron
from verger.domain.rules.facts import Time
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.sun import next_sun
from verger.domain.rules.wall import between, minute_of

BERLIN = ZoneInfo("Europe/Berlin")  # 29 March 2026: 02:00 is 03:00; 25 October 2026: 03:00 is 02:00


def at_utc(text: str) -> int:
    """Return an instant, which a text tells in UTC."""
    return microseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def shown(instant: int | None) -> str:
    """Return an instant as text."""
    return "never" if instant is None else f"{moment(instant):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("30 6 * * *", "2026-01-01 05:30", ["2026-01-02 05:30", "2026-01-03 05:30"]),
        ("*/20 * * * *", "2026-01-01 05:30", ["2026-01-01 05:40", "2026-01-01 06:00"]),
        ("0 12 * * mon-fri", "2026-01-02 11:00", ["2026-01-05 11:00", "2026-01-06 11:00"]),
        ("0 0 29 2 *", "2026-01-01 00:00", ["2028-02-28 23:00", "2032-02-28 23:00"]),
        ("0 0 13 * fri", "2026-01-31 00:00", ["2026-02-05 23:00", "2026-02-12 23:00", "2026-02-19 23:00"]),
        ("0 0 1 jan,jul 0-7", "2026-01-01 00:00", ["2026-01-01 23:00"]),
        ("@hourly", "2026-01-01 05:30", ["2026-01-01 06:00"]),
        ("30 2 * * *", "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:30"]),
        ("*/30 * * * *", "2026-03-29 00:30", ["2026-03-29 01:00", "2026-03-29 01:30"]),
        ("30 2 * * *", "2026-10-24 12:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        ("*/30 * * * *", "2026-10-25 00:00", ["2026-10-25 00:30", "2026-10-25 02:00"]),
        ("5-45/20 3 * * *", "2026-01-01 00:00", ["2026-01-01 02:05", "2026-01-01 02:25", "2026-01-01 02:45"]),
    ],
)
def test_a_schedule_is_due(schedule: str, after: str, expected: list[str]) -> None:
    found, instant = [], at_utc(after)
    for _ in expected:
        due = Cron.read(schedule).next(instant, BERLIN)
        assert due is not None
        found.append(shown(due))
        instant = due
    assert found == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("* * * *", "five fields"),
        ("60 * * * *", "from 0 to 59"),
        ("* * * * monday", "from 0 to 7"),
        ("*/0 * * * *", "*/10"),
        ("5-1 * * * *", "1-5"),
        ("1,,2 * * * *", "not nothing"),
        ("0 0 31 4 *", "no such day"),
        ("²/5 * * * *", "from 0 to 59"),
        ("*/² * * * *", "*/10"),
    ],
)
def test_a_schedule_that_is_none_says_what_to_write(text: str, said: str) -> None:
    assert said in Cron.trouble(text)


@pytest.mark.parametrize(
    ("turn", "zone", "place", "after", "expected"),
    [
        ("sunrise", "Europe/Berlin", (52.52, 13.405), "2026-06-20 22:30", "2026-06-21 02:43"),
        ("sunset", "Europe/Berlin", (52.52, 13.405), "2026-06-20 22:30", "2026-06-21 19:33"),
        ("sunrise", "Australia/Sydney", (-33.87, 151.21), "2025-12-31 13:30", "2025-12-31 18:48"),
        ("sunset", "America/New_York", (40.71, -74.01), "2026-03-20 05:00", "2026-03-20 23:08"),
        ("sunset", "Pacific/Auckland", (-36.85, 174.76), "2026-06-20 13:00", "2026-06-21 05:11"),
    ],
)
def test_the_sun_turns_within_two_minutes_of_almanacs(
    turn: Any, zone: str, place: tuple[float, float], after: str, expected: str
) -> None:
    found = next_sun(turn, at_utc(after), *place, ZoneInfo(zone))
    assert found is not None
    assert abs(found - at_utc(expected)) <= 2 * MINUTE, shown(found)


def test_where_the_sun_does_not_rise_for_weeks_it_is_waited_for() -> None:
    tromso = (69.65, 18.96, ZoneInfo("Europe/Oslo"))
    assert shown(next_sun("sunrise", at_utc("2025-12-01 00:00"), *tromso)).startswith("2026-01-1")
    pole = next_sun("sunrise", at_utc("2026-01-01 00:00"), 90, 0, ZoneInfo("UTC"))
    assert pole is None or shown(pole).startswith("2026-03")


def test_an_offset_goes_back_over_midnight() -> None:
    day = next_sun("sunrise", at_utc("2026-06-20 22:30"), 52.52, 13.405, BERLIN)
    early = next_sun("sunrise", at_utc("2026-06-20 12:00"), 52.52, 13.405, BERLIN, -5 * 60 * MINUTE)
    assert day is not None
    assert early == day - 5 * 60 * MINUTE


@pytest.mark.parametrize(
    ("begin_at", "end", "when", "expected"),
    [
        ("06:00", "21:00", "2026-01-01 05:00", (True, "2026-01-01 20:00")),
        ("06:00", "21:00", "2026-01-01 20:00", (False, "2026-01-02 05:00")),
        ("22:00", "06:00", "2026-01-01 21:30", (True, "2026-01-02 05:00")),
        ("22:00", "06:00", "2026-01-02 04:59", (True, "2026-01-02 05:00")),
        ("00:00", "24:00", "2026-01-02 04:59", (True, "2026-01-02 23:00")),
        ("02:15", "02:45", "2026-03-29 00:50", (False, "2026-03-30 00:15")),
        ("01:00", "02:30", "2026-03-29 00:50", (True, "2026-03-29 01:00")),
        ("02:15", "02:45", "2026-10-25 00:20", (True, "2026-10-25 00:45")),
        ("02:15", "02:45", "2026-10-25 01:20", (False, "2026-10-26 01:15")),
    ],
)
def test_a_part_of_the_day_holds(begin_at: str, end: str, when: str, expected: tuple[bool, str]) -> None:
    holds, changes = between(minute_of(begin_at) or 0, minute_of(end) or 0, at_utc(when), BERLIN)
    assert (holds, shown(changes)) == expected


NIGHT = {"between": ["19:48", "06:00"]}  # the scenes begin at 19:46:40 in Helsinki
TIMED: dict[str, tuple[Any, dict[str, Any], Any, Any]] = {
    "a schedule": ({"schedule": "48-49 19 * * *"}, {}, [time(300)], [("fire", 80, ""), ("fire", 140, "")]),
    "a schedule that was missed": ({"schedule": "48 19 * * *"}, {}, [time(300, up_since=200)], []),
    "a schedule that was missed, once": (
        {"schedule": "*/1 * * * *", "catch_up": "once"},
        {},
        [time(301, up_since=290), time(330)],
        [("fire", 301, ""), ("fire", 320, "")],
    ),
    "a schedule that was not missed, only late": (
        {"schedule": "48 19 * * *"},
        {},
        [time(300, up_since=79)],
        [("fire", 80, "")],
    ),
    "a schedule while it is cold": (
        {"all": [{"schedule": "*/1 * * * *"}, BELOW]},
        {},
        [t(10, 8), t(30, 4), time(90), t(100, 8), time(190)],
        [("fire", 80, "")],
    ),
    "a part of the day begins and ends": (NIGHT, {}, [time(70), time(100)], [("fire", 80, "")]),
    "a part of the day that has begun already": (
        {"between": ["19:00", "19:48"]},
        {},
        [time(1), time(100)],
        [("fire", 0, "")],
    ),
    "only at night, so it fires then": (BELOW, {"only_if": NIGHT}, [t(10, 4), time(100)], [("fire", 80, "")]),
    "by day it ended before night": (BELOW, {"only_if": NIGHT}, [t(10, 4), t(60, 8), time(100)], []),
    "an event by day is gone at night": (
        {"event": "door"},
        {"only_if": NIGHT},
        [event(10, "door"), time(100), event(110, "door")],
        [("fire", 110, "")],
    ),
    "what comes late is judged at the time of day that it was": (
        BELOW,
        {"only_if": {"between": ["06:00", "19:48"]}},
        [time(90), t(70, 4, now=100)],
        [("fire", 70, "")],
    ),
}


@pytest.mark.parametrize(("when", "more", "facts", "expected"), TIMED.values(), ids=TIMED)
def test_a_rule_decides_by_the_time(when: Any, more: dict[str, Any], facts: Any, expected: Any) -> None:
    decided = scene(when, facts, PULSE, **more)
    assert [(kind, second, "") for kind, second, _ in decided] == expected


def test_the_sun_makes_a_rule_fire_at_its_place() -> None:
    with pytest.raises(Invalid, match="latitude"):
        compiled(rule({"sun": "sunset"}, PULSE), Ground("UTC"))
    judged = compiled(rule({"sun": "sunset", "offset_s": -600}, ALERT), Ground("Europe/Berlin", 52.52, 13.405))
    memory = begin(judged, None, at_utc("2026-06-21 10:00"))
    assert memory.wake_at is not None
    memory, (decision,) = judge(judged, memory, Time(memory.wake_at + SECOND))
    assert abs(decision.at - at_utc("2026-06-21 19:23")) <= 2 * MINUTE
    assert decision.because[0].says == "it is 10 min before the sun sets"


def test_a_pulse_at_a_time_that_was_told_late_stands_at_its_own_time() -> None:
    judged = compiled(rule({"schedule": "48 19 * * *"}, PULSE), Ground("Europe/Helsinki"))
    memory, (decision,) = judge(judged, begin(judged, None, at(0)), Time(at(200)))
    assert decision.at == at(80)
    assert memory.wake_at == at(80) + 24 * 60 * MINUTE
