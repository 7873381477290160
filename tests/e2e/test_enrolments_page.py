"""Enrolments and devices that wait, on their pages: made, copied, met, adopted, dismissed, closed and ended."""

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import Home
from tests.e2e.person import Person, signed_in
from tests.e2e.waiting import PATIENCE_S, until

pytestmark = [pytest.mark.needs("chromium")]


@pytest.fixture
def house(serve: Serve, settle: Settle) -> Home:
    return settle(serve())


@pytest.fixture
def owner(browser: Browser, house: Home) -> Iterator[Person]:
    with signed_in(browser, house) as person:
        yield person


def said(url: str, sensor: str, value: float) -> httpx.Response:
    """Let a sensor speak that knows nothing but an address."""
    body = {"sensors": [{"sensor_id": sensor, "sensor_data": value}], "code": f"{sensor[0] * 8}"}
    return httpx.post(f"{url}/sensors/create_sensor/", json=body, timeout=PATIENCE_S)


def act(person: Person, button: str, device: str) -> None:
    """Press a button on the card of a device that waits, or of an enrolment."""
    card = person.page.get_by_role("listitem").filter(has=person.page.get_by_role("heading", name=device))
    card.get_by_role("button", name=button).click()


def test_a_stranger_is_let_in_met_and_adopted(owner: Person, house: Home) -> None:
    owner.opens("/settings", "Settings")
    owner.follows("Enrolments")
    owner.looks_around("enrolments-none")
    owner.presses("Make an enrolment")
    owner.looks_around("sheet-enrolment")
    owner.presses("Make it")
    shown = owner.page.get_by_text(re.compile(r"^http://.*/t/ve_"))
    expect(shown).to_be_visible()
    url = str(shown.text_content())
    owner.looks_around("sheet-enrolment-made")
    owner.presses("Done")
    expect(owner.page.get_by_text("0 of 20 came")).to_be_visible()
    assert said(url, "a1_Temp", 21.5).status_code == 200
    assert said(url, "a1_Hum", 40).status_code == 200
    assert said(url, "b2_Temp", 5).status_code == 200
    owner.opens("/pending", "Devices that wait")
    expect(owner.page.get_by_text("temperature 21.5 · humidity 40")).to_be_visible()
    owner.looks_around("pending")
    act(owner, "Dismiss", "b2_Temp")
    owner.page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(owner.page.get_by_role("heading", name="b2_Temp")).to_have_count(0)
    act(owner, "Adopt", "a1_Temp")
    owner.fills(Name="Hall")
    owner.looks_around("sheet-adopt")
    owner.page.get_by_role("dialog").get_by_role("button", name="Adopt").click()
    expect(owner.page.get_by_text("Nobody waits")).to_be_visible()
    [device] = house.get("devices")["items"]
    until(lambda: house.get(f"devices/{device['id']}/latest")["temperature"]["value"] == 21.5)
    owner.opens("/settings/enrolments", "Enrolments")
    act(owner, "Close to new devices", "CottagePilot sensors")
    expect(owner.page.get_by_text("Closed to new devices")).to_be_visible()
    owner.looks_around("enrolments")
    assert said(url, "c3_Temp", 1).status_code == 401
    assert said(url, "a1_Temp", 22).status_code == 200
    act(owner, "End it", "CottagePilot sensors")
    owner.page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(owner.page.get_by_text("No enrolments yet")).to_be_visible()
    assert said(url, "a1_Temp", 23).status_code == 401


def test_what_a_stranger_was_acknowledged_survives_a_crash(house: Home) -> None:
    made = house.api.post("enrolments", json={"dialect": "cottage", "place": house.place}).json()
    for value in range(20):
        assert said(f"{house.server.address}{made['url']}", "a1_Temp", value).status_code == 200
    house.server.kill()
    house.server.start()
    [pending] = house.get("pending-devices")["items"]
    assert pending["readings"] == 20
    adopted = house.api.post(f"pending-devices/{pending['id']}/adopt", json={"name": "Hall"})
    assert adopted.status_code == 201
    device = adopted.json()["device"]["id"]
    until(lambda: len(house.get(f"devices/{device}/readings")["items"]) == 20)
    assert said(f"{house.server.address}{made['url']}", "a1_Temp", 99).status_code == 200
    until(lambda: house.get(f"devices/{device}/latest")["temperature"]["value"] == 99)
