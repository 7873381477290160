"""Backups are taken by the day, though the program was away, and what is too old is said."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from verger.app import Stores, open_stores
from verger.base.clock import DAY, HeldClock, moment
from verger.base.errors import Refused
from verger.base.jobs import Jobs, waiting
from verger.base.settings import Settings
from verger.flows.safekeeping import KIND, Safekeeping, gone_by


@pytest_asyncio.fixture
async def stores(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Stores]:
    async with AsyncExitStack() as stack:
        yield await open_stores(stack, Settings.read({"VERGER_DATA": str(tmp_path / "data")}), clock)


def keeping(stores: Stores, **settings: object) -> Safekeeping:
    own = replace(stores.settings, **settings)  # type: ignore[arg-type]
    return Safekeeping(own, stores.log, stores.history, stores.db, stores.clock)


async def due(stores: Stores) -> list[int]:
    async with stores.db.reading() as connection:
        return [each.run_at for each in await waiting(connection) if each.kind == KIND]


async def test_the_day_s_backup_is_taken_and_the_next_asked_for(stores: Stores, clock: HeldClock) -> None:
    safekeeping = keeping(stores)
    await safekeeping.begin()
    [first] = await due(stores)
    assert f"{moment(first):%H:%M}" == "03:00"
    assert 0 < first - clock.now() <= DAY
    jobs = Jobs(stores.db, clock, {KIND: safekeeping.daily})
    assert await jobs.run_due() == 0
    clock.at = first
    assert await jobs.run_due() == 1
    assert len(await safekeeping.told()) == 1
    assert await due(stores) == [first + DAY]


async def test_a_backup_that_fell_due_while_the_program_was_away_is_still_due(stores: Stores, clock: HeldClock) -> None:
    await keeping(stores).begin()
    [first] = await due(stores)
    clock.advance(3 * 86_400)
    await keeping(stores).begin()
    assert await due(stores) == [first]
    await keeping(stores, backup_at="05:30").begin()
    assert [f"{moment(at):%H:%M}" for at in await due(stores)] == ["05:30"]
    await keeping(stores, backup_at="off").begin()
    assert await due(stores) == []


async def test_a_backup_older_than_two_days_is_said(stores: Stores, clock: HeldClock) -> None:
    safekeeping = keeping(stores)
    await safekeeping.back_up()
    assert await safekeeping.check() == "ok"
    clock.advance(2 * 86_400 + 1)
    assert "The last good backup is of" in await safekeeping.check()
    assert await keeping(stores, backup_at="off").check() == "ok"


async def test_what_is_deleted_is_in_no_backup_once_as_many_days_are_kept(stores: Stores, clock: HeldClock) -> None:
    now = moment(clock.now())
    assert await gone_by(keeping(stores).settings, now) == now + timedelta(days=8)
    off = keeping(stores, backup_at="off")
    assert await gone_by(off.settings, now) == now
    await off.back_up()
    assert await gone_by(off.settings, now) is None


async def test_a_backup_that_cannot_be_taken_says_why(stores: Stores, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    safekeeping = keeping(stores, backup_folder=in_the_way / "backups")
    with pytest.raises(Refused, match="VERGER_BACKUP_FOLDER"):
        await safekeeping.back_up()
    assert "VERGER_BACKUP_FOLDER" in (safekeeping.trouble or "")
