"""The web pages are built when something in web/ changed, and only then."""

from pathlib import Path

import pytest

import build_web


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a tree with a small web/."""
    (tmp_path / "web" / "src").mkdir(parents=True)
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    (tmp_path / "web" / "src" / "main.ts").write_text("let a = 1;")
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what npm is asked for; it does no more than make the folders that it would."""
    words: list[str] = []

    def npm(web: Path, *arguments: str) -> None:
        words.append(arguments[0])
        made = web / "node_modules" if arguments[0] == "ci" else web.parent / build_web.STATIC
        made.mkdir(parents=True, exist_ok=True)

    monkeypatch.setattr(build_web, "npm", npm)
    return words


def test_the_first_time_all_is_installed_and_built(root: Path, asked: list[str]) -> None:
    assert build_web.build(root) == "The web pages were built."
    assert asked == ["ci", "run"]


def test_what_did_not_change_is_not_built_again(root: Path, asked: list[str]) -> None:
    build_web.build(root)
    (root / "web" / "test").mkdir()
    (root / "web" / "test" / "main.test.ts").write_text("a test is not built")
    assert build_web.build(root) == "The web pages are up to date."
    assert asked == ["ci", "run"]


def test_a_changed_source_is_built_without_installing(root: Path, asked: list[str]) -> None:
    build_web.build(root)
    (root / "web" / "src" / "main.ts").write_text("let a = 2;")
    assert build_web.build(root) == "The web pages were built."
    assert asked == ["ci", "run", "run"]


def test_a_renamed_source_is_built(root: Path, asked: list[str]) -> None:
    build_web.build(root)
    (root / "web" / "src" / "main.ts").rename(root / "web" / "src" / "other.ts")
    build_web.build(root)
    assert asked == ["ci", "run", "run"]


def test_a_changed_lock_is_installed(root: Path, asked: list[str]) -> None:
    build_web.build(root)
    (root / "web" / "package-lock.json").write_text('{"packages": {}}')
    build_web.build(root)
    assert asked == ["ci", "run", "ci", "run"]


def test_without_web_it_says_what_that_means(tmp_path: Path, asked: list[str]) -> None:
    assert "serves its API alone" in build_web.build(tmp_path)
    assert asked == []
