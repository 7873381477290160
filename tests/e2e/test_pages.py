"""Every page of a home that lives: axe, sizes, keyboard, weight."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Response, expect

from tests.e2e.home import EMAIL, Home, Thing, said
from tests.e2e.person import Person
from tests.e2e.waiting import until
from tests.people import PASSWORD

pytestmark = pytest.mark.needs("chromium")

MOST_JAVASCRIPT = 120_000
LONG = "greenhouse behind the old pump house, third row (Pflanzenschutzmittelzwischenlager)"


@pytest.fixture(scope="module", autouse=True)
def thing(shared: Home) -> Thing:
    """Return a device with an hour of history, an event, attributes, and something that was refused."""
    thing = shared.add_device("Hall sensor")
    shared.add_device("Sauna sensor")
    shared.add_device("Pump", shared.add_place("Garden", shared.place))
    now = int(datetime.now(UTC).timestamp() * 1000)
    hour = [
        {"ts": now - n * 60_000, "values": {"temperature": 20 + n % 7, "humidity": 40 + n % 5, "co2": 600 + n}}
        for n in range(1, 60)
    ]
    shared.tell(thing, hour)
    shared.tell(thing, {"temperature": 21.5, "humidity": "NaN", "co2": 640})
    shared.tell(thing, {"firmware": "1.4.2", "serial": "A-1007"}, "attributes")
    shared.tell(thing, {"kind": "treatment.basic", "id": "1", "data": {"minutes": 20}}, "events")
    said(shared.api.post("device-types", json={"key": "room-sensor", "name": f"Sensor of a {LONG}"}))
    said(shared.api.post("api-keys", json={"name": f"Key of the {LONG}", "role": "viewer"}))
    until(lambda: shared.log_page(thing) and shared.latest(thing) and shared.get(f"devices/{thing.id}/events")["items"])
    return thing


@pytest.fixture
def person(browser: Browser, shared: Home) -> Iterator[Person]:
    """Return a person with a fresh browser; at the end nothing may have gone wrong in it."""
    sitting = Person.at(browser, shared.server.address)
    yield sitting
    sitting.leaves()


@pytest.fixture
def owner(person: Person) -> Person:
    """Return that person, signed in."""
    person.opens("/sign-in", "Welcome back")
    person.signs_in(EMAIL)
    expect(person.page).to_have_url("/")
    return person


def test_the_sign_in_page_is_sound(person: Person) -> None:
    person.opens("/", "Welcome back")
    person.looks_around("sign-in")


def test_today_is_sound(owner: Person) -> None:
    expect(owner.page.get_by_text("21.5").first).to_be_visible()
    owner.looks_around("today")


def test_the_place_pages_are_sound(owner: Person, shared: Home) -> None:
    owner.opens("/places", "Places")
    expect(owner.page.get_by_text("Garden").first).to_be_visible()
    owner.looks_around("places")
    owner.opens(f"/places/{shared.place}", "Lake cottage")
    expect(owner.page.get_by_text("21.5").first).to_be_visible()
    owner.looks_around("place")


def test_the_device_page_is_sound(owner: Person, thing: Thing) -> None:
    owner.opens(f"/devices/{thing.id}", "Hall sensor")
    expect(owner.page.locator("canvas").first).to_be_visible()
    expect(owner.page.get_by_text("humidity: This is not a number.")).to_be_visible()
    expect(owner.page.get_by_text("1.4.2")).to_be_visible()
    owner.looks_around("device")


def test_the_sheets_are_sound(owner: Person, thing: Thing) -> None:
    owner.opens(f"/devices/{thing.id}", "Hall sensor")
    for button, name in {"Edit": "sheet-edit", "Remove device": "sheet-remove", "New secret": "sheet-secret"}.items():
        owner.presses(button)
        expect(owner.page.get_by_role("dialog")).to_be_visible()
        owner.looks_around(name)
        owner.page.keyboard.press("Escape")
        expect(owner.page.get_by_role("dialog")).to_have_count(0)


def test_what_has_a_long_name_stays_within_its_sheet(owner: Person, shared: Home) -> None:
    owner.opens(f"/devices/{shared.add_device(LONG).id}", LONG)
    owner.presses("Remove device")
    owner.page.set_viewport_size({"width": 360, "height": 740})
    closing = owner.page.get_by_role("button", name="Close").bounding_box()
    assert closing is not None
    assert closing["x"] + closing["width"] <= 360
    owner.looks_around("sheet-long")


def test_the_key_of_a_type_is_made_on_settings(owner: Person) -> None:
    owner.opens("/settings", "Settings")
    owner.presses(f"How devices get in: Sensor of a {LONG}")
    expect(owner.page.get_by_role("dialog")).to_be_visible()
    owner.presses("Make a new key")
    expect(owner.page.get_by_text("provisionDeviceSecret")).to_be_visible()
    owner.looks_around("sheet-type")


def test_a_type_says_after_how_long_its_devices_are_silent(owner: Person, shared: Home) -> None:
    owner.opens("/settings", "Settings")
    owner.presses(f"Change Sensor of a {LONG}")
    owner.page.get_by_label("Silent after").select_option(label="15 minutes")
    owner.page.get_by_label("When it is silent").select_option(label="No alert")
    owner.looks_around("sheet-type-silence")
    owner.presses("Save")
    expect(owner.page.get_by_text("room-sensor · silent after 15 min")).to_be_visible()
    assert shared.get("device-types/room-sensor")["silence"] == {"after_s": 900, "alert": False}
    owner.looks_around("settings-types")


def test_a_type_says_what_its_devices_may_use(owner: Person, shared: Home) -> None:
    owner.opens("/settings", "Settings")
    owner.presses(f"Change Sensor of a {LONG}")
    owner.page.get_by_label("Messages of a device").fill("10:1")
    owner.page.get_by_label("Metrics of a device").fill("few")
    owner.presses("Save")
    expect(owner.page.get_by_text("Write a whole number of 1 or more, or leave it out.").first).to_be_visible()
    owner.looks_around("sheet-type-limits")
    owner.page.get_by_label("Metrics of a device").fill("5")
    owner.presses("Save")
    expect(owner.page.get_by_text("with limits of its own")).to_be_visible()
    assert shared.get("device-types/room-sensor")["limits"] == {"messages": "10:1", "series": 5}
    owner.complaints = [each for each in owner.complaints if "status of 422" not in each]


def test_the_retention_page_tells_what_a_rule_would_take_before_it_is_kept(owner: Person, shared: Home) -> None:
    said(shared.api.post("retention", json={"keeps": "events", "place": shared.place, "days": 90}))
    owner.opens("/settings/retention", "Retention")
    owner.presses("New rule")
    expect(owner.page.get_by_role("dialog")).to_be_visible()
    owner.page.get_by_label("Metric").fill("co2")
    owner.presses("Show what would go")
    expect(owner.page.get_by_text("Nothing is as old as that yet")).to_be_visible()
    owner.looks_around("sheet-retention")
    owner.presses("Keep it so")
    expect(owner.page.get_by_role("dialog")).to_have_count(0)
    expect(owner.page.get_by_text("Readings for 1 year, summaries for ever")).to_be_visible()
    owner.looks_around("retention")


@pytest.mark.parametrize("path", ["settings", "system", "more", "nowhere"])
def test_the_other_pages_are_sound(owner: Person, path: str) -> None:
    owner.opens(f"/{path}")
    owner.looks_around(path)


def test_a_backup_is_taken_and_tried_out_from_its_page(owner: Person) -> None:
    owner.opens("/settings/backups", "Backups")
    owner.presses("Back up now")
    expect(owner.page.get_by_text("never tried").first).to_be_visible()
    owner.page.get_by_role("button", name="Try it out").first.click()
    expect(owner.page.get_by_text("never tried")).to_have_count(0)
    expect(owner.page.get_by_text(re.compile("^tried"))).to_be_visible()
    owner.looks_around("backups")


def test_who_is_signed_in_is_led_on_from_set_up(owner: Person) -> None:
    owner.opens("/setup")
    expect(owner.page).to_have_url(re.compile(r"://[^/]+/$"))


def test_a_deep_link_leads_over_the_sign_in_page_to_where_it_points(person: Person, thing: Thing) -> None:
    person.opens(f"/devices/{thing.id}", "Welcome back")
    person.signs_in(EMAIL)
    person.sees("Hall sensor")
    person.page.reload()
    person.sees("Hall sensor")


def test_a_wrong_password_is_told_and_a_right_one_still_lets_in(person: Person) -> None:
    person.opens("/sign-in", "Welcome back")
    person.signs_in(EMAIL, "no such horse here")
    expect(person.alert()).to_be_visible()
    person.signs_in(EMAIL)
    expect(person.page).to_have_url("/")


def test_one_can_sign_in_and_use_the_device_page_by_keyboard_alone(person: Person, thing: Thing) -> None:
    person.opens(f"/devices/{thing.id}", "Welcome back")
    keyboard = person.page.keyboard
    person.tabs_to("E-mail")
    keyboard.type(EMAIL)
    person.tabs_to("Password")
    keyboard.type(PASSWORD)
    keyboard.press("Enter")
    person.sees("Hall sensor")
    person.tabs_to("Edit")
    keyboard.press("Enter")
    expect(person.page.get_by_role("dialog")).to_be_visible()
    keyboard.press("Escape")
    expect(person.page.get_by_role("dialog")).to_have_count(0)
    slider = person.page.get_by_role("slider").first  # that of what was measured
    slider.focus()
    keyboard.press("Home")
    first = slider.get_attribute("aria-valuetext")
    keyboard.press("End")
    expect(slider).not_to_have_attribute("aria-valuetext", str(first))
    person.tabs_to("As a table")
    keyboard.press("Enter")
    expect(person.page.get_by_role("table").first).to_be_visible()


def test_a_value_is_shown_on_today_without_a_reload(owner: Person, shared: Home, thing: Thing) -> None:
    expect(owner.page.get_by_text("640").first).to_be_visible()
    shared.tell(thing, {"co2": 713})
    expect(owner.page.get_by_text("713").first).to_be_visible()


def test_today_needs_little_javascript(browser: Browser, owner: Person, shared: Home) -> None:
    cookies = owner.page.context.cookies()
    newcomer = Person.at(browser, shared.server.address)
    newcomer.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    newcomer.opens("/")
    expect(newcomer.page.get_by_text("21.5").first).to_be_visible()
    newcomer.page.wait_for_load_state("networkidle")
    scripts = [answer for answer in newcomer.answers if answer.request.resource_type == "script"]
    assert {answer.header_value("content-encoding") for answer in scripts if size(answer) > 2_000} == {"gzip"}
    weight = sum(map(size, scripts))
    print(f"first load of Today: {weight} bytes of JavaScript in {len(scripts)} files")  # noqa: T201
    assert 10_000 < weight < MOST_JAVASCRIPT
    foreign = [answer.url for answer in newcomer.answers if not answer.url.startswith(shared.server.address)]
    assert foreign == []
    newcomer.leaves()


def size(answer: Response) -> int:
    """Return how many bytes of a body came over the line."""
    return int(answer.request.sizes()["responseBodySize"])


def test_the_readings_of_a_device_are_saved_as_a_file(owner: Person, thing: Thing) -> None:
    owner.opens(f"/devices/{thing.id}", "Hall sensor")
    owner.presses("Download")
    owner.looks_around("download")
    owner.presses("Write the file")
    saving = owner.page.get_by_role("link", name="Save the file")
    expect(saving).to_be_visible()
    owner.looks_around("downloaded")
    with owner.page.expect_download() as downloading:
        saving.click()
    text = Path(downloading.value.path()).read_bytes().decode()
    assert text.startswith("device,device_name,place,metric,unit,time,value\r\n")
    assert text.count("Hall sensor,Lake cottage,temperature,") == 60
    assert downloading.value.suggested_filename.startswith("Hall-sensor-")
