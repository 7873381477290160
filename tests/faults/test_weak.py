"""The weak machine is as weak as it is told to be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.weak import Weakness

pytestmark = pytest.mark.needs("cc")

SYNC = """
import os, sys
with open(sys.argv[1], "w") as file:
    try:
        os.fdatasync(file.fileno())
    except OSError as error:
        print(error.errno)
    else:
        print("synced")
"""


def run(weakness: Weakness, program: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=os.environ | weakness.surroundings, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def test_syncs_fail_as_often_as_told_and_only_where_told(weakness: Weakness, tmp_path: Path) -> None:
    weakness.fail_syncs("weak-one", 1)
    assert run(weakness, SYNC, str(tmp_path / "strong")) == "synced"
    assert run(weakness, SYNC, str(tmp_path / "weak-one")) == "5"
    assert run(weakness, SYNC, str(tmp_path / "weak-one")) == "synced"
    assert weakness.failed == 1


def test_the_clock_is_wrong_by_what_was_told(weakness: Weakness) -> None:
    now = int(run(weakness, "import time; print(int(time.time()))"))
    weakness.move_clock(-86_400)
    assert int(run(weakness, "import time; print(int(time.time()))")) - now in range(-86_401, -86_370)
