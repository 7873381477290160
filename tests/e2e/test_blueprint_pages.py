"""Blueprints on the pages: picked with the first place or a new one, laid on one that is there, and shown in order."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve
from tests.e2e.home import Home
from tests.e2e.person import Person
from tests.e2e.waiting import until
from tests.people import PASSWORD

pytestmark = pytest.mark.needs("chromium")


def test_the_first_run_asks_what_you_look_after(browser: Browser, serve: Serve) -> None:
    person = Person.at(browser, serve().address)
    person.opens("/", "Welcome to Verger")
    person.fills(
        Organisation_or_household="Aalto", Your_name="Aino", Password=PASSWORD, **{"E-mail": "aino@example.test"}
    )
    person.presses("Create the account")
    person.sees("What do you look after?")
    person.page.get_by_role("radio", name=re.compile("^Mushroom farm")).check()
    expect(person.page.get_by_label("Kind")).to_have_value("farm")
    person.looks_around("setup-2-blueprint")
    person.fills(Name="Oyster farm")
    person.presses("Add this place")
    person.sees("Connect the first device")
    person.follows("Later, show me around")
    person.follows("Oyster farm")
    person.sees("Oyster farm")
    expect(person.page.get_by_text("set up as Mushroom farm")).to_be_visible()
    person.looks_around("place-empty-laid")
    person.leaves()


def test_an_empty_place_offers_to_be_set_up_and_tells_what_came_of_it(owner: Person, home: Home) -> None:
    owner.opens(f"/places/{home.place}", "Lake cottage")
    owner.looks_around("place-empty")
    owner.page.get_by_role("button", name="Set up as…").first.click()
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Set it up")).to_be_disabled()
    dialog.get_by_role("radio", name=re.compile("^Cottage")).check()
    expect(dialog.get_by_text("It brings: Freezing, Damp")).to_be_visible()
    owner.looks_around("sheet-blueprint")
    dialog.get_by_role("button", name="Set it up").click()
    expect(dialog.get_by_text("4 rules, which are watching from now on")).to_be_visible()
    expect(dialog.get_by_text("A cleaning task after each stay")).to_be_visible()
    owner.looks_around("sheet-blueprint-done")
    dialog.get_by_role("button", name="Done").click()
    expect(owner.page.get_by_text("set up as Cottage")).to_be_visible()
    assert {rule["name"] for rule in home.get("rules")["items"]} >= {"Freezing", "Damp"}
    owner.presses("Add device")
    expect(dialog.get_by_label("Type")).to_have_value("cottage")


def test_a_place_shows_first_what_its_blueprint_says(owner: Person, home: Home) -> None:
    home.api.post(f"places/{home.place}/blueprint", json={"name": "cottage"})
    thing = home.add_device("Hall sensor")
    home.tell(thing, {"battery": 80, "pressure": 1003, "humidity": 45, "temperature": 21.5, "apples": 3})
    until(lambda: len(home.latest(thing)) == 5)
    owner.opens(f"/places/{home.place}", "Lake cottage")
    rows = owner.page.get_by_role("group", name="Shown in the chart").locator("label")
    expect(rows).to_have_count(5)
    shown = [text.splitlines()[0] for text in rows.all_inner_texts()]
    assert shown == ["Temperature", "Humidity", "Battery", "Pressure", "Apples"]
    owner.looks_around("place-laid")


def test_a_new_place_is_set_up_as_it_is_added(owner: Person, home: Home) -> None:
    owner.opens("/places", "Places")
    owner.presses("Add place")
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("What you look after").select_option(label="Plants")
    expect(dialog.get_by_label("Kind")).to_have_value("garden")
    dialog.get_by_label("Name").fill("Kitchen herbs")
    owner.looks_around("sheet-place-blueprint")
    dialog.get_by_role("button", name="Add place").click()
    expect(dialog).to_have_count(0)
    until(lambda: any(rule["name"] == "Water" for rule in home.get("rules")["items"]))


def test_a_rule_leaves_a_device_alone_that_is_picked(owner: Person, home: Home) -> None:
    home.api.post(f"places/{home.place}/blueprint", json={"name": "outlet"})
    freezer, _ = home.add_device("Freezer"), home.add_device("Bench")
    cut = next(rule for rule in home.get("rules")["items"] if rule["name"] == "Cut socket A")
    owner.opens(f"/rules/{cut['id']}", "Cut socket A")
    owner.page.get_by_text("How it behaves").click()
    owner.page.get_by_role("checkbox", name="Freezer").check()
    expect(owner.page.get_by_text("but not for Freezer").first).to_be_visible()
    owner.looks_around("rule-spared")
    owner.presses("Save the rule")
    until(lambda: home.get(f"rules/{cut['id']}")["not_for"] == [freezer.id])
    owner.page.get_by_role("checkbox", name="Freezer").uncheck()
    owner.presses("Save the rule")
    until(lambda: home.get(f"rules/{cut['id']}")["not_for"] == [])
