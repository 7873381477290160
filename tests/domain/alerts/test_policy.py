"""Whom a chain tells, and when."""

import pytest

from verger.base.clock import MINUTE, SECOND, moment
from verger.base.db import Database
from verger.base.errors import Invalid, Stale
from verger.domain.alerts.model import Severity
from verger.domain.alerts.policy import AlertPolicy, Chain, PolicyStore, Turn, due
from verger.domain.tenancy import tables

CHAIN = Chain((Turn("members"), Turn("managers", 900), Turn("owners", 3600)), repeat_s=1800)
ONCE = Chain((Turn("members"),))
BEGAN = 1_000 * MINUTE


def told(chain: Chain, minutes: int) -> list[tuple[int, tuple[str, ...]]]:
    """Return (minute, whom) of all that a chain tells within so many minutes, woken only when it asks to be."""
    found: list[tuple[int, tuple[str, ...]]] = []
    at: int | None = BEGAN
    last: int | None = None
    while at is not None and at <= BEGAN + minutes * MINUTE:
        wanted = due(chain, BEGAN, last, at)
        if wanted.tell:
            found.append(((at - BEGAN) // MINUTE, wanted.tell))
            last = at
        assert wanted.next_at is None or wanted.next_at > at
        at = wanted.next_at
    return found


@pytest.mark.parametrize(
    ("chain", "minutes", "expected"),
    [
        (ONCE, 10_000, [(0, ("members",))]),
        (Chain((Turn("members", 600),)), 20, [(10, ("members",))]),
        (Chain((Turn("members"), Turn("owners"))), 20, [(0, ("members", "owners"))]),
        (
            CHAIN,
            91,
            [
                (0, ("members",)),
                (15, ("managers",)),
                (45, ("members", "managers")),
                (60, ("owners",)),
                (90, ("members", "managers", "owners")),
            ],
        ),
    ],
)
def test_each_is_told_in_turn_and_all_who_were_are_told_again(
    chain: Chain, minutes: int, expected: list[tuple[int, tuple[str, ...]]]
) -> None:
    assert told(chain, minutes) == expected


def test_steps_that_were_slept_through_are_told_together_once() -> None:
    late = due(CHAIN, BEGAN, BEGAN, BEGAN + 5000 * SECOND)
    assert late.tell == ("members", "managers", "owners")
    assert late.next_at == BEGAN + 6800 * SECOND


@pytest.mark.parametrize(
    ("chain", "field"),
    [
        (Chain((Turn("owners", 60), Turn("members"))), "warning.steps"),
        (Chain((Turn("members"),), repeat_s=5), "warning.repeat_s"),
    ],
)
def test_chains_that_cannot_be_are_refused(chain: Chain, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        AlertPolicy(warning=chain)
    assert [fault.field for fault in refused.value.faults] == [field]


def test_the_usual_policy_knows_every_severity() -> None:
    assert all(AlertPolicy().of(severity).steps for severity in Severity)


async def test_each_organisation_has_its_own_policy_and_the_usual_one_before(db: Database) -> None:
    async with db.writing() as connection:
        for name in ("mine", "theirs"):
            row = {"id": name, "name": name, "timezone": "UTC", "created_at": moment(0), "version": 1}
            await connection.execute(tables.tenant.insert().values(row))
    store = PolicyStore(db)
    read = await store.get("mine")
    mine = await store.change("mine", AlertPolicy(warning=CHAIN))
    assert (read, await store.get("mine"), await store.get("theirs")) == (AlertPolicy(), mine, AlertPolicy())
    assert (mine.warning, mine.version) == (CHAIN, 2)
    with pytest.raises(Stale):
        await store.change("mine", read)
