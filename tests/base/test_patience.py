"""Patience: ever slower, and forgiving."""

from verger.base.patience import LONGEST_S, QUIET_S, Patience


class Watch:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_each_failure_waits_twice_as_long_up_to_half_a_minute() -> None:
    patience = Patience(now=Watch())
    waits = [patience.failed("a") for _ in range(10)]
    assert waits[:4] == [0.25, 0.5, 1.0, 2.0]
    assert waits[-1] == LONGEST_S


def test_the_worst_of_several_keys_decides() -> None:
    patience = Patience(now=Watch())
    patience.failed("address")
    patience.failed("address")
    assert patience.failed("address", "another token") == 1.0
    assert patience.failed("another token") == 0.5


def test_one_key_does_not_slow_another() -> None:
    patience = Patience(now=Watch())
    for _ in range(20):
        patience.failed("a")
    assert patience.failed("b") == 0.25


def test_success_and_quiet_are_forgiving() -> None:
    watch = Watch()
    patience = Patience(now=watch)
    patience.failed("a")
    patience.failed("a")
    patience.succeeded("a")
    assert patience.failed("a") == 0.25
    watch.seconds += QUIET_S
    assert patience.failed("a") == 0.25


def test_it_remembers_only_so_many_and_forgets_the_oldest() -> None:
    patience = Patience(most=2, now=Watch())
    for key in ("a", "b", "a", "c"):
        patience.failed(key)
    assert patience.failed("a") == 1.0
    assert patience.failed("b") == 0.25


def test_no_key_waits_for_nothing() -> None:
    assert Patience().failed() == 0.0
