"""Contents come back as they were put, or not at all."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from verger.domain.backups.model import Damaged
from verger.domain.backups.objects import Objects


def go(_more: int) -> None:
    """Go on."""


def database(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE piece (id INTEGER PRIMARY KEY, body BLOB)")
        connection.executemany("INSERT INTO piece VALUES (?, ?)", [(number, bytes(4)) for number in range(30)])
        connection.commit()
    return path


def test_whatever_bit_is_flipped_what_comes_back_is_exact_or_nothing(tmp_path: Path) -> None:
    """A few bits say how the contents were packed, and have more than one right value: those change nothing."""
    path, objects, target = database(tmp_path / "some.db"), Objects(tmp_path / "shelf", None), tmp_path / "back"
    exact, stored = path.read_bytes(), objects.put(path, go)
    (kept,) = (tmp_path / "shelf" / "objects").glob("*/*")
    whole = kept.read_bytes()
    found = 0
    for place in range(len(whole)):
        for bit in range(0, 8, 3):
            kept.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            try:
                objects.get(stored, target, go)
            except Damaged:
                found += 1
            else:
                assert target.read_bytes() == exact
            target.unlink(missing_ok=True)
    assert found > 2.9 * len(whole)


def test_what_is_cut_short_is_damaged(tmp_path: Path) -> None:
    path, objects = database(tmp_path / "some.db"), Objects(tmp_path / "shelf", None)
    stored = objects.put(path, go)
    (kept,) = (tmp_path / "shelf" / "objects").glob("*/*")
    whole = kept.read_bytes()
    for number, spoilt in enumerate((whole[:-5], whole[: len(whole) // 2], b"", whole[:40] + whole[41:])):
        kept.write_bytes(spoilt)
        with pytest.raises(Damaged):
            objects.get(stored, tmp_path / str(number), go)
