"""No organisation's calls wait for another's, and what Verger itself cannot do is told and tried ever later."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from sqlalchemy import update

from tests.edges.outside.neighbours import Receiver, living
from tests.flows.conftest import House, new_tenant
from tests.flows.courts import world
from tests.flows.streets import Street
from verger.base.db import Database, rings
from verger.base.secrets import ServerSecret
from verger.domain.webhooks.calls import CallStore
from verger.domain.webhooks.tables import callout
from verger.edges.outside.courier import Courier
from verger.flows.calling import Callbook


@pytest_asyncio.fixture
async def street(house: House, db: Database) -> AsyncIterator[Street]:
    async with living(Receiver()) as receiver:
        yield Street(await world(house, db), receiver)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  it is another's event
            await asyncio.sleep(0)


async def give(street: Street, tenant: str, target: str) -> None:
    """Let the calls of a target be another tenant's."""
    async with street.world.db.writing() as connection:
        await connection.execute(update(callout).where(callout.c.target == target).values(tenant=tenant))
        rings(connection, callout.name)


async def test_what_verger_itself_cannot_call_is_told_in_the_run_and_tried_ever_later(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def post(*_: object) -> None:
        tried.append(street.world.clock.now())
        raise ValueError("This was not expected.")

    monkeypatch.setattr(Courier, "post", post)
    rule = await street.fires()
    for _ in range(80):
        await street.goes_on(1)
    assert len(tried) == 4
    [done] = await street.outcomes(rule)
    assert done.error == "Verger could not make it; why was logged. It is tried again, after 4 attempts."
    assert street.calling.tally.done["failed"] == 4
    monkeypatch.undo()
    await street.goes_on(100)
    assert len(street.receiver.heard) == 1
    assert (await street.outcomes(rule))[0].state == "done"


async def test_a_fault_before_the_call_is_shown_and_tried_ever_later_too(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def claim(*_: object) -> bool:
        tried.append(street.world.clock.now())
        raise OSError("The disk is gone.")

    monkeypatch.setattr(CallStore, "claim", claim)
    await street.fires()
    for _ in range(80):
        await street.goes_on(1)
    assert len(tried) == 4
    assert "1 address (OSError: The disk is gone.)" in await street.calling.check()
    assert {figure.value for figure in street.calling.figures() if figure.name == "webhooks_faults"} == {4}
    monkeypatch.undo()
    await street.goes_on(100)
    assert len(street.receiver.heard) == 1
    assert await street.calling.check() == "ok"


async def test_an_organisation_whose_calls_are_slow_holds_up_no_other(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    door, begun = asyncio.Event(), list[str]()

    async def post(_courier: object, url: str, *_: object) -> None:
        begun.append(url)
        if "slow" in url:
            await door.wait()

    monkeypatch.setattr(Courier, "post", post)
    street.world.book = Callbook.over(street.world.db, street.world.clock, ServerSecret(b"s" * 32), 100)
    await street.world.open()
    street.begin()
    for number in range(6):
        await street.fires(f"http://127.0.0.1:{2000 + number}/slow")
    other = await new_tenant(street.world.db, street.world.clock)
    running = asyncio.create_task(street.calling.run())
    await until(lambda: len(begun) == 4)
    await street.fires("http://127.0.0.1:3000/quick")
    await give(street, other, "http://127.0.0.1:3000")
    await until(lambda: len(begun) == 5)
    assert begun[-1].endswith("quick")
    door.set()
    await until(lambda: len(set(begun)) == 7)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
