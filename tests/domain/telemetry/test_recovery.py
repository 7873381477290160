"""Opening the log again after something happened to its files."""

from pathlib import Path

import numpy as np
import pytest

from tests.domain.telemetry.batches import AT, batch, contents, files, kept, on_disk, same, sequences
from verger.domain.telemetry.disk import RealDisk
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.model import Batch
from verger.domain.telemetry.record import HEAD, MAGIC, pack, seal
from verger.domain.telemetry.recovery import recover
from verger.domain.telemetry.segment import Name
from verger.domain.telemetry.writer import Writer


class QuickDisk(RealDisk):
    """Does not wait for the disk: these tests are about what is read."""

    def sync(self, file: int) -> None:
        del file

    def sync_folder(self, folder: Path) -> None:
        del folder


SAID = [batch(seed, rows=seed % 5, told=seed % 3) for seed in range(12)]
DISK = QuickDisk()
LENGTHS = [HEAD + len(pack(each)) for each in SAID]


def written(folder: Path, count: int = 5, segment_bytes: int = 1 << 20) -> list[Path]:
    """Write the first batches, each in a commit of its own; return the segments."""
    found = recover(DISK, folder)
    writer = Writer(DISK, folder, found.last, found.newest, segment_bytes)
    for each in SAID[found.last : found.last + count]:
        writer.commit([pack(each)])
    writer.close()
    return files(folder)


def change(path: Path, offset: int, to: bytes) -> None:
    """Put other bytes into a file."""
    was = path.read_bytes()
    path.write_bytes(was[:offset] + to + was[offset + len(to) :])


def test_a_tail_cut_at_any_byte_costs_only_the_last_record(tmp_path: Path) -> None:
    for lost in range(1, LENGTHS[4] + 1):
        folder = tmp_path / str(lost)
        path = written(folder)[0]
        path.write_bytes(path.read_bytes()[:-lost])
        found = recover(DISK, folder)
        assert (found.last, found.aside, found.cut) == (4, [], LENGTHS[4] - lost)
        assert path.stat().st_size == sum(LENGTHS[:4])
        written(folder, 2)
        assert same(on_disk(folder), SAID[:6])
        assert recover(DISK, folder).aside == []


def test_a_flipped_bit_amid_the_log_costs_one_record_which_is_set_aside(tmp_path: Path) -> None:
    offset = sum(LENGTHS[:2])
    for byte in range(LENGTHS[2]):
        folder = tmp_path / str(byte)
        path = written(folder)[0]
        change(path, offset + byte, bytes([path.read_bytes()[offset + byte] ^ 1 << byte % 8]))
        assert_third_is_set_aside(folder, path, offset)
        assert_third_is_set_aside(folder, path, offset)  # a later start reports it again


def assert_third_is_set_aside(folder: Path, path: Path, offset: int) -> None:
    found = recover(DISK, folder)
    damage, gap = found.aside
    assert (damage.segment, damage.offset, damage.length) == (path.name, offset, LENGTHS[2])
    assert damage.copy
    assert Path(damage.copy).read_bytes() == path.read_bytes()[offset : offset + LENGTHS[2]]
    assert gap.reason == "Records 3 to 3 are missing."
    assert sequences(on_disk(folder)) == [1, 2, 4, 5]
    assert found.last == 5


def test_damage_over_several_records_and_into_the_next_segment_is_set_aside(tmp_path: Path) -> None:
    first, second = written(tmp_path, 8, segment_bytes=sum(LENGTHS[:4]))
    change(first, sum(LENGTHS[:2]) + 7, b"?" * (LENGTHS[2] + LENGTHS[3] - 7))
    change(second, 0, b"?" * (LENGTHS[4] + 1))
    found = recover(DISK, tmp_path)
    assert sequences(on_disk(tmp_path)) == [1, 2, 7, 8]
    assert [(each.segment, each.offset, each.length) for each in found.aside] == [
        (first.name, sum(LENGTHS[:2]), LENGTHS[2] + LENGTHS[3]),
        (first.name, sum(LENGTHS[:2]), 0),
        (second.name, 0, LENGTHS[4] + LENGTHS[5]),
        (second.name, LENGTHS[4] + LENGTHS[5], 0),
    ]


def test_a_missing_segment_is_reported_as_a_gap(tmp_path: Path) -> None:
    written(tmp_path, 5, segment_bytes=1)[2].unlink()
    found = recover(DISK, tmp_path)
    assert [each.reason for each in found.aside] == ["Records 3 to 3 are missing."]
    assert sequences(on_disk(tmp_path)) == [1, 2, 4, 5]


def test_a_damaged_last_record_of_full_length_is_cut_but_its_bytes_are_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path)[0]
    change(path, sum(LENGTHS[:4]) + HEAD + 3, b"?")
    found = recover(DISK, tmp_path)
    assert (found.last, found.cut) == (4, LENGTHS[4])
    assert "none of it is missing" in found.aside[0].reason


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"?" * 5000, MAGIC * 1000, (MAGIC + b"\1" * 16) * 200])
def test_any_garbage_behind_the_last_record_is_cut(tmp_path: Path, tail: bytes) -> None:
    path = written(tmp_path)[0]
    path.write_bytes(path.read_bytes() + tail)
    found = recover(DISK, tmp_path)
    assert (found.last, found.cut) == (5, len(tail))
    written(tmp_path, 2)
    assert same(on_disk(tmp_path), SAID[:7])


def test_what_stands_in_an_ended_segment_beyond_the_start_of_the_next_is_void(tmp_path: Path) -> None:
    written(tmp_path, 5)
    disk = DISK
    writer = Writer(disk, tmp_path, 3, None, 1 << 20)  # as if records 4 and 5 had not been acknowledged
    writer.commit([pack(SAID[9]), pack(SAID[10])])
    found = recover(disk, tmp_path)
    assert (found.last, found.aside) == (5, [])
    assert same(on_disk(tmp_path), [*SAID[:3], SAID[9], SAID[10]])


def test_of_two_segments_that_begin_alike_only_the_later_counts(tmp_path: Path) -> None:
    written(tmp_path, 2)
    writer = Writer(DISK, tmp_path, 0, Name.read(files(tmp_path)[0].name), 1 << 20)
    writer.commit([pack(SAID[7])])
    assert same(on_disk(tmp_path), [SAID[7]])
    assert len(files(tmp_path)) == 2


def test_what_a_device_sent_is_never_taken_for_a_record(tmp_path: Path) -> None:
    forged = seal(2, pack(SAID[7])) + pack(SAID[7])
    forged += bytes(-len(forged) % 8)
    values = np.frombuffer(forged, np.float64)
    rows = len(values)
    said = Batch(AT, np.zeros(rows, np.uint32), np.zeros(rows, np.int64), values)
    writer = Writer(DISK, tmp_path, 0, None, 1 << 20)
    writer.commit([pack(said)])
    path = files(tmp_path)[0]
    assert forged in path.read_bytes()
    path.write_bytes(path.read_bytes()[:-1])
    assert recover(DISK, tmp_path).last == 0


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "1.log").write_text("mine, too")
    written(tmp_path, 1)
    assert recover(DISK, tmp_path).last == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_bytes_that_cannot_be_copied_are_reported_all_the_same(tmp_path: Path) -> None:
    path = written(tmp_path)[0]
    change(path, HEAD, b"?")
    (tmp_path / "aside").write_text("a file where the folder should be")
    found = recover(DISK, tmp_path)
    assert found.aside[0].copy is None
    assert found.last == 5


async def test_a_log_tells_what_was_set_aside_and_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path)[0]
    change(path, LENGTHS[0] + HEAD, b"??")
    log = await Log.open(tmp_path)
    assert [each.offset for each in log.aside] == [LENGTHS[0], LENGTHS[0] + LENGTHS[1]]
    assert (await log.append(SAID[5])).sequence == 6
    assert sequences(await kept(log)) == [1, 3, 4, 5, 6]
    assert len(log.aside) == 2
    await log.close()


async def test_damage_that_appears_while_the_log_runs_is_reported_and_passed_over(tmp_path: Path) -> None:
    written(tmp_path)
    log = await Log.open(tmp_path)
    change(files(tmp_path)[0], LENGTHS[0] + HEAD, b"??")
    assert sequences(await kept(log)) == [1, 3, 4, 5]
    assert [each.offset for each in log.aside] == [LENGTHS[0]]
    await log.close()


async def test_a_record_that_nobody_understands_is_set_aside_and_passed_over(tmp_path: Path) -> None:
    writer = Writer(DISK, tmp_path, 0, None, 1 << 20)
    writer.commit([pack(SAID[1]), b"of another version", pack(SAID[2])])
    log = await Log.open(tmp_path)
    assert [contents(each) for each in await kept(log)] == [contents(each) for each in SAID[1:3]]
    assert "Record 2 is whole but cannot be understood" in log.aside[0].reason
    await log.close()
