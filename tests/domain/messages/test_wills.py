"""Wills, on a real disk and back."""

import asyncio

from tests.domain.messages.test_keeping import ABOUT, WeakDisk, tenant
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.domain.messages.bequest import Bequest, LastWill
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.model import Message
from verger.domain.messages.retained import Retained
from verger.domain.messages.room import Room
from verger.domain.messages.store import MessageStore
from verger.domain.messages.wills import Wills


def bequest(tenant: str, client_id: str = "c", topic: str = "gone", owner: str = "key:k") -> Bequest:
    message = Message(topic, b"x", 1, retain=True, about=ABOUT)
    return Bequest(tenant, owner, client_id, LastWill(message, 5, 60, assigned=True))


async def test_a_will_is_on_disk_what_it_was_in_memory_until_it_is_struck(db: Database) -> None:
    store, whose = MessageStore(db), await tenant(db)
    keeper = Keeper(store)
    wills = Wills(keeper)
    first, second = bequest(whose), bequest(whose)
    wills.write(bequest(whose, "d"))
    wills.write(first)
    await keeper.save()
    wills.wait(first, 7)
    await keeper.save()
    found = {each.client_id: each for each in await store.wills()}
    assert (found["c"].due_at, found["d"].due_at) == (7, None)
    assert (found["c"].tenant, found["c"].owner, found["c"].will) == (whose, "key:k", first.will)
    assert wills.pop(first)
    wills.write(second)
    wills.strike(first)  # it was heard, but there is another of the same client by now
    await keeper.save()
    assert len(await store.wills()) == 2
    wills.drop(second)
    await keeper.save()
    assert [each.client_id for each in await store.wills()] == ["d"]
    assert await store.empty() == 0
    assert await store.wills() == []


async def test_a_will_that_tells_of_a_deleted_device_goes_with_it(db: Database, clock: HeldClock) -> None:
    store, whose = MessageStore(db), await tenant(db)
    keeper = Keeper(store)
    exchange, running = Exchange(keeper, Retained(keeper, clock), Room()), asyncio.create_task(keeper.run())
    for number, topic in enumerate(("devices/d/note", "devices/e/note", "hall")):
        exchange.wills.write(bequest(whose, str(number), topic))
    exchange.wills.write(bequest(whose, owner="e"))
    await exchange.forget(whose, {"d"})
    running.cancel()
    assert {each.will.message.topic for each in await store.wills()} == {"devices/e/note", "hall", "gone"}
    await store.forget(whose, {"e"})  # as the start after a crash does
    assert [each.will.message.topic for each in await store.wills()] == ["hall"]


def test_a_tenant_has_only_so_many_wills_on_disk() -> None:
    wills = Wills(Keeper(WeakDisk()), size=400)
    for number in range(4):
        wills.write(bequest("t", str(number)))
    wills.write(bequest("other"))
    kept = [each.client_id for each in wills.everyone() if each.kept]
    assert (kept, wills.unkept, len(wills.everyone())) == (["0", "1", "2", "c"], 1, 5)
    wills.drop(wills.of("key:k")[0])
    wills.write(bequest("t", "3"))
    assert wills.unkept == 1
