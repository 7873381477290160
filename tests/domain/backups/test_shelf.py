"""The shelf keeps seven days, shares what is alike, and shows nothing that is half done."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from verger.base.errors import Busy, Missing, Refused
from verger.domain.backups.model import Contents, Counts, Part
from verger.domain.backups.shelf import Shelf

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def nothing(_more: int) -> None:
    """Go on."""


def put(shelf: Shelf, text: str, at: datetime, path: str = "verger.db") -> str:
    """Make a backup of one file."""
    source = shelf.folder.parent / "source"
    source.write_text(text)
    stored = shelf.objects().put(source, nothing)
    part = Part(path=path, kind="secret", contents=stored)
    contents = Contents(begun_at=at, last=1, position=1, parts=(part,), counts=Counts(devices=1))
    return shelf.add(contents, at, "1").id


def names(shelf: Shelf) -> set[str]:
    return {path.name for path in shelf.folder.glob("objects/*/*")}


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf")


def test_the_newest_of_each_of_seven_days_is_kept_and_all_of_the_last_day(shelf: Shelf) -> None:
    for hours in range(0, 12 * 24, 8):
        put(shelf, f"{hours // 48}", NOW - timedelta(hours=hours))
    shelf.prune(7, NOW)
    ages = [(NOW - each.taken_at) / timedelta(hours=1) for each in shelf.manifests()]
    assert ages == [0, 8, 16, 40, 64, 88, 112, 136]
    assert names(shelf) == {name for each in shelf.manifests() for name in each.objects}


def test_contents_that_are_alike_stand_once(shelf: Shelf) -> None:
    for hour in range(3):
        put(shelf, "alike", NOW + timedelta(hours=hour))
    assert len(names(shelf)) == 1
    assert [each.new > 0 for each in shelf.told()] == [False, False, True]


def test_a_damaged_manifest_is_passed_over_and_what_it_may_need_stays(shelf: Shelf) -> None:
    broken, whole = put(shelf, "one", NOW - timedelta(days=9)), put(shelf, "two", NOW)
    path = shelf.folder / f"{broken}.json"
    path.write_bytes(path.read_bytes().replace(b"devices", b"devides"))
    shelf.prune(7, NOW)
    assert [each.id for each in shelf.manifests()] == [whole]
    assert len(names(shelf)) == 2


def test_a_manifest_that_leads_out_of_the_folder_is_refused(shelf: Shelf) -> None:
    put(shelf, "one", NOW, path="../../etc/passwd")
    with pytest.raises(Refused, match="no backup holds"):
        shelf.contents(shelf.find())


def test_two_do_not_write_at_once(shelf: Shelf) -> None:
    with shelf.held(), pytest.raises(Busy, match="already"), Shelf(shelf.folder).held():
        pass


@pytest.mark.parametrize(("why", "reads"), [(errno.EROFS, True), (errno.EACCES, False)])
def test_a_folder_that_cannot_be_written_may_be_read_from_or_is_told(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, why: int, *, reads: bool
) -> None:
    put(shelf, "one", NOW)

    def cannot(*_: object) -> int:
        raise OSError(why, os.strerror(why))

    monkeypatch.setattr(os, "open", cannot)
    with pytest.raises(Refused, match="cannot be used"), shelf.held():
        pass
    if reads:
        with shelf.held(to_read=True):
            assert len(shelf.manifests()) == 1
    else:
        with pytest.raises(Refused, match="cannot be used"), shelf.held(to_read=True):
            pass


def test_two_backups_of_one_second_have_names_of_their_own(shelf: Shelf) -> None:
    assert put(shelf, "one", NOW) != put(shelf, "two", NOW)


def test_what_is_not_there_is_said(shelf: Shelf) -> None:
    with pytest.raises(Missing, match="There is no backup in"):
        shelf.find()
    put(shelf, "one", NOW)
    with pytest.raises(Missing, match="called yesterday"):
        shelf.find("yesterday")
