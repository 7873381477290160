"""The data folder."""

from pathlib import Path

import pytest

from verger.base.folder import DataFolder, Taken


def test_a_second_holder_is_refused_with_what_to_do(tmp_path: Path) -> None:
    held = DataFolder.hold(tmp_path / "data")
    with pytest.raises(Taken, match="set VERGER_DATA to another folder"):
        DataFolder.hold(tmp_path / "data")
    held.release()
    DataFolder.hold(tmp_path / "data").release()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Taken, match="set VERGER_DATA to a folder"):
        DataFolder.hold(tmp_path / "file" / "data")


def test_only_its_owner_may_look_into_it(tmp_path: Path) -> None:
    DataFolder.hold(tmp_path / "data").release()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0
