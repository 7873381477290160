"""What a validating library complains of is told as a sentence in right grammar, with numbers as people write them."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from verger.base.plural import counted, plain
from verger.base.sentences import sentence
from verger.domain.notifications.preferences import TimeOfDay

COMPLAINTS: list[tuple[Any, Any, str]] = [
    (Annotated[str, Meta(min_length=1)], "", "This needs at least 1 character."),
    (Annotated[str, Meta(min_length=2)], "", "This needs at least 2 characters."),
    (Annotated[str, Meta(max_length=1)], "ab", "This may have at most 1 character."),
    (Annotated[str, Meta(max_length=1000)], "a" * 1001, "This may have at most 1,000 characters."),
    (Annotated[list[int], Meta(min_length=1)], [], "This needs at least 1 entry."),
    (Annotated[dict[str, int], Meta(min_length=2)], {}, "This needs at least 2 entries."),
    (Annotated[float, Meta(ge=1)], 0.5, "This should be at least 1."),
    (Annotated[float, Meta(le=0.5)], 1, "This should be at most 0.5."),
    (Annotated[float, Meta(ge=-43200.0)], -50000, "This should be at least -43200."),
    (Annotated[float, Meta(le=31622400)], 1e9, "This should be at most 31622400."),
    (Annotated[int, Meta(gt=0)], 0, "This should be at least 1."),
    (Annotated[int, Meta(le=(1 << 62) + 1)], (1 << 62) + 2, "This should be at most 4611686018427387905."),
    (int | None, "x", "This should be a whole number or null."),
    (dict[str, int], [], "This should be named values in braces, {…}."),
    (tuple[str, str], ["a"], "This needs exactly 2 entries."),
    (Annotated[datetime, Meta(tz=True)], "2026-05-01T12:00:00", "Say the time zone too, such as 2026-05-01T12:00:00Z."),
    (datetime, "soon", "This should be a time such as 2026-05-01T12:00:00Z."),
    (TimeOfDay, "25:00", "This should be a time of the day such as 06:30."),
    (Annotated[str, Meta(pattern="^[a-z]+$")], "A", "This is not written as it should be."),
    (Annotated[str, Meta(pattern=r"\S")], " ", "This may not be empty."),
]


@pytest.mark.parametrize(("kind", "value", "said"), COMPLAINTS)
def test_a_complaint_is_a_sentence_in_right_grammar(kind: Any, value: Any, said: str) -> None:
    with pytest.raises(msgspec.ValidationError) as complained:
        msgspec.convert(value, kind)
    assert sentence(str(complained.value)) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(1.0, "1"), (0.5, "0.5"), (-3, "-3"), (1013.257, "1013.257"), (1234567.0, "1234567"), (1e300, "1e+300")],
)
def test_a_number_keeps_its_digits_and_needs_no_point(number: float, said: str) -> None:
    assert plain(number) == said


def test_one_of_a_thing_is_no_several() -> None:
    assert [counted(number, "entry", "entries") for number in (0, 1, 2000)] == ["0 entries", "1 entry", "2,000 entries"]
