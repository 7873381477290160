"""Another system's installation on the pages: its file is chosen, tried, and moved in; what is wrong is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.home import Home
from tests.e2e.person import Person, signed_in
from tests.edges.moving import installations as old

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def owner(browser: Browser, home: Home) -> Iterator[Person]:
    with signed_in(browser, home) as person:
        yield person


def _choose(owner: Person, file: Path) -> None:
    owner.page.locator("input[type=file]").set_input_files(file)
    expect(owner.page.get_by_text(file.name)).to_be_visible()


def test_an_installation_is_tried_and_moved_in_from_its_file(owner: Person, home: Home, tmp_path: Path) -> None:
    owner.opens("/settings", "Settings")
    owner.follows("Move an installation in")
    owner.sees("Move an installation in")
    owner.looks_around("moving")
    _choose(owner, old.sqlite(tmp_path / "db.sqlite3", old.COTTAGE))
    owner.presses("Try it")
    report = owner.page.get_by_role("region", name="Move an installation in")
    expect(report.get_by_text("This is what would come of it. Nothing was kept.")).to_be_visible()
    expect(report.get_by_role("row", name="Places 3 3")).to_be_visible()
    expect(report.get_by_role("row", name="Readings 4 4")).to_be_visible()
    expect(report.get_by_text("Its value “warm” is no number.")).to_be_visible()
    owner.looks_around("moving-tried")
    assert home.get("devices")["items"] == []
    owner.presses("Move it in")
    expect(report.get_by_text("It has moved in.")).to_be_visible()
    assert len(home.get("devices")["items"]) == 2
    assert {"Lakeside", "Hilltop", "Sauna"} <= {each["name"] for each in home.get("places")["items"]}
    owner.presses("Move another in")
    _choose(owner, old.sqlite(tmp_path / "again.sqlite3", old.COTTAGE))
    owner.presses("Try it")
    expect(report.get_by_role("row", name="Places 3 0")).to_be_visible()
    expect(report.get_by_role("button", name="Move it in")).to_have_count(0)


def test_a_file_that_is_none_is_told_where_it_happens(owner: Person, tmp_path: Path) -> None:
    owner.opens("/settings/moving-in", "Move an installation in")
    file = tmp_path / "broken.sqlite3"
    file.write_bytes(b"SQLite format 3\0 and no more of it")
    _choose(owner, file)
    owner.presses("Try it")
    expect(owner.page.get_by_text("broken.sqlite3 cannot be read")).to_be_visible()
    owner.looks_around("moving-broken")
