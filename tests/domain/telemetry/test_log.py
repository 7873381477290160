"""The log, on a real disk."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.domain.telemetry.batches import batch, contents, files, kept, on_disk, same, sequences
from verger.base.errors import Busy, Invalid
from verger.domain.telemetry.disk import RealDisk
from verger.domain.telemetry.log import Log

SAID = [batch(seed, rows=seed % 5, told=seed % 3) for seed in range(60)]


class CountingDisk(RealDisk):
    """Counts its syncs."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def write(self, file: int, offset: int, what: bytes) -> None:
        self.written.append(len(what))
        super().write(file, offset, what)


async def test_a_batch_comes_back_with_its_sequence_and_is_on_disk(tmp_path: Path) -> None:
    log = await Log.open(tmp_path / "log")
    first, second = await log.append(SAID[1]), await log.append(SAID[2])
    assert (first.sequence, second.sequence, log.last) == (1, 2, 2)
    assert same(on_disk(tmp_path / "log"), SAID[1:3])
    await log.close()


async def test_all_that_waits_is_written_together_in_the_order_of_the_calls(tmp_path: Path) -> None:
    disk = CountingDisk()
    log = await Log.open(tmp_path / "log", disk)
    answers = await asyncio.gather(*(log.append(each) for each in SAID))
    assert sequences(answers) == list(range(1, 61))
    assert same(answers, SAID)
    assert log.tally.syncs == len(disk.written) < 10
    assert log.tally.records == 60
    assert log.tally.bytes == sum(disk.written) == log.kept_bytes
    assert max(log.tally.syncs_within.values()) <= log.tally.syncs
    await log.close()


async def test_a_log_goes_on_where_it_ended_in_a_new_segment(tmp_path: Path) -> None:
    for start in range(0, 60, 20):
        log = await Log.open(tmp_path, segment_bytes=1000)
        assert log.last == start
        for each in SAID[start : start + 20]:
            await log.append(each)
        await log.close()
    log = await Log.open(tmp_path)
    assert (log.last, log.aside, log.cut_bytes) == (60, [], 0)
    assert same(await kept(log), SAID)
    await log.close()


@pytest.mark.parametrize("memory", [1, 2000, 1 << 20])
@pytest.mark.parametrize("after", [0, 1, 31, 59])
async def test_readers_get_everything_behind_a_sequence_from_files_and_memory(
    tmp_path: Path, memory: int, after: int
) -> None:
    log = await Log.open(tmp_path, segment_bytes=700, memory_bytes=memory)
    for each in SAID:
        await log.append(each)
    found = await kept(log, after)
    assert sequences(found) == list(range(after + 1, 61))
    assert same(found, SAID[after:])
    assert log.memory_bytes <= max(memory, 1000)
    await log.close()


async def test_a_reader_that_is_far_behind_is_given_a_piece_at_a_time(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, memory_bytes=1, segment_bytes=4 << 20)
    for seed in range(40):
        await log.append(batch(seed, rows=10_000))
    assert sequences(await kept(log)) == list(range(1, 41))
    await log.close()


async def test_a_reader_waits_for_more_and_ends_with_the_log(tmp_path: Path) -> None:
    log = await Log.open(tmp_path)
    found: list[int] = []
    seen = asyncio.Event()

    async def read() -> None:
        async with aclosing(log.read(0)) as reading:
            async for each in reading:
                found.append(each.sequence)
                seen.set()

    reader = asyncio.create_task(read())
    await log.append(SAID[1])
    await seen.wait()
    seen.clear()
    await log.append(SAID[2])
    await seen.wait()
    await log.close()
    await reader
    assert found == [1, 2]


async def test_released_segments_are_removed_but_never_the_newest(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, segment_bytes=1)
    for each in SAID[:10]:
        await log.append(each)
    before = log.kept_bytes
    await log.release(4)
    assert len(files(tmp_path)) == 6
    assert 0 < log.kept_bytes < before
    assert sequences(await kept(log, 4)) == [5, 6, 7, 8, 9, 10]
    await log.release(10)
    await log.close()
    log = await Log.open(tmp_path, segment_bytes=1)
    assert log.last == 10
    assert (await log.append(SAID[10])).sequence == 11
    await log.release(11)
    assert len(files(tmp_path)) == 1
    await log.close()


async def test_a_reader_passes_over_what_was_released_under_it(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, segment_bytes=1, memory_bytes=1)
    for each in SAID[:6]:
        await log.append(each)
    async with aclosing(log.read(0)) as reading:
        assert (await anext(reading)).sequence == 1
        await log.release(4)
        assert (await anext(reading)).sequence == 5
    await log.close()


async def test_what_one_caller_gives_up_on_is_kept_all_the_same(tmp_path: Path) -> None:
    log = await Log.open(tmp_path)
    hasty = asyncio.create_task(log.append(SAID[1]))
    patient = asyncio.create_task(log.append(SAID[2]))
    await asyncio.sleep(0)
    hasty.cancel()
    assert (await patient).sequence == 2
    assert same(await kept(log), SAID[1:3])
    await log.close()


async def test_what_waits_is_bounded(tmp_path: Path) -> None:
    log = await Log.open(tmp_path, pending_bytes=1000)
    answers = await asyncio.gather(*(log.append(batch(seed, 10)) for seed in range(20)), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Busy)]
    assert len(refused) == 16
    assert "cannot keep up" in str(refused[0])
    assert (await log.append(batch(1, 1000))).sequence == 5  # alone it may be as large as it is
    assert log.pending_bytes == 0
    await log.close()


async def test_a_batch_that_cannot_be_kept_harms_no_other(tmp_path: Path) -> None:
    log = await Log.open(tmp_path)
    wrong = batch(1)
    wrong.value.resize(2, refcheck=False)
    answers = await asyncio.gather(log.append(SAID[1]), log.append(wrong), log.append(SAID[2]), return_exceptions=True)
    assert isinstance(answers[1], Invalid)
    assert same(await kept(log), SAID[1:3])
    await log.close()


async def test_a_closed_log_keeps_nothing_more(tmp_path: Path) -> None:
    log = await Log.open(tmp_path)
    last = asyncio.create_task(log.append(SAID[1]))
    await asyncio.sleep(0)
    await log.close()
    await log.close()
    assert (await last).sequence == 1
    with pytest.raises(Busy, match="stopping"):
        await log.append(SAID[2])


async def test_no_sequence_is_given_that_a_follower_has_seen(tmp_path: Path) -> None:
    log = await Log.open(tmp_path)
    log.begin_after(0)
    log.begin_after(41)
    assert (await log.append(SAID[1])).sequence == 42
    with pytest.raises(RuntimeError, match="begun"):
        log.begin_after(99)
    assert sequences(await kept(log)) == [42]
    await log.close()
    log = await Log.open(tmp_path)
    assert (log.last, log.aside) == (42, [])
    assert [contents(each) for each in await kept(log)] == [contents(SAID[1])]
    await log.close()
