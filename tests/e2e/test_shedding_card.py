"""What is cut off when too much flows: chosen and seen on the page of a control unit."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import Home
from tests.e2e.person import Person, signed_in

pytestmark = [pytest.mark.needs("chromium")]


def bounded(house: Home, owner: Person, unit: str) -> None:
    """Set the threshold as an older program or another page does, and see the limit follow."""
    wish = {"attributes": {"desired": {"threshold": 9000}}}
    assert house.api.patch(f"devices/{unit}", json=wish).status_code == 200
    expect(owner.page.get_by_text("Above 9,000 mA the first that draws something is cut off")).to_be_visible()


def test_people_choose_what_goes_first_and_what_never_does(browser: Browser, serve: Serve, settle: Settle) -> None:
    house = settle(serve())
    made: dict[str, str] = {}
    for name, address in (("Unit", "CCU-02"), ("Heater", "FE"), ("Fridge", "FD")):
        about = {"name": name, "place": house.place, "dialect": "outlet", "address": address}
        answer = house.api.post("devices", json=about | {"gateway": made.get("Unit"), "is_gateway": name == "Unit"})
        assert answer.status_code == 201, answer.text
        made[name] = answer.json()["device"]["id"]
    with signed_in(browser, house) as owner:
        owner.opens(f"/devices/{made['Unit']}", "Unit")
        expect(owner.page.get_by_text("Nothing is cut off when more flows")).to_be_visible()
        owner.looks_around("shedding-none")
        owner.presses("Choose what goes first")
        dialog = owner.page.get_by_role("dialog")
        dialog.get_by_label("Limit in mA").fill("12000")
        for label, chosen in (
            ("Heater · A", "Turn 2"),
            ("Heater · B", "Turn 1"),
            ("Fridge · A", "Protected: never cut off"),
        ):
            dialog.get_by_label(label).select_option(label=chosen)
        owner.looks_around("shedding-sheet")
        dialog.get_by_role("button", name="Save").click()
        expect(owner.page.get_by_text("Above 12,000 mA the first that draws something is cut off")).to_be_visible()
        expect(owner.page.get_by_role("list", name="What is cut off").get_by_role("listitem")).to_have_text(
            ["1Heater · B", "2Heater · A"]
        )
        expect(owner.page.get_by_text("Never: Fridge · A")).to_be_visible()
        owner.looks_around("shedding-chosen")
        [plan] = house.get("shedding")["items"]
        assert [(each["device"], each["params"]) for each in plan["order"]] == [
            (made["Heater"], {"socket": "b"}),
            (made["Heater"], {"socket": "a"}),
        ]
        bounded(house, owner, made["Unit"])
        owner.presses("Change the order")
        expect(dialog.get_by_label("Limit in mA")).to_have_value("9000")
        dialog.get_by_role("button", name="Cut nothing off any more").click()
        expect(owner.page.get_by_text("Nothing is cut off when more flows")).to_be_visible()
        assert house.get("shedding")["items"] == []
