"""The followers of the log, with a real log and a real database."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.domain.telemetry.batches import AT, batch, contents, files
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Busy, Missing
from verger.domain.telemetry.followers import Followers
from verger.domain.telemetry.following import Follower
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.record import HEAD, unpack
from verger.domain.telemetry.store import FollowerStore, save_position

MOST_PAUSES = 1000


@dataclass
class Noting:
    """Notes what it takes; raises what it is told to, each as often as it stands there."""

    name: str = "noting"
    taken: list[int] = field(default_factory=list)
    raises: dict[int, list[Exception]] = field(default_factory=dict)
    upto: int | None = None
    gate: asyncio.Event | None = None

    async def take(self, batch: Batch) -> None:
        if self.gate:
            await self.gate.wait()
        if troubles := self.raises.get(batch.sequence):
            raise troubles.pop(0)
        self.taken.append(batch.sequence)

    def settled(self) -> int | None:
        return self.upto


@pytest.fixture
def store(db: Database) -> FollowerStore:
    return FollowerStore(db)


@pytest_asyncio.fixture
async def log(tmp_path: Path) -> AsyncIterator[Log]:
    log = await Log.open(tmp_path / "log", segment_bytes=1)
    yield log
    await log.close()


@dataclass
class Pauses:
    """Does not wait; remembers how long it should have."""

    asked: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        assert len(self.asked) < MOST_PAUSES
        await asyncio.sleep(0)


async def started(log: Log, store: FollowerStore, *followers: Follower, pauses: Pauses | None = None) -> Followers:
    running = Followers(log, store, HeldClock(AT + 5_000_000), followers, pauses or Pauses())
    await running.start()
    return running


async def say(log: Log, count: int) -> None:
    for seed in range(count):
        await log.append(batch(seed))


async def test_each_follower_takes_everything_in_order(log: Log, store: FollowerStore) -> None:
    await say(log, 3)
    one, other = Noting("one"), Noting("other")
    followers = await started(log, store, one, other)
    await say(log, 3)
    await followers.caught_up()
    assert one.taken == other.taken == [1, 2, 3, 4, 5, 6]
    assert [(lag.name, lag.records, lag.seconds) for lag in followers.lags()] == [("one", 0, 0), ("other", 0, 0)]
    await followers.stop()
    assert await store.positions() == {"one": 6, "other": 6}


async def test_a_record_that_cannot_be_taken_becomes_a_dead_letter_and_the_follower_goes_on(
    log: Log, store: FollowerStore
) -> None:
    noting, other = Noting(raises={2: [ValueError("no such unit")]}), Noting("other")
    followers = await started(log, store, noting, other)
    await say(log, 3)
    await followers.caught_up()
    assert noting.taken == [1, 3]
    assert other.taken == [1, 2, 3]
    letter = (await store.dead_letters())[0]
    assert (letter.follower, letter.sequence, letter.reason) == ("noting", 2, "ValueError: no such unit")
    record = await store.record(letter.id)
    assert contents(unpack(2, record[HEAD:])) == contents(batch(1))
    assert letter.bytes == len(record)
    assert await store.count_dead_letters() == {"noting": 1}
    assert [lag.dead_letters for lag in followers.lags()] == [1, 0]
    await followers.stop()


async def test_a_dead_letter_that_comes_again_after_a_crash_stands_once(log: Log, store: FollowerStore) -> None:
    await say(log, 2)
    for _ in range(2):
        noting = Noting(raises={2: [ValueError("still wrong")]}, upto=0)
        followers = await started(log, store, noting)
        await followers.caught_up()
        await followers.stop()
    assert await store.count_dead_letters() == {"noting": 1}


async def test_there_is_no_record_of_an_unknown_dead_letter(store: FollowerStore) -> None:
    with pytest.raises(Missing):
        await store.record("unknown")


async def test_a_busy_follower_is_asked_again_ever_later_and_loses_nothing(log: Log, store: FollowerStore) -> None:
    pauses = Pauses()
    noting = Noting(raises={2: [Busy("The database is locked.") for _ in range(12)]})
    followers = await started(log, store, noting, pauses=pauses)
    await say(log, 3)
    await followers.caught_up()
    assert noting.taken == [1, 2, 3]
    assert pauses.asked[:4] == [0.1, 0.2, 0.4, 0.8]
    assert max(pauses.asked) == 30
    assert await store.dead_letters() == []
    assert followers.lags()[0].trouble is None
    await followers.stop()


@pytest.mark.parametrize("often", [8, 9])
async def test_a_failing_database_is_given_half_a_minute_before_the_record_is_blamed(
    log: Log, store: FollowerStore, often: int
) -> None:
    locked = OperationalError("BEGIN IMMEDIATE", None, Exception("database is locked"))
    noting = Noting(raises={2: [locked] * often})
    followers = await started(log, store, noting, pauses=(pauses := Pauses()))
    await say(log, 3)
    await followers.caught_up()
    assert noting.taken == ([1, 2, 3] if often == 8 else [1, 3])
    assert len(await store.dead_letters()) == often - 8
    assert 20 < sum(pauses.asked) < 40
    await followers.stop()


async def test_a_record_is_not_let_go_while_the_database_cannot_keep_the_dead_letter(
    log: Log, store: FollowerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bury, failures = store.bury, [OSError("disk full")] * 3

    async def failing(*letter: object) -> None:
        if failures:
            raise failures.pop()
        await bury(*letter)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "bury", failing)
    noting = Noting(raises={1: [ValueError("wrong")] * 3, 2: [ValueError("only while the disk was full")]})
    pauses = Pauses()
    followers = await started(log, store, noting, pauses=pauses)
    await say(log, 2)
    await followers.caught_up()
    assert noting.taken == [1]
    assert [letter.sequence for letter in await store.dead_letters()] == [2]
    assert pauses.asked == [0.1, 0.2, 0.4]
    await followers.stop()


async def test_after_a_crash_a_follower_begins_behind_what_it_had_settled(log: Log, store: FollowerStore) -> None:
    await say(log, 5)
    first = Noting(upto=2)
    followers = await started(log, store, first)
    await followers.caught_up()
    await followers.save()
    first.upto = 4  # settled, but nobody saved that
    again = Noting()
    restarted = await started(log, store, again)
    await restarted.caught_up()
    assert again.taken == [3, 4, 5]
    knowing = Noting(upto=4)
    assert await store.positions() == {"noting": 2}
    third = await started(log, store, knowing)
    await third.caught_up()
    assert knowing.taken == [5]
    for each in (third, restarted, followers):
        await each.stop()


async def test_a_slow_follower_holds_up_neither_the_log_nor_the_others(log: Log, store: FollowerStore) -> None:
    slow, quick = Noting("slow", gate=asyncio.Event()), Noting("quick")
    followers = await started(log, store, slow, quick)
    await say(log, 20)
    await followers.caught_up("quick")
    assert len(quick.taken) == 20
    lag = followers.lags()[0]
    assert (lag.name, lag.records, lag.seconds) == ("slow", 20, 5.0)
    assert slow.gate
    slow.gate.set()
    await followers.caught_up()
    assert slow.taken == quick.taken
    await followers.stop()


async def test_the_log_is_released_up_to_the_slowest_saved_position(log: Log, store: FollowerStore) -> None:
    await say(log, 6)
    one, other = Noting("one", upto=3), Noting("other")
    followers = await started(log, store, one, other)
    await followers.caught_up()
    kept = log.kept_bytes
    await followers.save()
    assert log.kept_bytes == kept / 2
    one.upto = 6
    await followers.save()
    assert log.kept_bytes == kept / 6
    await followers.stop()


async def test_stopping_lets_a_follower_finish_the_record_it_has_in_hand(log: Log, store: FollowerStore) -> None:
    noting = Noting(gate=asyncio.Event())
    followers = await started(log, store, noting)
    await say(log, 2)
    stopping = asyncio.create_task(followers.stop())
    await asyncio.sleep(0)
    assert noting.gate
    noting.gate.set()
    await stopping
    await followers.stop()
    assert noting.taken == [1]
    assert await store.positions() == {"noting": 1}


async def test_a_position_never_goes_back(db: Database, store: FollowerStore) -> None:
    await store.save({"rules": 7})
    async with db.writing() as connection:
        await save_position(connection, "rules", 5)
    assert await store.positions() == {"rules": 7}


async def test_positions_that_cannot_be_saved_are_saved_later(
    log: Log, store: FollowerStore, db: Database, tmp_path: Path
) -> None:
    followers = await started(log, store, Noting())
    await say(log, 2)
    await followers.caught_up()
    async with db.writing() as connection:
        await connection.execute(text("ALTER TABLE follower RENAME TO gone"))
    await followers.stop()
    assert len(files(tmp_path / "log")) == 2  # nothing was released


async def test_the_log_counts_on_behind_what_a_follower_has_seen(log: Log, store: FollowerStore) -> None:
    await store.save({"noting": 41})
    followers = await started(log, store, noting := Noting())
    await say(log, 1)
    await followers.caught_up()
    assert noting.taken == [42]
    await followers.stop()


async def test_a_follower_goes_on_once_the_log_can_be_read_again(
    log: Log, store: FollowerStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await say(log, 3)
    behind, failures = log._ring.behind, [OSError("the disk is away")] * 3  # noqa: SLF001

    def failing(sequence: int, most: int) -> object:
        if failures:
            raise failures.pop()
        return behind(sequence, most)

    monkeypatch.setattr(log._ring, "behind", failing)  # noqa: SLF001
    pauses = Pauses()
    followers = await started(log, store, noting := Noting(), pauses=pauses)
    await followers.caught_up()
    assert noting.taken == [1, 2, 3]
    assert pauses.asked == [0.1, 0.2, 0.4]
    await followers.stop()
