"""Topics, filters, and the tree that finds who listens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verger.domain.messages.model import Subscription
from verger.domain.messages.standing import Standing
from verger.domain.messages.topics import matches, own, shared, writable
from verger.domain.messages.tree import Tree

LEVEL = st.sampled_from(["a", "b", "", "$x"])
TOPIC = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTER = st.tuples(st.lists(st.sampled_from(["a", "b", "", "$x", "+"]), min_size=1, max_size=4), st.booleans()).map(
    lambda given: "/".join([*given[0], "#"] if given[1] else given[0])
)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "covered"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/b/c", False),
        ("a/+", "a/b", True),
        ("a/+", "a", False),
        ("a/+", "a/", True),
        ("+", "a/b", False),
        ("+/+", "/a", True),
        ("a/#", "a", True),
        ("a/#", "a/b/c", True),
        ("#", "a/b", True),
        ("#", "$SYS/a", False),
        ("+/a", "$SYS/a", False),
        ("$SYS/#", "$SYS/a", True),
        ("a/+/c", "a/b\n/c", True),
        ("a.b", "axb", False),
    ],
)
def test_a_filter_covers_what_the_standard_says(topic_filter: str, topic: str, *, covered: bool) -> None:
    assert matches(topic_filter, topic) is covered


@given(st.lists(FILTER, max_size=8), TOPIC)
def test_the_tree_finds_exactly_whose_filters_cover_a_topic(filters: list[str], topic: str) -> None:
    tree, hearers = Tree(), [Standing("t", "o", str(number)) for number in range(len(filters))]
    for topic_filter, hearer in zip(filters, hearers, strict=True):
        tree.add(topic_filter, hearer, Subscription(1))
    wanted = {hearer for topic_filter, hearer in zip(filters, hearers, strict=True) if matches(topic_filter, topic)}
    found = [hearer for hearer, _ in tree.hearers(topic)]
    assert set(found) == wanted
    assert len(found) == len(wanted)
    assert tree.heard(topic) is bool(wanted)
    assert tree.size == len(filters)
    for topic_filter, hearer in zip(filters, hearers, strict=True):
        tree.remove(topic_filter, hearer)
    assert tree.size == 0
    assert list(tree.hearers(topic)) == []


def test_a_share_names_its_group_and_its_filter() -> None:
    assert shared("$share/g/a/+") == ("g", "a/+")
    assert shared("a/$share/g") == (None, "a/$share/g")


@pytest.mark.parametrize(
    "topic", ["devices/7/readings", "devices/7/readings/x", "devices//status", "places/1/alerts", "v1/x", "v1", "$SYS"]
)
def test_what_others_write_no_member_may_write(topic: str) -> None:
    assert not writable(topic)


@pytest.mark.parametrize(
    "topic", ["devices/7", "devices/7/name", "places/1", "v1x", "v2/t", "hall", "/devices/7/status"]
)
def test_every_other_topic_is_free(topic: str) -> None:
    assert writable(topic)
    assert not own(topic)


def test_what_nobody_listens_to_any_more_leaves_nothing_behind_however_deep_it_is() -> None:
    tree, one, other = Tree(), Standing("t", "k", "1"), Standing("t", "k", "2")
    deep = "/" * 20_000
    tree.add(deep, one, Subscription())
    tree.add("/" * 10, other, Subscription())
    tree.add(f"$share/g/{deep}", other, Subscription())
    tree.remove(deep, one)
    tree.remove(deep, other)
    tree.remove("/x", one)
    assert (tree.size, tree.heard("/" * 10), tree.heard(deep)) == (2, True, True)
    tree.remove(f"$share/g/{deep}", other)
    assert (tree.size, tree.heard("/" * 10), tree.heard(deep)) == (1, True, False)
    tree.remove("/" * 10, other)
    assert tree.bare
