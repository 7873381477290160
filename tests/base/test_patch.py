"""Merge patches and versions."""

from typing import Any

import pytest
from msgspec import UNSET, Struct, UnsetType

from verger.base.errors import Stale
from verger.base.patch import meant_for, merge, merged


class Thing(Struct, frozen=True):
    """Something to change."""

    name: str
    parent: str | None = None
    attributes: dict[str, Any] = {}


class Change(Struct):
    """A change of it."""

    name: str | UnsetType = UNSET
    parent: str | UnsetType | None = UNSET
    attributes: dict[str, Any] | UnsetType = UNSET


BEFORE = Thing("barn", "farm", {"color": "red", "size": {"m": 8, "n": 3}})


# RFC 7396, appendix A.
@pytest.mark.parametrize(
    ("old", "new", "then"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merges_as_the_standard_tells(old: object, new: object, then: object) -> None:
    assert merge(old, new) == then


def test_what_is_not_named_stays() -> None:
    assert merged(BEFORE, Change()) == BEFORE
    assert merged(BEFORE, Change(name="shed")) == Thing("shed", "farm", BEFORE.attributes)


def test_null_empties_a_field_that_may_be_empty() -> None:
    assert merged(BEFORE, Change(parent=None)).parent is None


def test_objects_merge_by_key_and_the_model_before_stays_as_it_was() -> None:
    after = merged(BEFORE, Change(attributes={"color": None, "size": {"m": 9}}))
    assert after.attributes == {"size": {"m": 9, "n": 3}}
    assert BEFORE.attributes == {"color": "red", "size": {"m": 8, "n": 3}}


def test_a_change_meant_for_another_version_is_stale() -> None:
    meant_for(3, None)
    meant_for(3, 3)
    with pytest.raises(Stale, match="read it again"):
        meant_for(3, 2)
