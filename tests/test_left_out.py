"""A run says what it left out and why, and fails for it where nothing may be left out."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NEEDS = '@pytest.mark.needs("no-such-program")\n'
LONG = "@pytest.mark.long\n"


def run(folder: Path, marks: str, *arguments: str, strict: bool = False) -> tuple[int, str]:
    """Run pytest on one plain test and one with marks; return its exit status and what it said."""
    shutil.copy(ROOT / "tests" / "house" / "left_out.py", folder / "conftest.py")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  long: x\n  needs: x\n")
    test = "import pytest\n\ndef test_plain(): pass\n\n{}def test_marked(): pass\n"
    (folder / "test_it.py").write_text(test.format(marks))
    environment = {name: value for name, value in os.environ.items() if name != "NOTHING_LEFT_OUT"}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"NOTHING_LEFT_OUT": "1"} if strict else {})
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    status, said = run(tmp_path, NEEDS)
    assert status == 0
    assert "Left out: 1 of test_it.py: no-such-program is not installed." in said


def test_a_missing_program_fails_where_nothing_may_be_left_out(tmp_path: Path) -> None:
    status, said = run(tmp_path, NEEDS, strict=True)
    assert status == 1
    assert "NOTHING_LEFT_OUT is set, so this run has failed." in said


@pytest.mark.parametrize("strict", [False, True])
def test_long_tests_are_left_out_unless_asked_for(tmp_path: Path, *, strict: bool) -> None:
    status, said = run(tmp_path, LONG, strict=strict)
    assert (status, "Left out: 1 long tests (--long runs them)." in said) == (0, True)
    status, said = run(tmp_path, LONG, "--long", strict=strict)
    assert (status, "2 passed" in said) == (0, True)


def test_it_is_told_as_well_when_processes_share_the_tests(tmp_path: Path) -> None:
    status, said = run(tmp_path, f"{NEEDS}def test_first(): pass\n\n{LONG}", "-p", "xdist", "-n", "2", strict=True)
    assert status == 1
    assert "Left out: 1 long tests" in said
    assert "no-such-program is not installed." in said


def test_a_run_without_omissions_says_nothing_of_them(tmp_path: Path) -> None:
    status, said = run(tmp_path, "", strict=True)
    assert (status, "eft out" in said) == (0, False)
