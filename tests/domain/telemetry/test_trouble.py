"""The log when the disk is full, or does not keep what it is given."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.domain.telemetry.batches import batch, files, kept, on_disk, same, sequences
from verger.base.errors import Busy
from verger.domain.telemetry.disk import RealDisk
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch

SAID = [batch(seed) for seed in range(20)]


class PoorDisk(RealDisk):
    """Fails as it is told to; a write that finds no room leaves the beginning of what was written."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.failing: set[str] = set()

    def _may(self, what: str) -> None:
        if what in self.failing:
            raise OSError(errno.EIO, "Input/output error")

    def write(self, file: int, offset: int, what: bytes) -> None:
        self._may("write")
        if self.room is not None and len(what) > self.room:
            super().write(file, offset, what[: self.room])
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write(file, offset, what)

    def sync(self, file: int) -> None:
        self._may("sync")
        super().sync(file)

    def truncate(self, file: int, size: int) -> None:
        self._may("truncate")
        super().truncate(file, size)

    def create(self, path: Path) -> int:
        self._may("create")
        return super().create(path)

    def sync_folder(self, folder: Path) -> None:
        self._may("sync_folder")
        super().sync_folder(folder)

    def unlink(self, path: Path) -> None:
        self._may("unlink")
        super().unlink(path)


async def until_refused(log: Log, said: Batch) -> None:
    """Append the same again and again; raise what the log raises."""
    for _ in range(100):
        await log.append(said)


async def test_a_full_disk_is_told_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, disk := PoorDisk())
    await log.append(SAID[0])
    disk.room = 30
    for _ in range(3):
        with pytest.raises(Busy, match="The disk is full"):
            await log.append(SAID[1])
    assert log.trouble
    assert sequences(await kept(log)) == [1]
    disk.room = None
    assert (await log.append(SAID[2])).sequence == 2
    assert log.trouble is None
    assert (log.tally.failures, log.tally.records) == (3, 2)
    assert len(files(tmp_path)) == 1
    assert same(on_disk(tmp_path), [SAID[0], SAID[2]])
    await log.close()


async def test_everyone_in_a_failed_group_is_told(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, disk := PoorDisk())
    disk.failing = {"sync"}
    answers = await asyncio.gather(*(log.append(each) for each in SAID), return_exceptions=True)
    assert all(isinstance(each, Busy) and "did not keep" in str(each) for each in answers)
    assert (log.last, log.pending_bytes, log.kept_bytes) == (0, 0, 0)
    await log.close()


async def test_a_failed_sync_ends_the_segment_and_the_next_one_says_where(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, disk := PoorDisk())
    await log.append(SAID[0])
    disk.failing = {"sync", "truncate"}  # so that what was not kept stays in the file
    with pytest.raises(Busy, match="did not keep"):
        await log.append(SAID[1])
    disk.failing = set()
    assert (await log.append(SAID[2])).sequence == 2
    first, second = files(tmp_path)
    assert first.stat().st_size == 2 * second.stat().st_size
    assert same(await kept(log), [SAID[0], SAID[2]])
    assert same(on_disk(tmp_path), [SAID[0], SAID[2]])
    await log.close()


async def test_syncs_that_fail_for_long_leave_no_heap_of_segments(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, disk := PoorDisk())
    disk.failing = {"sync"}
    for each in SAID:
        with pytest.raises(Busy):
            await log.append(each)
    assert files(tmp_path) == []
    disk.failing = set()
    assert (await log.append(SAID[3])).sequence == 1
    await log.close()
    assert same(on_disk(tmp_path), [SAID[3]])


@pytest.mark.parametrize("failing", ["create", "sync_folder", "write"])
@pytest.mark.parametrize("also", ["sync", "truncate", "unlink"])
async def test_whatever_fails_is_told_and_what_follows_is_kept(tmp_path: Path, failing: str, also: str) -> None:
    log = await Log.open(tmp_path, disk := PoorDisk(), segment_bytes=200)
    for each, said in enumerate(SAID):
        disk.failing = {failing, also} if each % 5 == 1 else set()
        if disk.failing:
            with pytest.raises(Busy):
                await until_refused(log, said)  # the present segment may have room yet
        else:
            await log.append(said)
    there = await kept(log)
    assert sequences(there) == list(range(1, log.last + 1))
    await log.close()
    assert same(on_disk(tmp_path), there)


async def test_a_segment_that_cannot_be_removed_is_removed_later(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, disk := PoorDisk(), segment_bytes=1)
    for each in SAID[:4]:
        await log.append(each)
    disk.failing = {"unlink"}
    await log.release(4)
    assert len(files(tmp_path)) == 4
    disk.failing = {"sync_folder"}
    await log.release(4)
    assert len(files(tmp_path)) == 3
    disk.failing = set()
    await log.release(4)
    assert len(files(tmp_path)) == 1
    await log.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 256 KiB, where that is allowed."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["/bin/umount", str(folder)], check=True)


async def test_a_disk_that_is_really_full_refuses_until_something_is_released(small_disk: Path) -> None:
    log = await Log.open(small_disk / "log", segment_bytes=50_000)
    large = batch(1, rows=1000)
    with pytest.raises(Busy, match="The disk is full"):
        await until_refused(log, large)
    last = log.last
    assert last > 5
    with pytest.raises(Busy, match="The disk is full"):
        await log.append(large)
    await log.release(last)
    assert (await log.append(large)).sequence == last + 1
    await log.close()
    assert sequences(on_disk(small_disk / "log"))[-1] == last + 1
