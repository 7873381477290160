"""The card that tells how a device connects: for each family its own lines, wide and narrow, light and dark."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve, Settle
from tests.e2e.person import signed_in

pytestmark = [pytest.mark.needs("chromium")]

ADDRESSES = {
    "cottage": ("ESP8266_12F_005_PROD_Temp", "older", "/t/ENROLMENT_KEY/"),
    "ozone": ("3C:8A:1F:A4:3E:C4", "topic", "telemetry/status/3C:8A:1F:A4:3E:C4"),
    "plant": (None, "base", "/compat/plant"),
    "outlet": ("FE", "url", "/t/ENROLMENT_KEY"),
    "farm": ("farm-1/dht-3", "topic", "farm/farm-1/room/ROOM/device/dht-3/telemetry"),
}


def test_each_family_is_told_its_own_lines(browser: Browser, serve: Serve, settle: Settle) -> None:
    house = settle(serve())
    with signed_in(browser, house) as owner:
        for dialect, (address, part, text) in ADDRESSES.items():
            about = {"name": f"A {dialect} device", "place": house.place, "dialect": dialect, "address": address}
            made = house.api.post("devices", json=about)
            assert made.status_code == 201, made.text
            owner.opens(f"/devices/{made.json()['device']['id']}", f"A {dialect} device")
            card = owner.page.get_by_role("region", name="Connect")
            expect(card.get_by_test_id(f"connect-{part}")).to_contain_text(text)
            expect(card.get_by_test_id("connect-line")).to_have_count(0)
            owner.looks_around(f"connect-{dialect}")
        # A new secret of one that signs in by it is shown once, in its own words.
        house_plant = next(each for each in house.get("devices")["items"] if each["dialect"] == "plant")
        owner.opens(f"/devices/{house_plant['id']}", "A plant device")
        owner.presses("New secret")
        owner.page.get_by_role("dialog").get_by_role("button", name="Make a new secret").click()
        expect(owner.page.get_by_test_id("connect-secret")).to_be_visible()
