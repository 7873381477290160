"""A restore changes nothing until all is made, moves what was there aside, and on the next start nothing acts again."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from verger.base.clock import HeldClock, moment
from verger.base.db import Database
from verger.base.errors import Refused
from verger.base.jobs import ask
from verger.domain.backups import mark
from verger.domain.backups.mark import Mark
from verger.domain.backups.model import Contents, Counts, Part
from verger.domain.backups.objects import Objects
from verger.domain.backups.shelf import Shelf
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore
from verger.flows.restoring import Restoring, check_whole
from verger.flows.returning import Acting, Returning, Timers

AT = datetime(2026, 11, 25, tzinfo=UTC)


def nothing(_more: int) -> None:
    """Go on."""


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Return a shelf with a backup of two files."""
    shelf = Shelf(tmp_path / "shelf")
    objects = Objects(shelf.folder, None)
    parts = []
    for name in ("secret.key", "log/00000000000000000001-0000-00000000.log"):
        source = tmp_path / "source"
        source.write_text(name)
        parts.append(Part(path=name, kind="secret", contents=objects.put(source, nothing)))
    contents = Contents(begun_at=AT, last=1, position=0, parts=tuple(parts), counts=Counts())
    shelf.add(contents, AT, "1")
    return shelf


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder in use."""
    data = tmp_path / "data"
    (data / "log").mkdir(parents=True)
    (data / "log" / "old.log").write_text("old")
    (data / "secret.key").write_text("old")
    return data


def test_a_folder_in_use_is_refused_and_left_as_it_is(data: Path, shelf: Shelf, clock: HeldClock) -> None:
    with pytest.raises(Refused, match="--replace"):
        Restoring(data, shelf, clock).restore(None, replace=False)
    assert (data / "secret.key").read_text() == "old"


def test_what_was_there_is_moved_aside_whole(data: Path, shelf: Shelf, clock: HeldClock) -> None:
    found = Restoring(data, shelf, clock).restore(None, replace=True)
    assert (data / "secret.key").read_text() == "secret.key"
    aside = Path(found.replaced or "")
    assert sorted(path.name for path in aside.iterdir()) == ["log", "secret.key"]
    assert (aside / "log" / "old.log").read_text() == "old"
    assert [path.name for path in (data / "log").iterdir()] == ["00000000000000000001-0000-00000000.log"]
    assert mark.read(data) == found


def test_a_damaged_backup_changes_nothing(data: Path, shelf: Shelf, clock: HeldClock) -> None:
    next(iter(shelf.folder.glob("objects/*/*"))).write_bytes(b"spoilt")
    with pytest.raises(Refused, match="nothing was changed"):
        Restoring(data, shelf, clock).restore(None, replace=True)
    assert (data / "secret.key").read_text() == "old"
    check_whole(data)


@pytest.mark.parametrize("cut", range(1, 7))
def test_cut_short_at_any_move_the_same_command_finishes_it(
    data: Path, shelf: Shelf, clock: HeldClock, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    rename, moves = Path.rename, 0

    def failing(path: Path, target: Path) -> Path:
        nonlocal moves
        if data in Path(target).parents and path.name not in {"plan.json.new", "restored.json.new"}:
            moves += 1
            if moves == cut:
                raise OSError("The power failed.")
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing)
        if cut <= 5:
            with pytest.raises(OSError, match="power"):
                Restoring(data, shelf, clock).restore(None, replace=True)
            with pytest.raises(Refused, match="cut short"):
                check_whole(data)
    found = Restoring(data, shelf, clock).restore(None, replace=True)
    check_whole(data)
    assert (data / "secret.key").read_text() == "secret.key"
    assert (Path(found.replaced or "") / "secret.key").read_text() == "old"


@dataclass
class Listener:
    """A part that counts how often it was told."""

    told: list[int] = field(default_factory=list)

    async def returned(self, _mark: Mark, last: int) -> list[str]:
        self.told.append(last)
        return ["It was told."]


async def test_the_first_start_tells_every_part_once(tmp_path: Path, db: Database, clock: HeldClock) -> None:
    log = await Log.open(tmp_path / "log")
    log.begin_after(41)
    letters, part = FollowerStore(db), Listener()
    await letters.save({"rules": 7})
    async with db.writing() as connection:
        await ask(connection, "escalate", "alert 1", clock.now())
    parts = (Acting(letters, ["rules"]), Timers(db), part)
    returning = Returning(tmp_path, log, clock, parts)
    await returning.honour()
    assert part.told == []
    mark.write(tmp_path, Mark(backup="b", begun_at=AT, taken_at=AT, restored_at=AT))
    await returning.honour()
    await returning.honour()
    assert part.told == [41]
    assert await letters.positions() == {"rules": 41}
    found = mark.read(tmp_path)
    assert found is not None
    assert found.honoured_at == moment(clock.now())
    assert "rules" in found.said[0]
    assert "escalate (alert 1)" in found.said[1]
    await log.close()
