"""The list of what the five systems did names files and tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "coverage.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| feature")]
NAMED = sorted(set(re.findall(r"`((?:src|web|tests|docs|deploy|\.ci)/[^`]+)`", PAGE)))


def is_there(name: str) -> bool:
    """Whether a file exists, and the test in it that is named after two colons."""
    path, _, test = name.partition("::")
    file = ROOT / path
    return file.exists() and (
        not test or re.search(rf"^(?:async )?def {test}\(", file.read_text("utf-8"), re.MULTILINE) is not None
    )


def test_every_file_and_test_that_is_named_is_there() -> None:
    assert [name for name in NAMED if not is_there(name)] == []


def test_every_row_has_a_test_or_says_why_not() -> None:
    without = [row for row in ROWS if "`tests/" not in row and "`web/test/" not in row]
    excused = ("**Not yet**", "firmware's own", "not part of a product")
    assert [row for row in without if not any(word in row for word in excused)] == []


def test_what_is_not_there_would_be_seen() -> None:
    assert not is_there("src/verger/nowhere.py")
    assert not is_there("tests/test_coverage.py::test_nothing")
    assert is_there("tests/test_coverage.py::test_what_is_not_there_would_be_seen")
    assert len(ROWS) > 100
