"""Jobs."""

from typing import Any

from sqlalchemy import select

from verger.base import jobs
from verger.base.clock import SECOND, HeldClock
from verger.base.db import Database
from verger.base.jobs import Jobs, ask, backoff


async def asked(db: Database, clock: HeldClock, key: str, in_s: int = 0, payload: Any = None) -> None:
    async with db.writing() as connection:
        await ask(connection, "greet", key, clock.now() + in_s * SECOND, payload)


async def test_a_job_runs_when_it_is_due_and_once(db: Database, clock: HeldClock) -> None:
    greeted: list[str] = []

    async def greet(name: str) -> None:
        greeted.append(name)

    loop = Jobs(db, clock, {"greet": greet})
    await asked(db, clock, "a", in_s=10, payload="Aino")
    await loop.run_due()
    assert greeted == []
    clock.advance(10)
    await loop.run_due()
    await loop.run_due()
    assert greeted == ["Aino"]


async def test_a_failing_job_is_tried_again_later_and_does_not_stop_the_others(db: Database, clock: HeldClock) -> None:
    greeted: list[str] = []

    async def greet(name: str) -> None:
        if name == "nobody":
            raise ValueError("nobody is there")
        greeted.append(name)

    loop = Jobs(db, clock, {"greet": greet})
    await asked(db, clock, "a", payload="nobody")
    await asked(db, clock, "b", payload="Peter")
    await loop.run_due()
    assert greeted == ["Peter"]
    async with db.reading() as connection:
        row = (await connection.execute(select(jobs.job))).one()
    assert (row.attempts, row.error, row.run_at) == (1, "nobody is there", clock.now() + backoff(1))


async def test_asking_again_under_one_key_moves_the_job(db: Database, clock: HeldClock) -> None:
    greeted: list[str] = []

    async def greet(name: str) -> None:
        greeted.append(name)

    await asked(db, clock, "a", payload="first")
    await asked(db, clock, "a", in_s=5, payload="second")
    clock.advance(5)
    await Jobs(db, clock, {"greet": greet}).run_due()
    assert greeted == ["second"]


async def test_a_job_of_a_kind_nobody_does_stays(db: Database, clock: HeldClock) -> None:
    await asked(db, clock, "a")
    assert await Jobs(db, clock, {}).run_due() == 0


def test_the_wait_doubles_up_to_an_hour() -> None:
    assert [backoff(n) // SECOND for n in (1, 2, 3, 12, 13, 40)] == [1, 2, 4, 2048, 3600, 3600]
