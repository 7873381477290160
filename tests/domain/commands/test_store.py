"""Commands: kept with every step, told to who listens, found when something is to be done."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.ext.asyncio import AsyncConnection

import verger.domain.places.store  # noqa: F401  tables that devices point to
from verger.base.clock import HOUR, SECOND, moment
from verger.base.db import Database
from verger.base.errors import Missing
from verger.base.ids import new_id
from verger.base.pages import Asked
from verger.domain.commands.model import Command, Stage, acknowledged, expired, sent
from verger.domain.commands.store import CommandStore, WantedCommands
from verger.domain.devices.model import Device
from verger.domain.devices.store import DeviceStore
from verger.domain.places.model import Place
from verger.domain.places.store import PlaceStore
from verger.domain.tenancy import tables

NOW = 500_000 * HOUR


def command(device: str = "pump", method: str = "pulse", at: int = NOW, **more: Any) -> Command:
    until = moment(at) + timedelta(seconds=60)
    return Command(
        id=new_id(), device=device, method=method, asked_by="user:ann", asked_at=moment(at), expires_at=until, **more
    )


@pytest_asyncio.fixture
async def store(db: Database) -> AsyncIterator[CommandStore]:
    async with db.writing() as connection:
        row = {"id": "mine", "name": "Mine", "timezone": "UTC", "created_at": moment(0), "version": 1}
        await connection.execute(tables.tenant.insert().values(row))
    await PlaceStore(db).add("mine", Place(id="barn", name="Barn", created_at=moment(0)))
    async with db.writing() as connection:
        for name in ("pump", "lamp"):
            device = Device(id=name, name=name, place="barn", created_at=moment(0))
            await DeviceStore(db).add(connection, "mine", device)
    yield CommandStore(db)


async def test_it_is_kept_as_it_is_and_seen_by_its_organisation_alone(store: CommandStore, db: Database) -> None:
    async with db.writing() as connection:
        first = await store.add(connection, "mine", command(params={"s": [1, None]}, shows={"valve": "open"}))
        second = await store.add(connection, "mine", command("lamp", batch="all"))
    assert await store.get("mine", first.id) == first
    assert (await store.page("mine", Asked(), WantedCommands(batch="all"))).items == [second]
    assert (await store.page("theirs", Asked(), WantedCommands())).items == []
    with pytest.raises(Missing):
        await store.get("theirs", first.id)


async def test_what_was_asked_together_is_counted_by_stage(store: CommandStore, db: Database) -> None:
    assert await store.stages("mine", "all") == ({}, 0)
    async with db.writing() as connection:
        one_way = await store.add(connection, "mine", command("lamp", one_way=True, batch="all"))
        pulse = await store.add(connection, "mine", command(batch="all"))
        await store.add(connection, "mine", command(method="other"))
    assert await store.stages("mine", "all") == ({"queued": 2}, 2)
    assert await store.stages("theirs", "all") == ({}, 0)
    async with db.writing() as connection:
        for each in (one_way, pulse):
            await store.change(connection, "mine", acknowledged(each, NOW, "puback"))
    assert await store.stages("mine", "all") == ({"acknowledged": 2}, 1)
    assert sorted(await store.asked_in("mine", "all")) == [("lamp", "pulse"), ("pump", "pulse")]
    assert await store.of_batch("mine", "all", [Stage.failed]) == []
    assert len(await store.of_batch("mine", "all", [Stage.acknowledged])) == 2


async def test_a_newer_one_takes_the_place_of_what_nobody_has(store: CommandStore, db: Database) -> None:
    heard: list[tuple[str, Stage]] = []

    async def listen(_connection: AsyncConnection, _tenant: str, told: Command) -> None:
        heard.append((told.id, told.stage))

    store.listeners.append(listen)
    async with db.writing() as connection:
        has = await store.add(connection, "mine", command())
        await store.change(connection, "mine", acknowledged(has, NOW, "puback"))
        other = await store.add(connection, "mine", command(method="stop"))
        old = await store.add(connection, "mine", command())
        new = await store.add(connection, "mine", command(at=NOW + SECOND))
    stages = {each: (await store.get("mine", each.id)).stage for each in (has, other, old, new)}
    assert list(stages.values()) == ["acknowledged", "queued", "cancelled", "queued"]
    assert heard[-2:] == [(old.id, Stage.cancelled), (new.id, Stage.queued)]
    assert len({each.number for each in (has, other, old, new)}) == 4
    assert [each.id for _, each in await store.undelivered(["pump"])] == [other.id, new.id]


async def test_numbers_go_on_with_the_clock_so_that_a_restored_folder_uses_none_twice(
    store: CommandStore, db: Database
) -> None:
    async with db.writing() as connection:
        one = await store.add(connection, "mine", command())
        later = await store.add(connection, "mine", command(at=NOW + 5 * SECOND))
        back = await store.add(connection, "mine", command(at=NOW - HOUR))
        found = await store.numbered(connection, "mine", "pump", later.number)
        assert await store.numbered(connection, "mine", "lamp", later.number) is None
    assert (later.number - one.number, back.number - later.number) == (5, 1)
    assert found is not None
    assert found.id == later.id
    assert one.number < 1 << 31


async def test_it_is_found_when_something_is_to_be_done(store: CommandStore, db: Database) -> None:
    async with db.writing() as connection:
        fresh = await store.add(connection, "mine", command(shows={"on": 1}))
        assert await store.next_due() is None
    assert [each.id for _, each in await store.due(NOW)] == [fresh.id]
    async with db.writing() as connection:
        flying = await store.change(connection, "mine", sent(fresh, NOW, "mqtt"))
    assert await store.due(NOW + 9 * SECOND) == []
    assert await store.next_due() == NOW + 10 * SECOND
    assert await store.unproved() == [("mine", flying)]
    assert await store.purge(moment(NOW + HOUR)) == 0
    async with db.writing() as connection:
        await store.change(connection, "mine", expired(flying, NOW + 60 * SECOND))
    assert await store.next_due() is None
    assert await store.unanswered() == []
    assert await store.purge(moment(NOW + HOUR)) == 1
