"""Strangers at the door."""

import pytest

from verger.base.patience import Patience
from verger.edges.wire.strangers import Strangers


def test_a_stranger_waits_by_address_and_by_token() -> None:
    strangers = Strangers(Patience())
    assert strangers.knock("10.0.0.1", "a") == 0.25
    assert strangers.knock("10.0.0.1", "b") == 0.5
    assert strangers.knock("10.0.0.2", "a") == 0.5
    assert strangers.knock("10.0.0.3", "") == 0.25
    assert strangers.knock("10.0.0.4", "") == 0.25


@pytest.mark.parametrize(
    ("first", "second", "wait"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", 0.5),
        ("2001:db8::1", "2001:db8:0:1::1", 0.25),
        ("fe80::1%eth0", "fe80::2%eth1", 0.5),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", 0.25),
        ("", "", 0.5),
    ],
)
def test_an_ipv6_household_counts_as_one(first: str, second: str, wait: float) -> None:
    strangers = Strangers(Patience())
    strangers.knock(first, "")
    assert strangers.knock(second, "") == wait


def test_only_so_many_wait_at_once() -> None:
    strangers = Strangers(Patience(), most=1)
    assert strangers.knock("a", "") is not None
    assert strangers.knock("b", "") is None
    strangers.leave()
    assert strangers.knock("c", "") is not None
