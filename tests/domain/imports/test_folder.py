"""What people brought to be imported stays until it is fetched or a day is over."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from verger.domain.imports.folder import ImportFolder


async def test_a_file_and_its_name_are_on_disk_before_it_is_answered_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, synced = ImportFolder(tmp_path / "imports", 1000), list[tuple[Path, list[str]]]()
    fsync = os.fsync

    def noted(file: int) -> None:
        fsync(file)
        path = Path(f"/proc/self/fd/{file}").readlink()
        synced.append((path, sorted(each.name for each in path.iterdir()) if path.is_dir() else []))

    monkeypatch.setattr(os, "fsync", noted)

    async def pieces() -> AsyncIterator[bytes]:
        yield b"time,value\n"

    upload, size = await folder.keep("tenant", pieces())
    assert size == 11
    assert [path.suffix for path, _ in synced] == [".part", ""]
    assert synced[-1] == (tmp_path / "imports", [f"tenant.{upload}"])
