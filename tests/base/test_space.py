"""The space of a disk, and the file that holds some of it back."""

import errno
import os
from pathlib import Path

import pytest

from verger.base.space import Reserve, Space, size_of, space_of


def test_the_space_is_that_of_the_disk(tmp_path: Path) -> None:
    space = space_of(tmp_path)
    assert 0 < space.free <= space.total
    assert 0 <= space.share < 1


def test_what_would_be_taken_counts() -> None:
    assert Space(100, 10).share == pytest.approx(0.9)
    assert Space(100, 10).without(5).share == pytest.approx(0.95)


def test_the_size_of_a_folder_is_that_of_all_its_files_but_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 20_000)
    (tmp_path / "reserve").write_bytes(b"x" * 90_000)
    assert 20_000 <= size_of(tmp_path, tmp_path / "reserve") < 90_000


def test_a_reserve_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 100_000)
    assert not reserve.held
    assert reserve.make()
    assert reserve.held
    assert reserve.path.stat().st_blocks * 512 >= 100_000
    reserve.give_back()
    assert not reserve.path.exists()


def test_a_reserve_that_finds_no_room_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "posix_fallocate", full)
    reserve = Reserve(tmp_path / "reserve", 100_000)
    assert not reserve.make()
    assert list(tmp_path.iterdir()) == []


def test_a_reserve_of_nothing_is_always_held(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 0)
    assert reserve.held
    assert reserve.make()
    assert list(tmp_path.iterdir()) == []
