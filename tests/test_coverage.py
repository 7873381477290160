"""The list of what the five systems did names files and tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "coverage.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| feature")]
NAMED = sorted(set(re.findall(r"`((?:src|web|tests|docs|deploy|\.ci)/[^`]+)`", PAGE)))
SHOWN = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row.rpartition(" | ")[2])})


def is_there(name: str) -> bool:
    """Whether a file exists, and the test in it whose function, or title in the web, is named after two colons."""
    path, _, test = name.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    if not test:
        return True
    if file.suffix == ".ts":
        return f'test("{test}", ' in file.read_text("utf-8")
    return re.search(rf"^(?:async )?def {re.escape(test)}\(", file.read_text("utf-8"), re.MULTILINE) is not None


def test_every_file_and_test_that_is_named_is_there() -> None:
    assert [name for name in NAMED if not is_there(name)] == []


def test_what_shows_a_row_is_a_test_named_to_its_function() -> None:
    assert [name for name in SHOWN if not re.match(r"(?:tests|web/test)/[\w/.]+::.", name)] == []


def test_every_row_has_a_test_or_says_why_not() -> None:
    without = [row for row in ROWS if "::" not in row.rpartition(" | ")[2]]
    excused = ("**Not yet**", "firmware's own", "not part of a product")
    assert [row for row in without if not any(word in row for word in excused)] == []


def test_no_row_names_a_test_twice() -> None:
    for row in ROWS:
        shown = re.findall(r"`([^`]+)`", row.rpartition(" | ")[2])
        assert len(shown) == len(set(shown)), row


def test_what_is_not_there_would_be_seen() -> None:
    assert not is_there("src/verger/nowhere.py")
    assert not is_there("src/verger")
    assert not is_there("tests/test_coverage.py::test_nothing")
    assert not is_there("web/test/live.test.ts::nothing of the kind")
    assert is_there("tests/test_coverage.py::test_what_is_not_there_would_be_seen")
    assert is_there("web/test/live.test.ts::a late reading does not replace a newer one")
    assert len(ROWS) > 100
    assert len(SHOWN) > 150
