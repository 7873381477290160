"""People on the pages: their own name and password, the members, and all devices to be searched."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.home import EMAIL, Home
from tests.e2e.person import Person, signed_in
from tests.e2e.test_organisations import organisation
from tests.e2e.waiting import until
from tests.people import PASSWORD

pytestmark = pytest.mark.needs("chromium")

FRESH = "a long new sentence"


def test_i_change_my_name_and_my_password(owner: Person, home: Home) -> None:
    owner.opens("/settings", "Settings")
    owner.looks_around("settings-people")
    owner.presses("Change name")
    dialog = owner.page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_have_value("Aino")
    dialog.get_by_label("Name").fill("Aino Aalto")
    owner.looks_around("sheet-name")
    dialog.get_by_role("button", name="Save").click()
    expect(owner.page.get_by_text("Signed in as Aino Aalto.")).to_be_visible()
    assert home.get("me")["user"]["name"] == "Aino Aalto"
    owner.presses("Change password")
    dialog.get_by_label("New password").fill(FRESH)
    dialog.get_by_label("Current password").fill("not my password")
    owner.looks_around("sheet-password")
    sends = dialog.get_by_role("button", name="Change password")
    sends.click()
    expect(dialog.get_by_text("This is not your current password.").first).to_be_visible()
    dialog.get_by_label("Current password").fill(PASSWORD)
    sends.click()
    expect(owner.page.get_by_text("Your password is changed.")).to_be_visible()
    owner.presses("Sign out")
    owner.sees("Welcome back")
    owner.signs_in("aino@example.test", FRESH)
    owner.sees("")
    assert home.api.get("me").status_code == 401  # a session from elsewhere has ended
    expected = [complaint for complaint in owner.complaints if "status of 422" in complaint]
    owner.complaints[:] = [complaint for complaint in owner.complaints if complaint not in expected]


def test_an_owner_changes_what_a_member_may_and_ends_it(browser: Browser, owner: Person, home: Home) -> None:
    email = home.join("viewer")
    owner.opens("/settings", "Settings")
    card = owner.page.get_by_role("region", name="Members")
    expect(card.get_by_role("listitem")).to_have_count(2)
    expect(card.get_by_role("button", name="Edit Aino")).to_have_count(0)
    owner.looks_around("settings-members")
    card.get_by_role("button", name="Edit Viewer").click()
    dialog = owner.page.get_by_role("dialog")
    dialog.get_by_label("Role").select_option(label="Manager: also changes places and devices")
    owner.looks_around("sheet-member")
    dialog.get_by_role("button", name="Save").click()
    expect(card.get_by_text("Manager: also changes")).to_be_visible()
    with signed_in(browser, home, email) as manager:
        manager.opens("/settings", "Settings")
        members = manager.page.get_by_role("region", name="Members")
        expect(members.get_by_role("listitem")).to_have_count(2)
        expect(members.get_by_role("button")).to_have_count(0)  # an owner may more
    card.get_by_role("button", name="Edit Viewer").click()
    dialog.get_by_role("button", name="End the membership").click()
    expect(dialog.get_by_text("the API keys that they made end")).to_be_visible()
    owner.looks_around("sheet-member-end")
    dialog.get_by_role("button", name="End it").click()
    expect(card.get_by_role("listitem")).to_have_count(1)
    assert [each["name"] for each in home.get("members")["items"]] == ["Aino"]


def test_who_belongs_to_two_organisations_goes_from_one_to_the_other(owner: Person, home: Home) -> None:
    home.add_device("Hall sensor")
    assert organisation(home.server.folder, "add", "Hill Farm", "--owner", EMAIL)[0] == 0
    owner.opens("/settings", "Settings")
    card = owner.page.get_by_role("region", name="Your organisations")
    expect(card.get_by_role("listitem")).to_have_count(2)
    owner.looks_around("settings-organisations")
    card.get_by_role("button", name="Go to Hill Farm").click()
    owner.page.wait_for_url("**/")
    owner.opens("/devices", "Devices")
    expect(owner.page.get_by_text("Hall sensor")).to_have_count(0)
    owner.opens("/settings", "Settings")
    expect(card.get_by_role("listitem").filter(has_text="You are here")).to_contain_text("Hill Farm")
    card.get_by_role("button", name="Go to Aalto").click()
    owner.page.wait_for_url("**/")
    owner.opens("/devices", "Devices")
    expect(owner.page.get_by_text("Hall sensor").first).to_be_visible()


def test_every_device_is_found(owner: Person, home: Home) -> None:
    room = home.add_place("Boiler room", home.place)
    pump, _ = home.add_device("Pump", room), home.add_device("Hall sensor")
    home.tell(pump, {"power": 40})
    until(lambda: home.latest(pump))
    owner.opens("/places", "Places")
    owner.follows("All devices")
    owner.sees("Devices")
    rows = owner.page.get_by_role("main").get_by_role("listitem").filter(has=owner.page.get_by_role("link"))
    expect(owner.page.get_by_text("2 devices")).to_be_visible()
    owner.looks_around("devices")
    owner.page.get_by_label("Search").fill("boiler pu")
    expect(owner.page.get_by_text("1 device", exact=True)).to_be_visible()
    expect(rows.filter(has_text="Lake cottage · Boiler room")).to_have_count(1)
    owner.page.get_by_text("Not heard yet", exact=True).first.click()
    expect(owner.page.get_by_text("No device is like that.")).to_be_visible()
    owner.page.get_by_label("Search").fill("")
    owner.follows("Hall sensor")
    owner.sees("Hall sensor")


def test_managers_see_what_was_done(owner: Person, home: Home) -> None:
    thing = home.add_device("Hall sensor")
    gone = home.add_device("Old sensor")
    assert home.api.delete(f"devices/{gone.id}").is_success
    owner.opens("/settings", "Settings")
    owner.follows("What was done")
    owner.sees("What was done")
    rows = owner.page.get_by_role("list", name="What was done").get_by_role("listitem")
    expect(rows).to_have_count(4)
    assert "Retire a device" in rows.first.inner_text()
    expect(rows.filter(has_text="Connect a device: Hall sensor")).to_have_count(1)
    owner.looks_around("deeds")
    owner.follows("Hall sensor")
    expect(owner.page).to_have_url(f"/devices/{thing.id}")
