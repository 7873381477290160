"""What people do on the pages: switch a device, and see what it proved; write a task, and tick it off."""

import httpx
import pytest
from playwright.sync_api import expect

from tests.e2e.home import Home, Thing
from tests.e2e.person import Person
from tests.e2e.waiting import PATIENCE_S

pytestmark = pytest.mark.needs("chromium")


def test_a_switch_stands_as_the_device_proves_and_a_task_is_ticked_off(owner: Person, home: Home) -> None:
    lamp = _lamp(home)
    home.tell(lamp, {"lamp": False, "load": 1}, "attributes")
    owner.opens(f"/devices/{lamp.id}", "Lamp")
    switch = owner.page.get_by_role("switch", name="Set lamp")
    expect(switch).not_to_be_checked()
    switch.click()
    expect(owner.page.get_by_text("Asked; waiting for the device to listen").first).to_be_visible()
    expect(switch).not_to_be_checked()
    asked = httpx.get(
        f"{home.server.address}/api/v1/{lamp.token}/rpc", params={"timeout": 5000}, timeout=PATIENCE_S
    ).json()
    assert asked["params"] == {"on": True}
    home.tell(lamp, {"lamp": True}, "attributes")
    expect(owner.page.get_by_text("Confirmed by the device").first).to_be_visible()
    expect(switch).to_be_checked()
    owner.looks_around("controls")

    owner.opens("/tasks", "Tasks")
    owner.presses("Add task")
    owner.fills(**{"What is to be done?": "Order filters"})
    owner.looks_around("sheet-task")
    owner.presses("Add it")
    owner.page.get_by_role("checkbox", name="Done: Order filters").check()
    expect(owner.page.get_by_text("Nothing to do", exact=True)).to_be_visible()
    assert home.get("tasks")["items"][0]["state"] == "done"


def _lamp(home: Home) -> Thing:
    """Connect a lamp whose type says that it can be switched, and what shows it."""
    able = [{"method": "setLamp", "params": {"on": {"type": "boolean"}}, "shows": {"lamp": "{on}"}}]
    home.api.post("device-types", json={"key": "lamp", "name": "Lamp", "capabilities": able}).raise_for_status()
    made = home.api.post("devices", json={"name": "Lamp", "place": home.place, "type": "lamp"}).raise_for_status()
    return Thing(made.json()["device"]["id"], made.json()["credentials"]["access_token"])
