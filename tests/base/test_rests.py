"""What fails rests ever longer."""

from verger.base.clock import HOUR, SECOND, HeldClock
from verger.base.rests import Rests


def test_a_rest_grows_to_a_bound_and_ends_when_it_went_well(clock: HeldClock) -> None:
    rests: Rests[str] = Rests(clock)
    waits = []
    for _ in range(12):
        rests.failed("a", "It broke.")
        assert rests.asleep() == ["a"]
        until = rests.wakes_at()
        assert until is not None
        waits.append((until - clock.now()) // SECOND)
        clock.advance(waits[-1])
        assert rests.asleep() == []
        assert rests.wakes_at() is None
    assert waits == [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]
    rests.went("a")
    rests.failed("a", "It broke.")
    assert rests.wakes_at() == clock.now() + 10 * SECOND


def test_what_fails_again_and_again_is_told_with_its_reason(clock: HeldClock) -> None:
    rests: Rests[str] = Rests(clock)
    for why in ("one", "two", "three"):
        assert rests.stubborn() == []
        rests.failed("a", why)
        rests.went("b")
    rests.failed("b", "once")
    assert [(rest.failures, rest.why) for rest in rests.stubborn()] == [(3, "three")]
    assert rests.failures == 4


def test_a_bounded_number_is_remembered(clock: HeldClock) -> None:
    rests: Rests[int] = Rests(clock, longest=HOUR)
    for key in range(1500):
        rests.failed(key, "It broke.")
    assert len(rests.asleep()) == 1000
