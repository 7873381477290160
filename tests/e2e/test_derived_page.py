"""Calculated values on a place's page: chosen or written, refused where it is wrong, shown, changed and removed."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.home import Home, Thing
from tests.e2e.person import Person
from tests.e2e.waiting import until

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def meter(home: Home) -> Thing:
    return home.add_device("Meter")


@pytest.fixture
def sensor(home: Home, meter: Thing) -> Thing:
    """Return a sensor that measures the air, beside a meter."""
    sensor = home.add_device("Bench sensor")
    home.tell(sensor, {"temperature": 25, "humidity": 50})
    home.tell(meter, {"power": 100})
    until(lambda: len(home.latest(sensor)) == 2 and home.latest(meter))
    return sensor


def test_a_usual_calculation_is_chosen_shown_and_called_by_its_name(owner: Person, home: Home, sensor: Thing) -> None:
    owner.opens(f"/places/{home.place}", "Lake cottage")
    owner.presses("Add calculation")
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_label("Expression")).to_have_value("vpd(temperature, humidity)")
    expect(dialog.get_by_label("Key")).to_have_value("vpd")
    owner.looks_around("sheet-derived")
    dialog.get_by_role("button", name="Add calculation").click()
    expect(dialog).to_have_count(0)
    expect(owner.page.get_by_role("region", name="Calculated values")).to_contain_text("each device that measures it")
    home.tell(sensor, {"temperature": 25, "humidity": 40})
    until(lambda: "vpd" in home.latest(sensor))
    expect(owner.page.get_by_role("region", name="Now")).to_contain_text("Vapour-pressure deficit")
    owner.looks_around("place-derived")
    owner.opens(f"/devices/{sensor.id}", "Bench sensor")
    values = owner.page.get_by_role("region", name="Values")
    expect(values).to_contain_text("Vapour-pressure deficit")
    expect(values).to_contain_text("kPa")
    owner.looks_around("device-derived")


def test_the_difference_of_two_devices_is_chosen_without_writing_it(owner: Person, home: Home, sensor: Thing) -> None:
    outside = home.add_device("Outside")
    home.tell(outside, {"temperature": 5})
    until(lambda: home.latest(outside))
    owner.opens(f"/places/{home.place}", "Lake cottage")
    owner.presses("Add calculation")
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("What to calculate").select_option(label="Difference of two values")
    for part, device in (("From", "Bench sensor"), ("Less", "Outside")):
        group = dialog.get_by_role("group", name=part)
        group.get_by_role("combobox", name=part).select_option("temperature")
        group.get_by_label("Whose").select_option(label=device)
    expect(dialog.get_by_label("Where it is shown")).to_have_value(re.compile("^[0-9a-f-]{36}$"))
    dialog.get_by_role("button", name="Add calculation").click()
    expect(dialog).to_have_count(0)
    here = owner.page.get_by_role("region", name="Calculated values")
    expect(here).to_contain_text('difference(of("Bench sensor", "temperature"), of("Outside", "temperature"))')
    home.tell(outside, {"temperature": 4})
    home.tell(sensor, {"temperature": 25})
    expect(here).to_contain_text("21")


def test_an_expression_is_refused_at_its_field_kept_changed_and_removed(
    owner: Person, home: Home, sensor: Thing, meter: Thing
) -> None:
    owner.opens(f"/places/{home.place}", "Lake cottage")
    owner.presses("Add calculation")
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("What to calculate").select_option(label="Sum of all devices")
    dialog.get_by_role("combobox", name="Of which value").select_option("power")
    expect(dialog.get_by_label("Expression")).to_have_value("sum(power)")
    dialog.get_by_label("Expression").fill("sum(power")
    dialog.get_by_label("Key").fill("total")
    dialog.get_by_label("Name").fill("All power")
    dialog.get_by_role("button", name="Add calculation").click()
    expect(dialog.get_by_text("This cannot be read")).to_have_count(2)
    dialog.get_by_text("What an expression may say").click()
    owner.looks_around("sheet-derived-wrong")
    dialog.get_by_label("Expression").fill("sum(power) * 2")
    expect(dialog.get_by_label("What to calculate")).to_have_value("own")
    dialog.get_by_label("Where it is shown").select_option(label="Meter")
    dialog.get_by_label("Unit", exact=True).select_option("W")
    dialog.get_by_role("button", name="Add calculation").click()
    expect(dialog).to_have_count(0)
    here = owner.page.get_by_role("region", name="Calculated values")
    expect(here).to_contain_text("shown at Meter")
    home.tell(meter, {"power": 100})
    home.tell(sensor, {"power": 50})
    expect(here).to_contain_text("300")
    owner.page.get_by_role("button", name=re.compile("^Edit.*All power")).click()
    dialog.get_by_label("Expression").fill("sum(power)")
    owner.presses("Save")
    expect(dialog).to_have_count(0)
    expect(here.get_by_text("sum(power)", exact=True)).to_be_visible()
    owner.page.get_by_role("button", name=re.compile("^Delete.*All power")).click()
    owner.presses("Calculate no longer")
    expect(here).to_contain_text("Nothing is calculated here yet")
    assert home.get("derived")["items"] == []
    owner.complaints = [each for each in owner.complaints if "status of 422" not in each]
