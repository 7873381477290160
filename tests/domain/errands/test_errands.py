"""Errands: long work, watched and called off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from itertools import count

import pytest
import pytest_asyncio

from tests.people import Household, first_household, next_household, quick_tenancy
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Invalid, Missing, TooMany
from verger.base.pages import Asked
from verger.domain.errands.errands import Doing, Errands, Kind
from verger.domain.errands.model import Errand, ErrandState
from verger.domain.errands.store import ErrandStore

AINO = "user:aino"


@dataclass
class Walk:
    """A work of three steps, each taken when the test says so."""

    may: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    steps: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    async def __call__(self, doing: Doing) -> object:
        for step in range(3):
            doing.reached(step, 3)
            self.steps.put_nowait(step)
            await self.may.acquire()
        doing.reached(3)
        return {"walked": doing.given}


@dataclass
class Round:
    """A work that goes round and round."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    put_away: bool = False

    async def __call__(self, doing: Doing) -> object:
        try:
            for step in count():
                self.begun.set()
                doing.reached(step)
                await asyncio.sleep(0)
        finally:
            self.put_away = True
        return None


async def refuse(_doing: Doing) -> object:
    raise Invalid("The road is closed; take the ferry.")


async def stumble(_doing: Doing) -> object:
    raise RuntimeError("a stone with a secret under it")


@dataclass
class Desk:
    """Errands of two households over a real database."""

    errands: Errands
    kinds: dict[str, Kind]
    store: ErrandStore
    clock: HeldClock
    walk: Walk
    round: Round
    home: str
    next_door: str

    async def begin(self, kind: str = "walk", tenant: str | None = None, asked_by: str = AINO) -> Errand:
        return await self.errands.begin(tenant or self.home, asked_by, kind, {"to": "lake"})

    async def ended(self, errand: Errand) -> Errand:
        """Return an errand once it has ended."""
        async with asyncio.timeout(10):
            return await self.errands.outcome(self.home, errand.id)

    def again(self, *, resumes: bool = False) -> "Desk":
        """Return the same desk after a restart."""
        walk, round_ = Walk(), Round()
        kinds = {"walk": Kind(walk, resumes), "round": Kind(round_, resumes)}
        return Desk(
            Errands(self.store, self.clock, 2), kinds, self.store, self.clock, walk, round_, self.home, self.next_door
        )


@pytest_asyncio.fixture
async def desk(db: Database, clock: HeldClock) -> AsyncIterator[Desk]:
    tenancy = quick_tenancy(db, clock)
    home, farm = await first_household(tenancy), await next_household(tenancy)
    walk, round_, store = Walk(), Round(), ErrandStore(db)
    kinds = {"walk": Kind(walk), "round": Kind(round_), "ferry": Kind(refuse), "stone": Kind(stumble)}
    errands = Errands(store, clock, at_once=2)
    await errands.start(kinds)
    yield Desk(errands, kinds, store, clock, walk, round_, _id(home), _id(farm))
    await errands.stop()


def _id(household: Household) -> str:
    return household.tenant


async def test_tells_how_far_it_is_and_what_came_of_it(desk: Desk) -> None:
    errand = await desk.begin()
    desk.walk.may.release()
    assert [await desk.walk.steps.get() for _ in range(2)] == [0, 1]
    now = await desk.errands.get(desk.home, errand.id)
    assert (now.state, now.done, now.total, now.result) == (ErrandState.running, 1, 3, None)
    for _ in range(2):
        desk.walk.may.release()
    done = await desk.ended(errand)
    assert (done.state, done.done, done.total) == (ErrandState.done, 3, 3)
    assert done.result == {"walked": {"to": "lake"}}
    assert done.ended_at is not None
    assert desk.errands.running == 0


async def test_a_refusal_is_its_error(desk: Desk) -> None:
    failed = await desk.ended(await desk.begin("ferry"))
    assert (failed.state, failed.error) == (ErrandState.failed, "The road is closed; take the ferry.")


async def test_what_nobody_expected_is_not_told(desk: Desk) -> None:
    failed = await desk.ended(await desk.begin("stone"))
    assert failed.state == ErrandState.failed
    assert "secret" not in (failed.error or "")


async def test_called_off_it_puts_away_what_it_had_begun(desk: Desk) -> None:
    errand = await desk.begin("round")
    await desk.round.begun.wait()
    assert (await desk.errands.cancel(desk.home, errand.id)).state == ErrandState.cancelled
    assert desk.round.put_away
    assert (await desk.errands.cancel(desk.home, errand.id)).state == ErrandState.cancelled


async def test_so_many_run_at_once_for_one_tenant_and_no_more(desk: Desk) -> None:
    for _ in range(2):
        await desk.begin()
    with pytest.raises(TooMany, match="2 jobs"):
        await desk.begin()
    assert (await desk.begin(tenant=desk.next_door)).state == ErrandState.running


async def test_anothers_is_not_there(desk: Desk) -> None:
    errand = await desk.ended(await desk.begin("ferry"))
    for tenant, asker in ((desk.next_door, None), (desk.home, "user:veikko")):
        with pytest.raises(Missing):
            await desk.errands.get(tenant, errand.id, asker)
        with pytest.raises(Missing):
            await desk.errands.cancel(tenant, errand.id, asker)
        assert (await desk.errands.page(tenant, Asked(), asker)).items == []
    assert [each.id for each in (await desk.errands.page(desk.home, Asked(), AINO)).items] == [errand.id]


async def test_after_a_restart_what_was_cut_short_has_failed(desk: Desk) -> None:
    errand = await desk.begin()
    later = desk.again()
    await later.errands.start(later.kinds)
    cut = await later.errands.get(desk.home, errand.id)
    assert cut.state == ErrandState.failed
    assert "ask for it again" in (cut.error or "")


async def test_after_a_restart_what_resumes_goes_on(desk: Desk) -> None:
    errand = await desk.begin()
    later = desk.again(resumes=True)
    await later.errands.start(later.kinds)
    for _ in range(3):
        later.walk.may.release()
    assert (await later.ended(errand)).result == {"walked": {"to": "lake"}}


async def test_stopping_leaves_what_resumes_and_fails_the_rest(desk: Desk) -> None:
    resuming = desk.again(resumes=True)
    await resuming.errands.start(resuming.kinds)
    for each, state in ((desk, ErrandState.failed), (resuming, ErrandState.running)):
        errand = await each.begin("round")
        await each.errands.stop()
        assert (await each.store.get(each.home, errand.id)).state == state


async def test_what_ended_long_ago_is_forgotten(desk: Desk) -> None:
    errand = await desk.ended(await desk.begin("ferry"))
    desk.clock.advance(29 * 86_400)
    await desk.errands.purge(30)
    assert await desk.errands.get(desk.home, errand.id) == errand
    desk.clock.advance(2 * 86_400)
    await desk.errands.purge(30)
    with pytest.raises(Missing):
        await desk.errands.get(desk.home, errand.id)
