"""What is wrong with a body, told by its field."""

from typing import Literal

import pytest
from msgspec import Struct

from verger.base.errors import Invalid
from verger.edges.api.bodies import decode


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    """A part."""

    needed: int


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """A part that is one of a few."""

    how: Literal["quick", "slow"]
    pair: tuple[int, int] = (0, 0)


class Outer(Struct, frozen=True, forbid_unknown_fields=True):
    """A body with parts."""

    parts: tuple[Inner, ...]
    named: dict[str, Choice] = {}
    within: "Outer | None" = None


BRACES = "This should be named values in braces, {…}."
NEEDED = "There is no such field; did you mean needed?"
QUICK = "This is one of quick, slow."


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"{}", "parts", "This is needed."),
        (b'{"parts":[{}]}', "parts[0].needed", "This is needed."),
        (b'{"parts":[{"needed":1},{"needed":1,"other":2}]}', "parts[1].other", "There is no such field."),
        (b'{"parts":[{"needed":"1"}]}', "parts[0].needed", "This should be a whole number."),
        (b'{"parts":{}}', "parts", "This should be a list."),
        (b'{"parts":[[]]}', "parts[0]", BRACES),
        (b'{"parts":[],"within":{"parts":[{"neded":1}]}}', "within.parts[0].neded", NEEDED),
        (b'{"parts":[],"named":{"a":{"how":"slow"},"b.c":{"how":"fast"}}}', "named.b.c.how", QUICK),
        (b'{"parts":[],"within":{"parts":[],"named":{"x":{"how":""}}}}', "within.named.x.how", QUICK),
        (b'{"parts":[],"named":{"a":{"how":"slow","pair":[1]}}}', "named.a.pair", "This needs exactly 2 entries."),
        (b'{"parts":[],"name":{}}', "name", "There is no such field; did you mean named?"),
        (b"[]", "", BRACES),
    ],
)
def test_a_fault_deep_within_is_told_by_the_way_to_it(body: bytes, field: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body, Outer)
    assert [(fault.field, fault.message) for fault in refused.value.faults] == [(field, message)]
