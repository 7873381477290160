"""What is wrong with a body, told by its field."""

import pytest
from msgspec import Struct

from verger.base.errors import Invalid
from verger.edges.api.bodies import decode


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    """A part."""

    needed: int


class Outer(Struct, frozen=True, forbid_unknown_fields=True):
    """A body with parts."""

    parts: tuple[Inner, ...]


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        (b"{}", "parts", "This is needed."),
        (b'{"parts":[{}]}', "parts[0].needed", "This is needed."),
        (b'{"parts":[{"needed":1},{"needed":1,"other":2}]}', "parts[1].other", "There is no such field."),
        (b'{"parts":[{"needed":"1"}]}', "parts[0].needed", "This should be a whole number."),
    ],
)
def test_a_fault_deep_within_is_told_by_the_way_to_it(body: bytes, field: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode(body, Outer)
    assert [(fault.field, fault.message) for fault in refused.value.faults] == [(field, message)]
