"""Hearing: whatever comes in whatever order, only time in which Verger listened is silence, and all of it is."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.devices.watching import AWAY, BEHIND, DEVICES, GATEWAY, LIMITS, RHYTHM, Watch
from verger.base.clock import MINUTE, SECOND
from verger.domain.devices.hearing import Hearing
from verger.domain.devices.silence import Expected, Silence, expected

Steps = st.lists(
    st.one_of(
        st.tuples(st.just("word"), st.sampled_from(DEVICES)),
        st.tuples(st.just("take"), st.integers(1, 3)),
        st.tuples(st.just("tick"), st.sampled_from((0.3, 1, 2.5, 5))),
        st.tuples(st.just("wait"), st.sampled_from((10, 30, 60, 100, 400))),
        st.tuples(st.just("pause"), st.sampled_from((5.1, 60, 7200, -3600, -1, 0))),
        st.tuples(st.just("save"), st.just(0)),
        st.tuples(st.just("crash"), st.sampled_from((0, 30, 86_400))),
        st.tuples(st.just("crash_unheard"), st.just(1)),
    ),
    min_size=8,
    max_size=40,
)


def act(watch: Watch, what: str, how: float) -> None:
    match what:
        case "word":
            watch.word(int(how))
        case "take":
            watch.take(int(how))
        case "tick" | "pause":
            watch.tick(how)
        case "wait":
            watch.wait(int(how))
        case "save":
            watch.save()
        case "crash_unheard":
            watch.tick(how, crash=True)
        case _:
            watch.now += round(how * SECOND)
            watch.begin()


@settings(max_examples=120, deadline=None)
@given(Steps)
def test_silence_is_claimed_of_all_who_are_silent_while_verger_listens_and_of_nobody_else(
    steps: list[tuple[str, float]],
) -> None:
    watch = Watch()
    for what, how in steps:
        act(watch, what, how)
    watch.wait(65)
    watch.wait(max(LIMITS) + int(watch.hearing.limit[RHYTHM]) // SECOND + 5)
    heard = {device for device, _, _ in watch.log} | ({GATEWAY} if BEHIND in watch.spoke() else set())
    assert watch.silent() == {device for device in heard if watch.hearing.limit[device]}
    assert watch.disk.alerts == watch.silent() - ({BEHIND} if GATEWAY in watch.silent() else set())
    for device in DEVICES:
        watch.word(device)
    watch.take()
    watch.tick(1)
    assert (watch.silent(), watch.disk.alerts) == (set(), set())


@settings(max_examples=30, deadline=None)
@given(Steps)
def test_a_stop_between_any_two_steps_changes_nothing(steps: list[tuple[str, float]]) -> None:
    whole, cut = Watch(), Watch()
    for what, how in steps:
        if what in {"crash", "crash_unheard", "take"}:
            continue
        for each in (whole, cut):
            act(each, what, how)
            each.take()
        cut.save()
        cut.begin()
        cut.take()
    for each in (whole, cut):
        each.tick(1)
    assert (whole.silent(), whole.disk.alerts) == (cut.silent(), cut.disk.alerts)


def test_a_word_that_ends_a_silence_is_heard_again_after_a_crash_before_that_was_kept() -> None:
    watch = Watch()
    watch.word(0)
    watch.wait(70)
    watch.word(0)
    watch.take()
    watch.save()
    watch.begin()
    assert watch.silent() == {0}
    watch.take()
    watch.tick(1)
    assert (watch.silent(), watch.disk.alerts) == (set(), set())


def test_a_word_of_before_a_silence_that_comes_again_ends_nothing() -> None:
    watch = Watch()
    watch.word(0)
    watch.wait(70)
    assert watch.disk.record == 0
    watch.begin()
    watch.wait(10)
    assert watch.disk.alerts == {0}


def test_a_turn_is_told_once() -> None:
    watch = Watch()
    watch.word(0)
    watch.wait(200)
    watch.word(0)
    watch.wait(30)
    watch.word(0)
    watch.wait(30)
    assert watch.told == [(0, True), (0, False)]


def test_nothing_is_claimed_before_the_follower_has_heard_all_that_was_there() -> None:
    watch = Watch()
    watch.word(0)
    watch.take()
    watch.wait(55)
    watch.word(0)
    for _ in range(20):
        watch.tick(5)
    assert watch.silent() == set()
    watch.wait(10)
    assert watch.silent() == set()
    watch.wait(60)
    assert watch.silent() == {0}


def test_a_deaf_time_is_no_silence() -> None:
    watch = Watch()
    watch.word(0)
    watch.take()
    watch.hearing.deaf = True
    watch.wait(3600)
    watch.hearing.deaf = False
    assert watch.silent() == set()
    watch.wait(65)
    assert watch.silent() == {0}


def say(watch: Watch, device: int, *gaps: int) -> None:
    watch.word(device)
    for gap in gaps:
        watch.wait(gap)
        watch.word(device)
    watch.take()
    watch.wait(65)


@pytest.mark.parametrize(
    ("gaps", "limit"),
    [
        ((300, 300, 300, 300), 0),
        ((300, 300, 300, 300, 300), 900),
        ((10, 10, 10, 10, 10, 10), 60),
        ((100, 100, 100, 100, 3000, 3000), 300),
        ((100,) * 30 + (1000,) * 20, 3000),
        ((5,) * 8, 0),
        ((5,) * 12, 60),
    ],
)
def test_a_rhythm_is_the_median_of_the_last_gaps_between_occasions(gaps: tuple[int, ...], limit: int) -> None:
    watch = Watch()
    say(watch, RHYTHM, *gaps)
    assert watch.hearing.limit[RHYTHM] == pytest.approx(limit * SECOND, rel=1e-3)


def test_a_rhythm_outlives_a_restart() -> None:
    watch = Watch()
    say(watch, RHYTHM, *([100] * 23), *([300] * 12))
    watch.save()
    before = watch.hearing.limit[RHYTHM]
    watch.begin()
    watch.wait(65)
    assert watch.hearing.limit[RHYTHM] == before


def test_who_is_not_to_be_alerted_is_silent_all_the_same() -> None:
    watch = Watch()
    watch.hearing.expect(0, Expected(60 * SECOND, alert=False))
    watch.word(0)
    watch.wait(70)
    assert (watch.silent(), watch.disk.alerts) == ({0}, set())
    watch.hearing.expect(0, Expected(60 * SECOND))
    watch.wait(5)
    assert watch.disk.alerts == {0}


def test_the_end_of_a_connection_is_no_silence() -> None:
    watch = Watch()
    watch.hearing.link(0, linked=True)
    watch.wait(5)
    assert watch.hearing.is_online(0)
    watch.word(0)
    watch.take()
    watch.hearing.link(0, linked=False)
    watch.wait(50)
    assert watch.hearing.is_online(0)
    watch.hearing.link(0, linked=True)
    watch.wait(15)
    assert not watch.hearing.is_online(0)


def test_a_word_during_the_keeping_of_a_silence_is_not_lost() -> None:
    watch = Watch()
    watch.word(0)
    watch.wait(55)
    watch.now += 5 * SECOND
    judged = watch.hearing.tick(watch.now, 1, 1)
    assert judged is not None
    assert judged.rows.tolist() == [0]
    watch.word(0)
    watch.take()
    assert watch.hearing.stands(judged, judged.rows).tolist() == []
    watch.hearing.settle(judged, judged.rows, watch.now)
    again = watch.hearing.again()
    assert again is not None
    assert not again.silent[0]


@pytest.mark.parametrize(
    ("own", "kind", "intervals", "limit_s", "alert"),
    [
        (Silence(), Silence(), [], 0, True),
        (Silence(), Silence(), [None, 600.0, 60.0], 180, True),
        (Silence(), Silence(), [5.0], 60, True),
        (Silence(after_s=15), Silence(after_s=900), [60.0], 15, True),
        (Silence(alert=True), Silence(after_s=900, alert=False), [60.0], 900, True),
        (Silence(), Silence(alert=False), [0.0], 0, False),
    ],
)
def test_a_limit_is_the_devices_own_else_its_types_else_of_the_interval(
    own: Silence, kind: Silence, intervals: list[float | None], limit_s: int, *, alert: bool
) -> None:
    assert expected(own, kind, intervals) == Expected(limit_s * SECOND, alert)


def test_words_of_one_record_count_once_and_nobodys_are_nobodys() -> None:
    hearing = Hearing(AWAY)
    hearing.grow(2)
    times = [MINUTE * minute for minute in range(1, 9)]
    for record, (before, at) in enumerate(pairwise(times), 1):
        for now in range(before, at, 5 * SECOND):
            hearing.listen(now)
        hearing.hear(np.array([0, 0, -1, 0], np.int32), record, at, at)
    assert hearing.many.tolist()[:2] == [6, 0]
    assert hearing.seen[1] == 0
