"""What a validating library complains of is told as a sentence in right grammar, with numbers as people write them."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from verger.base.plural import counted, plain
from verger.base.sentences import sentence

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
