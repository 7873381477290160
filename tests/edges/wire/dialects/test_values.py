"""Which text is a number, and which times are times."""

import math

import pytest

from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects import values


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), (" 5 ", 5), ("-0.5", -0.5), ("+.5", 0.5), ("5.", 5), ("1e5", 1e5), ("1E-3", 0.001), ("007", 7)],
)
def test_text_that_is_a_decimal_number_is_one(text: str, number: float) -> None:
    assert values.number_of(text) == number


@pytest.mark.parametrize("text", ["", " ", "on", "5 V", "0x10", "1_000", "1,5", "--5", "e5", ".", "\u0665", "5\n6"])
def test_other_text_is_not_a_number(text: str) -> None:
    assert values.number_of(text) is None


@pytest.mark.parametrize("text", ["NaN", "nan", "-inf", "Infinity", "1e999"])
def test_text_that_names_no_number_comes_out_as_none_that_can_be_kept(text: str) -> None:
    number = values.number_of(text)
    assert number is not None
    assert not math.isfinite(number)


@pytest.mark.parametrize("value", [True, "noon", "2025-11-21", {}, [], "nan", math.inf])
def test_strange_times_are_garbled(value: object) -> None:
    with pytest.raises(Garbled):
        values.time_of(value)


def test_a_time_keeps_its_fraction_of_a_millisecond() -> None:
    assert values.time_of(0.5) == 500
    assert values.time_of(-1) == -1000
