"""Readings brought in and taken out on the page of a place: guessed, tried, kept, called off."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FilePayload, Locator, expect

from tests.e2e.home import Home, Thing
from tests.e2e.person import Person, signed_in

pytestmark = pytest.mark.needs("chromium")

# as a spreadsheet in Finland writes it; the third reading of temperature is none
SPREADSHEET = "Aika;Temp. °C;humidity\n2026-01-01 00:00;1.021,5;40\n2026-01-01 00:10;21,5;\n2026-01-01 00:20;warm;41\n"
BEGIN = datetime(2025, 12, 31, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def cellar(shared: Home) -> str:
    return shared.add_place("Cellar", shared.place)


@pytest.fixture(scope="module")
def probe(shared: Home, cellar: str) -> Thing:
    return shared.add_device("Probe", cellar)


@pytest.fixture
def owner(browser: Browser, shared: Home) -> Iterator[Person]:
    with signed_in(browser, shared) as person:
        yield person


def test_a_spreadsheet_is_understood_tried_and_kept(owner: Person, shared: Home, cellar: str, probe: Thing) -> None:
    owner.opens(f"/places/{cellar}", "Cellar")
    owner.presses("Import")
    owner.looks_around("sheet-import")
    _choose(owner, SPREADSHEET)
    assert {name: _picked(owner, name) for name in ("Columns are parted by", "Decimal sign", "Time stands in")} == {
        "Columns are parted by": "Semicolon",
        "Decimal sign": "Comma",
        "Time stands in": "Aika (2026-01-01 00:00)",
    }
    assert _picked(owner, "Time zone") == "Europe/Helsinki", "the zone of the place"
    assert _picked(owner, "Whose readings are they?") == "Probe", "no column says it, so it is the place's first"
    owner.page.get_by_label("Temp. °C").fill("temperature")
    owner.looks_around("sheet-import-reading")
    owner.presses("Try it")
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_text("readings would be kept")).to_be_visible()
    expect(dialog.get_by_text("2 series, 2 new")).to_be_visible()
    expect(_fault(dialog)).to_have_text("Line 4“warm” is no number.")
    assert shared.readings(probe, BEGIN) == [], "a trial keeps nothing"
    owner.looks_around("sheet-import-tried")
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog.get_by_text("readings were kept")).to_be_visible()
    assert shared.readings(probe, BEGIN)[0] == ("humidity", BEGIN, 40.0)
    assert ("temperature", BEGIN, 1021.5) in shared.readings(probe, BEGIN)
    owner.presses("Done")

    owner.presses("Import")
    _choose(owner, SPREADSHEET)
    owner.page.get_by_label("Temp. °C").fill("temperature")
    owner.presses("Try it")
    expect(dialog.get_by_text("2 series, 0 new")).to_be_visible()
    expect(dialog.get_by_role("button", name="Import", exact=True)).to_have_count(0)


@pytest.mark.usefixtures("probe")
def test_a_file_on_its_way_is_called_off(owner: Person, cellar: str) -> None:
    owner.opens(f"/places/{cellar}", "Cellar")
    owner.page.route("**/api/v1/uploads", lambda _: None)  # as slow as can be
    owner.presses("Import")
    _choose(owner, SPREADSHEET)
    owner.presses("Try it")
    expect(owner.page.get_by_role("progressbar", name="Bringing the file")).to_be_visible()
    owner.looks_around("sheet-import-bringing")
    owner.presses("Cancel it")
    expect(owner.page.get_by_role("button", name="Try it")).to_be_visible()
    expect(owner.alert()).to_have_count(0)


@pytest.mark.usefixtures("probe")
def test_a_file_without_a_metric_is_not_begun_with(owner: Person) -> None:
    owner.opens("/settings", "Settings")
    owner.presses("Import")
    _choose(owner, "time,device,t\n2026-01-01T00:00:00Z,Probe,1\n")
    assert _picked(owner, "Whose readings are they?") == "A column says it"
    owner.page.get_by_label("t (1)").fill("")
    owner.presses("Try it")
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_have_text("!Name a metric for at least one column.")


def test_all_that_was_measured_at_a_place_is_saved_as_a_file(owner: Person, shared: Home, probe: Thing) -> None:
    shared.tell(probe, {"load": 7})
    owner.opens(f"/places/{shared.place}", "Lake cottage")
    owner.presses("Download")
    owner.presses("Write the file")
    saving = owner.page.get_by_role("link", name="Save the file")
    expect(saving).to_be_visible()
    with owner.page.expect_download() as downloading:
        saving.click()
    assert "Probe,Cellar,load," in Path(downloading.value.path()).read_bytes().decode()


def _choose(person: Person, text: str) -> None:
    file = FilePayload(name="old.csv", mimeType="text/csv", buffer=text.encode())
    person.page.get_by_role("dialog").locator("input[type=file]").set_input_files(file)
    expect(person.page.get_by_text("old.csv")).to_be_visible()


def _picked(person: Person, label: str) -> str:
    return str(person.page.get_by_label(label, exact=True).evaluate("one => one.selectedOptions[0].text"))


def _fault(dialog: Locator) -> Locator:
    return dialog.get_by_role("list", name="What is wrong with lines").get_by_role("listitem")
