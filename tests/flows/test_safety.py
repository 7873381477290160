"""The safe mode, on a disk of which the test says how full it is; and what is told of room."""

from pathlib import Path

import pytest

from verger.base.clock import DAY, HOUR, HeldClock, moment
from verger.base.db import Database
from verger.base.space import Reserve, Space
from verger.domain.storage.model import Sample
from verger.domain.storage.store import SampleStore
from verger.flows import safety
from verger.flows.room import Room
from verger.flows.safety import SafeMode

GB = 1_000_000_000


class Disk:
    """A disk of 100 GB."""

    def __init__(self) -> None:
        self.free = 50 * GB

    def __call__(self, _: Path) -> Space:
        return Space(100 * GB, self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(safety, "space_of", disk)
    return disk


@pytest.fixture
def mode(tmp_path: Path, clock: HeldClock) -> SafeMode:
    return SafeMode(tmp_path, Reserve(tmp_path / "reserve", 4096), 0.95, lambda _: False, clock)


async def test_while_there_is_room_the_reserve_is_held_and_everything_is_kept(mode: SafeMode, disk: Disk) -> None:
    await mode.look()
    assert disk.free
    assert (mode.shut, mode.reserve.held) == (None, True)


async def test_at_the_line_it_begins_gives_the_reserve_back_and_asks_for_room_once(mode: SafeMode, disk: Disk) -> None:
    asked: list[bool] = []

    async def make_room() -> None:
        asked.append(mode.reserve.held)

    mode.in_need(make_room)
    await mode.look()
    disk.free = 5 * GB
    await mode.look()
    await mode.look()
    assert asked == [False]
    assert "nearly full" in (mode.shut or "")


async def test_it_ends_by_itself_only_when_there_is_a_margin_of_room(mode: SafeMode, disk: Disk) -> None:
    disk.free = 4 * GB
    await mode.look()
    disk.free = 5_500_000_000
    await mode.look()
    assert mode.shut
    assert not mode.reserve.held
    disk.free = 7 * GB
    await mode.look()
    assert not mode.shut
    assert mode.reserve.held


async def test_what_makes_room_may_fail_and_the_mode_is_on_all_the_same(mode: SafeMode, disk: Disk) -> None:
    async def fail() -> None:
        raise OSError

    mode.in_need(fail)
    disk.free = 0
    await mode.look()
    assert mode.shut


async def test_a_line_of_the_whole_disk_is_never(tmp_path: Path, clock: HeldClock, disk: Disk) -> None:
    mode = SafeMode(tmp_path, Reserve(tmp_path / "reserve", 4096), 1.0, lambda _: False, clock)
    disk.free = 0
    await mode.look()
    assert mode.shut is None


async def grown(db: Database, clock: HeldClock, folder: Path, mode: SafeMode, per_day: int) -> Room:
    """Return the room of a folder that has grown by so much a day."""
    store = SampleStore(db)
    now = clock.now() // HOUR * HOUR
    for back in range(48, 0, -1):
        await store.keep(Sample(now - back * HOUR, 10 * GB - back * per_day // 24))
    room = Room(folder, mode, store, clock)
    await mode.look()
    await room.look()
    return room


async def test_near_the_end_a_sentence_says_so_and_far_from_it_none(
    db: Database, clock: HeldClock, tmp_path: Path, mode: SafeMode, disk: Disk
) -> None:
    assert disk.free == 50 * GB
    far = await grown(db, clock, tmp_path, mode, GB)
    assert (await far.check(), far.notices()) == ("ok", [])
    assert far.state().full_at is not None
    assert abs((far.state().full_at or moment(0)) - moment(clock.now() + 45 * DAY)).days < 3
    near = await grown(db, clock, tmp_path, mode, 9 * GB)
    assert "full in 4 days" in await near.check() or "full in 5 days" in await near.check()
    names = {figure.name for figure in near.figures()}
    assert {"disk_full_in_seconds", "safe_mode", "safe_mode_refused", "disk_free_bytes"} <= names


async def test_in_the_safe_mode_the_sentence_says_what_to_do(
    db: Database, clock: HeldClock, tmp_path: Path, mode: SafeMode, disk: Disk
) -> None:
    disk.free = GB
    room = await grown(db, clock, tmp_path, mode, GB)
    assert "Retention" in await room.check()
    assert room.state().safe_mode_since == moment(clock.now())
