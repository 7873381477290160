"""What sessions remember and what is retained, on a real disk and back."""

import asyncio

import pytest

from verger.base.clock import DAY, SECOND, HeldClock, moment
from verger.base.db import Database
from verger.base.errors import Busy
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.memory import Memory
from verger.domain.messages.model import About, Message, Subscription
from verger.domain.messages.retained import Retained
from verger.domain.messages.room import Room
from verger.domain.messages.standing import Standing
from verger.domain.messages.store import MOST_SENT, MessageStore, Page
from verger.domain.tenancy import tables

ABOUT = About(1, "text/plain", "answer", b"\0", (("a", "1"),))


async def tenant(db: Database) -> str:
    row = {"id": "t", "name": "Farm", "timezone": "UTC", "created_at": moment(0), "version": 1}
    async with db.writing() as connection:
        await connection.execute(tables.tenant.insert().values(row))
    return "t"


def standing(keeper: Keeper, tenant: str, client_id: str = "c") -> Standing:
    made = Standing(tenant, "key:k", client_id, expiry_s=60)
    made.begin(Room(), keeper.touch)
    return made


async def test_a_session_is_on_disk_what_it_was_in_memory(db: Database) -> None:
    store = MessageStore(db)
    keeper, whose = Keeper(store), await tenant(db)
    made = standing(keeper, whose)
    memory = made.memory
    memory.subscribe("a/+", Subscription(2, no_local=True, as_published=True, identifier=7))
    memory.receive(5)
    for number in (1, 2, 3):
        memory.add(Message("a/b", bytes((number,)), 2, expires_at=9, about=ABOUT), 2, retain=True, identifiers=(7,))
    await keeper.save()
    one, two, _ = memory.letters.values()
    memory.remove(one)
    memory.release(two)
    made.left_at = 11
    memory.change()
    await keeper.save()
    assert memory.saved == memory.mark
    [found] = await store.sessions()
    assert (found.name, found.standing.owner, found.standing.client_id) == (memory.name, "key:k", "c")
    assert (found.standing.expiry_s, found.standing.left_at) == (60, 11)
    assert found.subscriptions == memory.subscriptions
    assert found.received == {5}
    assert [(letter.number, letter.released) for letter in found.letters] == [(2, True), (3, False)]
    assert not any(letter.sent for letter in found.letters)
    assert found.letters[0].message == two.message
    assert (found.letters[0].retain, found.letters[0].identifiers) == (True, (7,))
    assert await store.empty() == 2
    [found] = await store.sessions()
    assert found.letters == []
    keeper.forget(made)
    await keeper.save()
    assert await store.sessions() == []


async def test_inboxes_of_a_tenant_hold_what_its_own_bounds_say(db: Database, clock: HeldClock) -> None:
    own, keeper = {"a": (3, 1 << 20)}, Keeper(MessageStore(db))
    usual = (1_000, 1 << 20)
    exchange = Exchange(keeper, Retained(keeper, clock), Room(), lambda tenant: own.get(tenant, usual))
    memory = Memory(exchange.room("a"))
    for number in range(5):
        memory.add(Message(str(number), b""), 1)
    assert [letter.message.topic for letter in memory.letters.values()] == ["2", "3", "4"]
    own["a"] = (1, 1 << 20)
    exchange.look()
    memory.add(Message("5", b""), 1)
    assert [letter.message.topic for letter in memory.letters.values()] == ["5"]
    assert exchange.room("b").messages == 1_000


async def test_what_is_forgotten_of_a_device_is_in_no_inbox_and_not_retained(db: Database, clock: HeldClock) -> None:
    store, whose = MessageStore(db), await tenant(db)
    keeper = Keeper(store)
    retained = Retained(keeper, clock)
    exchange, running = Exchange(keeper, retained, Room()), asyncio.create_task(keeper.run())
    away, here = Standing(whose, "key:k", "away", expiry_s=60), Standing(whose, "key:k", "here")
    for each in (away, here):
        exchange.remember(each.begin(exchange.room(whose), keeper.touch))
        each.memory.add(Message("devices/d/readings", b"{}"), 1)
        each.memory.add(Message("places/p/alerts", b'{"device":"d"}'), 1)
        each.memory.add(Message("devices/e/readings", b"{}"), 1)
    for topic in ("devices/d/note", "devices/e/note"):
        exchange.post(whose, Message(topic, b"x", retain=True))
    await keeper.kept()
    await exchange.forget(whose, {"d"})
    running.cancel()
    for each in (away, here):
        assert [letter.message.topic for letter in each.memory.letters.values()] == ["devices/e/readings"]
    [found] = await store.sessions()
    assert [letter.message.topic for letter in found.letters] == ["devices/e/readings"]
    assert [message.topic for _, message, _ in await store.retained()] == ["devices/e/note"]
    await store.forget(whose, {"e"})  # as the start after a crash does
    [found] = await store.sessions()
    assert (found.letters, await store.retained()) == ([], [])


async def test_after_a_crash_a_client_may_have_as_much_as_it_is_sent_at_once(db: Database) -> None:
    store = MessageStore(db)
    keeper, whose = Keeper(store), await tenant(db)
    made = standing(keeper, whose)
    for _ in range(MOST_SENT + 1):
        made.memory.add(Message("t", b""), 1)
    await keeper.save()
    [found] = await store.sessions()
    assert [letter.sent for letter in found.letters] == [*[True] * MOST_SENT, False]


class WeakDisk:
    """Fails, until it is mended."""

    def __init__(self) -> None:
        self.pages: list[Page] = []
        self.broken = True

    async def write(self, page: Page) -> None:
        if self.broken:
            raise Busy("The disk is full.")
        self.pages.append(page)


async def test_nobody_is_told_that_it_is_kept_while_the_disk_fails() -> None:
    disk = WeakDisk()
    keeper, told = Keeper(disk), list[str]()
    made = standing(keeper, "t")
    made.memory.add(Message("t", b"x"), 1)
    keeper.retain("t", "state", (Message("state", b"on"), 5))
    keeper.when_kept(lambda: told.append("kept"))
    with pytest.raises(Busy):
        await keeper.save()
    assert told == []
    disk.broken = False
    await keeper.save()
    assert told == ["kept"]
    [page] = disk.pages
    assert (len(page.sessions), len(page.fresh), len(page.retained)) == (1, 1, 1)
    keeper.when_kept(lambda: told.append("at once"))
    assert told == ["kept", "at once"]


async def test_all_that_comes_while_the_disk_is_busy_is_one_page() -> None:
    disk = WeakDisk()
    disk.broken = False
    keeper = Keeper(disk)
    running = asyncio.create_task(keeper.run())
    one, other = standing(keeper, "t", "a"), standing(keeper, "t", "b")
    for made in (one, other):
        made.memory.add(Message("t", b"x"), 1)
    await keeper.kept()
    running.cancel()
    assert [len(page.fresh) for page in disk.pages] == [2]


async def test_what_is_retained_outlives_the_program_until_its_time(db: Database, clock: HeldClock) -> None:
    store, whose = MessageStore(db), await tenant(db)
    keeper = Keeper(store)
    retained = Retained(keeper, clock, days=1)
    retained.keep(whose, Message("a/b", b"1", 1, expires_at=clock.now() + SECOND, about=ABOUT))
    retained.keep(whose, Message("a/c", b"2"))
    retained.keep(whose, Message("a/d", b"3"))
    retained.keep(whose, Message("a/d", b""))
    await keeper.save()
    again = Retained(keeper, clock)
    for kept in await store.retained():
        again.recall(*kept)
    assert [message.body for message in again.of(whose, "a/#")] == [b"1", b"2"]
    assert again.of("other", "#") == []
    clock.at += SECOND
    assert [message.body for message in again.of(whose, "+/+")] == [b"2"]
    clock.at += DAY
    await again.tidy()
    await keeper.save()
    assert (again.messages, again.used, again.expired) == (0, 0, 2)
    assert await store.retained() == []


def test_a_tenant_retains_only_so_much() -> None:
    keeper = Keeper(WeakDisk())
    retained = Retained(keeper, HeldClock(), most=1, size=300)
    retained.keep("t", Message("a", b"1"))
    retained.keep("t", Message("a", b"2" * 150))
    with pytest.raises(Busy, match="no room"):
        retained.keep("t", Message("b", b"1"))
    with pytest.raises(Busy, match="no room"):
        retained.keep("t", Message("a", b"2" * 250))
    assert retained.refused == 2
    retained.keep("other", Message("b", b"1"))
    assert [message.body for message in retained.of("t", "a")] == [b"2" * 150]


def test_what_cannot_be_retained_reaches_nobody() -> None:
    keeper = Keeper(WeakDisk())
    exchange = Exchange(keeper, Retained(keeper, HeldClock(), most=0), Room())
    hearer = standing(keeper, "t")
    hearer.memory.subscribe("#", Subscription(1))
    exchange.subscribe(hearer, "#")
    with pytest.raises(Busy):
        exchange.post("t", Message("a", b"1", 1, retain=True))
    assert hearer.memory.letters == {}
    assert exchange.post("t", Message("a", b"1", 1)) == 1
    assert exchange.post("other", Message("a", b"1", 1)) == 0
    exchange.leave(hearer)
    assert not exchange.listening


def test_a_session_that_ends_with_its_connection_costs_the_disk_nothing() -> None:
    keeper = Keeper(WeakDisk())
    made = Standing("t", "d", "c")
    made.begin(Room(), keeper.touch)
    made.memory.subscribe("a", Subscription(1))
    made.memory.add(Message("a", b"1"), 1)
    made.memory.receive(3)
    keeper.forget(made)
    assert keeper.mark == 0
    assert isinstance(made.memory, Memory)
