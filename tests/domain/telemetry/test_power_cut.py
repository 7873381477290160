"""The power goes at any moment: what was acknowledged is there when it is back, and the log goes on."""

import asyncio
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.domain.telemetry.batches import batch, contents, on_disk
from tests.domain.telemetry.forgetful import ForgetfulDisk, chances
from verger.base.errors import Busy
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.record import pack
from verger.domain.telemetry.recovery import Recovered, recover
from verger.domain.telemetry.segment import Name, covered
from verger.domain.telemetry.writer import Writer

FOLDER = Path("/log")
SEGMENT_BYTES = 1500
# Made once: half the time of a case would go into making them.
SAID = [batch(seed, rows=(0, 1, 3, 20, 40)[seed % 5], told=(seed % 7 == 0) * 3) for seed in range(60)]
BODIES = [pack(each) for each in SAID]
CONTENTS = [contents(each) for each in SAID]


@dataclass
class House:
    """Who lives with the log: what it was told is kept, and what it said at all, by sequence."""

    random: Random
    disk: ForgetfulDisk
    kept: dict[int, object] = field(default_factory=dict)
    said: dict[int, list[object]] = field(default_factory=dict)
    released: int = 0
    highest: int = 0

    def open(self) -> tuple[Recovered, Writer]:
        """Recover, and hold what was found against what must be there."""
        found = recover(self.disk, FOLDER)
        there = {each.sequence: contents(each) for each in on_disk(FOLDER, self.disk)}
        assert list(there) == sorted(there)
        missing = {sequence for sequence, said in self.kept.items() if there.get(sequence) != said}
        assert not missing
        assert all(said in self.said[sequence] for sequence, said in there.items())
        assert found.last >= self.highest
        assert max(there, default=0) <= found.last
        if not self.disk.spoiled:  # followers have seen it now, so it may not go any more either
            self.kept = {sequence: said for sequence, said in there.items() if sequence > self.released}
            self.highest = found.last
        return found, Writer(self.disk, FOLDER, found.last, found.newest, SEGMENT_BYTES)

    def say(self, writer: Writer, count: int) -> None:
        """Append a group; note what may and what must be there from now on."""
        chosen = [self.random.randrange(len(SAID)) for _ in range(count)]
        for sequence, each in enumerate(chosen, writer.last + 1):
            self.said.setdefault(sequence, []).append(CONTENTS[each])
        before = writer.last
        assert before >= self.highest
        try:
            segment = writer.commit([BODIES[each] for each in chosen])
        except Busy:
            assert writer.last == before
            return
        assert segment.last == writer.last == before + count
        self.kept |= {sequence: CONTENTS[each] for sequence, each in enumerate(chosen, before + 1)}
        self.highest = writer.last

    def release(self, found: Recovered) -> None:
        """Let go of some of what was found at the start."""
        upto = self.random.randint(self.released, self.highest)
        self.released = upto
        self.kept = {sequence: said for sequence, said in self.kept.items() if sequence > upto}
        for segment in covered(found.segments, upto):
            self.disk.unlink(segment.path)
            self.disk.sync_folder(FOLDER)
            found.segments.remove(segment)

    def live(self, turns: int) -> None:
        """Open the log, append and release until the power goes or the turns are over."""
        try:
            found, writer = self.open()
            for _ in range(turns):
                if self.random.random() < 0.1:
                    self.release(found)
                else:
                    self.say(writer, self.random.choice([1, 1, 2, 4]))
            writer.close()
        except OSError:
            return


def live_through(seed: int, faults: float) -> None:
    """Live several lives with a power cut, a kill or a clean stop behind each; then all must be well."""
    random = chances(seed)
    house = House(random, ForgetfulDisk(random, faults=faults))
    for _ in range(random.randint(2, 6)):
        house.disk.cut = random.choice([None, random.randint(1, 8), random.randint(1, 60)])
        house.live(random.randint(0, 15))
        house.disk = house.disk.after_kill() if random.random() < 0.3 else house.disk.after_power_cut()
    house.disk.faults = 0
    house.live(3)
    house.disk = house.disk.after_power_cut()
    house.open()


def scripted(cut: int | None, second_cut: int | None, outcome: int) -> int:
    """Live the same life each time, the power going amid one change of it, and amid one of the life behind it."""
    house = House(chances(7), ForgetfulDisk(chances(outcome), cut))
    house.live(30)
    changes = house.disk.changes
    house.disk = house.disk.after_power_cut()
    house.disk.cut = second_cut
    house.live(3)
    house.disk = house.disk.after_power_cut()
    house.live(3)
    house.open()
    return changes


@cache
def changes_of_the_script() -> int:
    """Return how often the power may go amid the scripted life."""
    changes = scripted(None, None, 0)
    assert changes > 60
    return changes


def test_the_power_may_go_amid_every_change_of_a_script() -> None:
    for cut in range(1, changes_of_the_script() + 1):
        for outcome in range(10):
            scripted(cut, None, outcome)


def test_the_power_may_go_again_while_the_log_recovers_and_soon_after() -> None:
    for cut in range(1, changes_of_the_script() + 1):
        for second_cut in range(1, 9):
            scripted(cut, second_cut, outcome=cut * second_cut)


@pytest.mark.parametrize("faults", [0, 0.02, 0.1])
def test_any_lives_with_any_ends_lose_nothing_acknowledged(faults: float) -> None:
    for seed in range(1000):
        live_through(seed, faults)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("faults", [0, 0.02, 0.1])
def test_many_more_lives_lose_nothing_either(faults: float) -> None:
    for seed in range(1000, 40_000):
        live_through(seed, faults)


def test_the_count_survives_when_a_kill_leaves_an_unsynced_segment_and_the_rest_is_released() -> None:
    for outcome in range(20):
        disk = ForgetfulDisk(chances(outcome))
        writer = Writer(disk, FOLDER, 0, None, SEGMENT_BYTES)
        written = writer.commit(BODIES[:3])
        disk.create(FOLDER / str(Name(4, 0, 0)))
        recover(disk.after_kill(), FOLDER)
        disk.unlink(written.path)  # released, and the power goes before the folder is synced
        assert recover(disk.after_power_cut(), FOLDER).last == 3


class NoSync(ForgetfulDisk):
    """Says that a file is on disk when it is not."""

    def sync(self, file: int) -> None:
        del file


class NoSyncOfFolders(ForgetfulDisk):
    """Says that a name is on disk when it is not."""

    def sync_folder(self, folder: Path) -> None:
        del folder


@pytest.mark.parametrize("liar", [NoSync, NoSyncOfFolders])
def test_the_same_test_catches_a_log_that_does_not_sync(liar: type[ForgetfulDisk]) -> None:
    random = chances(5)
    house = House(random, liar(random))
    house.live(10)
    house.disk = house.disk.after_power_cut()
    with pytest.raises(AssertionError):
        house.open()


async def whole(seed: int) -> None:
    """Let the power go under a whole log, thread and all; what it acknowledged must be there."""
    random = chances(seed)
    disk = ForgetfulDisk(random, cut=random.randint(3, 40), faults=0.03 * (seed % 2))
    log = await opened(disk)
    acknowledged: dict[int, object] = {}
    while log and not disk.dead:
        chosen = [random.randrange(len(SAID)) for _ in range(random.randint(1, 5))]
        answers = await asyncio.gather(*(log.append(SAID[each]) for each in chosen), return_exceptions=True)
        acknowledged |= {each.sequence: contents(each) for each in answers if isinstance(each, Batch)}
        assert all(isinstance(each, Batch | Busy) for each in answers)
        if random.random() < 0.2:
            await log.release(log.last // 2)
            acknowledged = {sequence: said for sequence, said in acknowledged.items() if sequence > log.last // 2}
    if log:
        await log.close()
    disk = disk.after_power_cut()
    disk.faults = 0
    there = {each.sequence: contents(each) for each in on_disk(FOLDER, disk)}
    assert acknowledged.items() <= there.items()
    log = await Log.open(FOLDER, disk)
    assert (await log.append(SAID[1])).sequence > max(acknowledged, default=0)
    await log.close()


async def opened(disk: ForgetfulDisk) -> Log | None:
    try:
        return await Log.open(FOLDER, disk, segment_bytes=SEGMENT_BYTES)
    except OSError:
        return None


async def test_a_whole_log_loses_nothing_acknowledged() -> None:
    for seed in range(150):
        await whole(seed)
