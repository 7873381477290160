"""The ledger tells every deletion that it was told of whole, whatever happened in between."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from verger.base.errors import Busy, Refused
from verger.domain.deletions.ledger import Ledger
from verger.domain.deletions.model import Deletion, Erasure, Part

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


def erasure(name: str, at: datetime = NOON) -> Erasure:
    deletion = Deletion(id=name, what="device", subject=name, asked_by="user:aino", at=at, upto=7)
    return Erasure("tenant", deletion, [Part(name, [1, 2])])


def test_a_line_cut_short_takes_no_other_with_it(tmp_path: Path) -> None:
    ledger, file = Ledger(tmp_path), tmp_path / "deletions.jsonl"
    ledger.add(erasure("one"))
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:40])
    ledger.add(erasure("two"))
    assert ledger.since(NOON) == [erasure("one"), erasure("two")]


def test_only_those_since_a_time_are_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(erasure("before", NOON - timedelta(seconds=1)))
    ledger.add(erasure("then"))
    assert ledger.since(NOON) == [erasure("then")]


def test_without_a_folder_of_backups_nothing_is_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "none")
    ledger.add(erasure("one"))
    assert (ledger.since(NOON), (tmp_path / "none").exists()) == ([], False)


def test_where_a_line_cannot_be_written_it_says_so_and_what_was_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(erasure("one"))

    def cannot(_file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", cannot)
    with pytest.raises(Busy, match="Nothing was deleted"):
        ledger.add(erasure("two"))
    assert ledger.since(NOON) == [erasure("one")]


def test_it_is_completed_with_what_it_lacks_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.add(erasure("one"))
    ledger.complete([erasure("one"), erasure("two"), erasure("three")])
    ledger.complete([erasure("three")])
    assert ledger.since(NOON) == [erasure("one"), erasure("two"), erasure("three")]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "deletions.jsonl").mkdir()
    with pytest.raises(Refused, match="cannot be read"):
        Ledger(tmp_path).read()
