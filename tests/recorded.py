"""Recorded answers: what the API says, kept in tests/contract for the web to read, compared in every run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONTRACT = Path(__file__).parent / "contract"

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_TOKEN = re.compile(r"\b(v[a-z])_[A-Za-z0-9_-]{43}")

Record = Callable[[str, Any], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer --record."""
    parser.addoption("--record", action="store_true", help="write the recorded answers anew instead of comparing them")


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    """Return `record("me.json", answer)`, which fails when the answer is not as recorded; --record writes it."""

    def compare(name: str, answer: Any) -> None:
        path, heard = CONTRACT / name, steady(answer)
        if request.config.getoption("--record"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(heard, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        assert path.exists(), f"{path} is not recorded; run the test with --record."
        assert heard == json.loads(path.read_text(encoding="utf-8")), "The answer changed; --record writes it anew."

    return compare


def steady(answer: Any) -> Any:
    """Return an answer with ids and tokens replaced by ones that are the same in every run."""
    seen: dict[str, str] = {}

    def same_id(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f"00000000-0000-7000-8000-{len(seen) + 1:012d}")

    def walk(node: Any, name: str = "") -> Any:
        match node:
            case dict():
                return {key: walk(value, key) for key, value in node.items()}
            case list():
                return [walk(each) for each in node]
            case str() if name == "next":
                return "cursor"
            case str():
                return _TOKEN.sub(r"\1_shown-once", _ID.sub(same_id, node))
        return node

    return walk(answer)
