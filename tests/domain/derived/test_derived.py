"""Derived metrics: what they come to as readings come, and what is no expression."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verger.base.clock import SECOND
from verger.base.errors import Invalid
from verger.domain.derived.calculating import Ledger, Sum
from verger.domain.derived.crowd import Crowd
from verger.domain.derived.expression import parse
from verger.domain.derived.model import Derived

BELOW = ("a", "b", "c")


def derived(expression: str, **more: Any) -> Derived:
    """Return a derived metric, shown by device a."""
    plain: dict[str, Any] = {"id": "x", "place": "p", "metric": "new", "device": "a", "created_at": datetime.now(UTC)}
    return Derived(**plain | {"expression": expression} | more)


def reckoned(expression: str, *readings: tuple[str, str, float, float], **more: Any) -> list[float | None]:
    """Return what an expression comes to after each reading, (device, metric, second, value)."""
    total, ledger, found = Sum(derived(expression, **more)), Ledger(), []
    crowds = {metric: Crowd() for metric in total.crowded}
    for device, metric, second, value in readings:
        at = round((1000 + second) * SECOND)
        ledger = msgspec.msgpack.decode(msgspec.msgpack.encode(ledger), type=Ledger)
        crowd = crowds.get(metric) if device in BELOW else None
        if joined := crowd is not None and at > (crowd.last(device) or (0, 0.0))[0]:
            assert crowd is not None
            crowd.put(device, (at, value))
        ledger, result = total.take(ledger, "a", (device, metric, at, value), crowds, joined=joined)
        found.append(None if result is None else round(result, 4))
    return found


@pytest.mark.parametrize(
    ("expression", "readings", "expected"),
    [
        ("(t + 2) * 3 - -h / 4 ** 2", [("a", "t", 0, 1), ("a", "h", 1, 16)], [None, 10]),
        ("sum(p)", [("a", "p", 0, 1), ("b", "p", 1, 2), ("d", "p", 2, 9)], [1, 3, None]),
        ("mean(p)", [("a", "p", 0, 1), ("b", "p", 1, 2)], [1, 1.5]),
        ("max(p) - min(p)", [("a", "p", 0, 1), ("b", "p", 1, 4), ("b", "p", 2, 2)], [0, 3, 1]),
        ("count(p)", [("a", "p", 0, 1), ("b", "p", 3700, 2)], [1, 1]),
        ("max(t, h, 3)", [("a", "t", 0, 1), ("a", "h", 0, 5)], [None, 5]),
        ("difference(t, h)", [("a", "t", 0, 1), ("a", "h", 0, 5)], [None, -4]),
        ("difference(t)", [("a", "t", 0, 1), ("a", "t", 9, 5)], [None, 4]),
        ('of("b", "t") - t', [("a", "t", 0, 1), ("b", "t", 0, 5)], [None, 4]),
        ('metric("t-1") * 2', [("a", "t-1", 0, 1)], [2]),
        ("t / h", [("a", "t", 0, 1), ("a", "h", 0, 0)], [None, None]),
        ("sqrt(t)", [("a", "t", 0, -1), ("a", "t", 1, 4)], [None, 2]),
        ("t ** t ** t", [("a", "t", 0, 9)], [None]),
        ("round(t, 1)", [("a", "t", 0, 1.25)], [1.2]),
        ("rate(t, 60)", [("a", "t", 0, 1), ("a", "t", 30, 4), ("a", "t", 20, 9)], [None, 6, None]),
        ("integral(w)", [("a", "w", 0, 100), ("a", "w", 900, 200), ("a", "w", 1800, 200)], [0, 37.5, 87.5]),
        ("integral(w)", [("a", "w", 0, 100), ("a", "w", 2000, 100), ("a", "w", 2900, 100)], [0, 0, 25]),
        ("integral(w, 1, 10)", [("a", "w", 0, 2), ("a", "w", 10, 2), ("a", "w", 21, 2)], [0, 20, 20]),
        ("integral(sum(w))", [("a", "w", 0, 100), ("b", "w", 0, 100), ("a", "w", 900, 100)], [0, 0, 50]),
        ("increase(c)", [("a", "c", 0, 100), ("a", "c", 1, 130), ("a", "c", 2, 5), ("a", "c", 3, 9)], [0, 30, 35, 39]),
        ("vpd(t, h)", [("a", "t", 0, 25), ("a", "h", 0, 60)], [None, 1.2647]),
        (
            "dew_point(t, h)",
            [("a", "t", 0, 20), ("a", "h", 0, 50), ("a", "h", 1, 100), ("a", "h", 2, 0)],
            [None, 9.2611, 20, None],
        ),
    ],
)
def test_an_expression_comes_to(expression: str, readings: Any, expected: list[float | None]) -> None:
    assert reckoned(expression, *readings) == expected


@pytest.mark.parametrize(
    ("has_set", "expected"),
    [({}, 50), ({"limit": 400}, 25), ({"limit": True}, 50), ({"limit": "much"}, 50), ({"limit": 0}, None)],
)
def test_a_number_that_is_set_for_the_device_is_read_with_each_reading(has_set: Any, expected: float | None) -> None:
    total = Sum(derived("100 * w / attribute('limit', 200)"))
    assert total.heeds
    assert total.wants == {(None, "w", "own")}
    assert total.take(Ledger(), "a", ("a", "w", SECOND, 100), {}, has_set, joined=False)[1] == expected


def test_what_is_too_old_is_not_known() -> None:
    assert reckoned("t + h", ("a", "t", 0, 1), ("a", "h", 61, 1), ("a", "t", 62, 1), fresh_s=60) == [None, None, 2]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("", "1 to 500"),
        ("t +", "cannot be read"),
        ("t / attribute('limit')", "the number where none is set"),
        ("t / attribute('limit', True)", "the number where none is set"),
        ("t / attribute(limit, 1)", "the number where none is set"),
        ("attribute('limit', 1)", "Name at least one metric"),
        ("t.real", "no place here for t.real"),
        ("t[0]", "no place"),
        ("__import__('os')", "no function __import__"),
        ("(lambda: 1)()", "no place"),
        ("'text'", "no place"),
        ("True", "no place"),
        ("t if h else 1", "no place"),
        ("sum(*t)", "no place"),
        ("round(t, ndigits=1)", "no place"),
        ("vpd(t)", "takes 2 parts"),
        ("integral(t, h)", "takes seconds"),
        ("rate(t, 0)", "above 0"),
        ("metric(t)", "Write metric("),
        ("1 + 1", "at least one metric"),
        ("new + 1", "from itself"),
        ("1e999 * t", "too large"),
        ("9" * 400 + " * t", "too large"),
        ("+".join("t" * 200), "too long"),
        ("(" * 240 + "t" + ")" * 240, "cannot be read"),
    ],
)
def test_what_is_no_expression_says_why(expression: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        derived(expression)
    assert said in str(caught.value)


def test_what_is_reckoned_from_many_needs_a_device_that_shows_it() -> None:
    with pytest.raises(Invalid, match="Name the device"):
        derived("sum(p)", device=None)
    assert Sum(derived("vpd(t, h)", device=None)).of_each


def test_it_hears_what_it_names() -> None:
    total = Sum(derived('t + sum(p) + of("z", "q")'))
    heard = [("a", "t"), ("b", "t"), ("b", "p"), ("d", "p"), ("z", "q"), ("a", "q")]
    assert [total.hears("a", *series, BELOW) for series in heard] == [True, False, True, False, True, False]


@given(st.text(alphabet="t+-*/(), 0123456789.e\"'[]{}:=lambdsuxmin_\\\n", max_size=40))
def test_any_text_is_an_expression_or_refused_by_a_sentence(text: str) -> None:
    try:
        parse(text)
    except ValueError as wrong:
        assert str(wrong).endswith(".")  # noqa: PT017
