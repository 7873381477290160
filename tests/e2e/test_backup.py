"""Backups are taken by the command while devices speak, and what they hold comes back, reading by reading."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.home import Home
from tests.e2e.load import Load, load_of
from tests.e2e.serving import environment
from tests.e2e.waiting import until


def verger(folder: Path, *words: str, status: int = 0, **settings: object) -> str:
    """Run a command on a data folder; return what it said."""
    command = [sys.executable, "-m", "verger", *words]
    surroundings = environment(folder, **settings)
    ended = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == status, ended.stderr
    return ended.stdout if status == 0 else ended.stderr


def kept_by(load: Load) -> list[set[int]]:
    return [set(sender.kept) for sender in load.senders]


def judge(load: Load, home: Home, before: list[set[int]]) -> None:
    """Hold that all that was acknowledged before a moment is there exactly once, and nothing that was never sent."""
    later = [sender.kept for sender in load.senders]
    for sender, kept in zip(load.senders, before, strict=True):
        sender.kept = kept
    load.judge(home)
    for sender, kept in zip(load.senders, later, strict=True):
        sender.kept = kept


def test_a_backup_under_load_holds_every_reading_that_was_acknowledged_before_it(home: Home) -> None:
    data, shelf = home.server.folder, home.server.folder.with_name("shelf")
    load = load_of(home, devices=4)
    with load.running(home.server.mqtt):
        until(lambda: load.kept > 1_000)
        before = kept_by(load)
        said = verger(data, "backup", "--folder", str(shelf))
        goal = load.kept + 500
        until(lambda: load.kept > goal)
    assert "not sealed" in said
    assert "All is well" in verger(data, "verify")
    home.server.stop()
    assert "It was restored on trial" in verger(data, "verify", "newest", "--folder", str(shelf))
    restored = data.with_name("restored")
    assert "is as it was at" in verger(restored, "restore", "--folder", str(shelf))
    home.server.folder = restored
    home.server.start()
    home.sign_in()
    judge(load, home, before)
    with load.running(home.server.mqtt):
        goal = load.kept + 500
        until(lambda: load.kept > goal)


@pytest.fixture
def quiet(home: Home) -> Home:
    """Return a home whose server has stopped."""
    home.add_device("Sensor")
    home.server.stop()
    return home


def test_without_a_process_the_commands_work_on_the_folder(quiet: Home) -> None:
    data = quiet.server.folder
    assert "not sealed" in verger(data, "backup")
    assert "All is well" in verger(data, "verify")
    said = verger(data, "restore", status=2)
    assert "is in use" in said
    said = verger(data, "restore", "--replace")
    assert "replaced-" in said
    quiet.server.start()
    quiet.sign_in()
    assert len(quiet.get("devices")["items"]) == 1


def test_what_is_wrong_with_a_folder_is_told_in_sentences(home: Home) -> None:
    thing = home.add_device()
    for number in range(20):
        home.tell(thing, {"t": number})
    home.server.kill()
    data = home.server.folder
    segment = max((data / "log").glob("*.log"))
    with segment.open("r+b") as file:
        file.seek(segment.stat().st_size // 2)
        file.write(b"\xff" * 8)
    command = [sys.executable, "-m", "verger", "verify"]
    done = subprocess.run(command, env=environment(data), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "are damaged; the records behind them are used." in done.stdout
    said = (done.stdout + done.stderr).splitlines()
    assert all(line[0] != "{" and line.endswith(".") for line in said), said


@pytest.mark.parametrize("words", [("restore",), ("verify", "newest")])
def test_without_any_backup_nothing_is_made(tmp_path: Path, words: tuple[str, ...]) -> None:
    said = verger(tmp_path / "data", *words, "--folder", str(tmp_path / "shelf"), status=2)
    assert said == f"There is no backup in {tmp_path / 'shelf'}.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_a_killed_backup_leaves_nothing_that_looks_whole(home: Home) -> None:
    data, shelf = home.server.folder, home.server.folder.with_name("shelf")
    load = load_of(home, devices=2)
    with load.running(home.server.mqtt):
        until(lambda: load.kept > 500)
        command = [sys.executable, "-m", "verger", "backup", "--folder", str(shelf)]
        with subprocess.Popen(command, env=environment(data), stderr=subprocess.PIPE) as started:
            until((shelf / "incoming").exists)
            home.server.kill()
            assert started.wait(timeout=30) == 2
    home.server.start()
    before = kept_by(load)
    verger(data, "backup", "--folder", str(shelf))
    assert not list((shelf / "incoming").glob("*"))
    home.server.stop()
    restored = data.with_name("restored")
    verger(restored, "restore", "--folder", str(shelf))
    home.server.folder = restored
    home.server.start()
    home.sign_in()
    judge(load, home, before)
