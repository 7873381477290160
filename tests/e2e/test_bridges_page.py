"""Bridges on their page: added, seen to stand, paused, changed and deleted; what is wrong stands at its field."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import Home
from tests.e2e.person import Person, signed_in
from tests.e2e.waiting import until
from tests.edges.wire.bridge.broker import Broker

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.needs("mosquitto")]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path).start()
    yield made
    made.stop()


@pytest.fixture
def house(serve: Serve, settle: Settle) -> Home:
    return settle(serve(outgoing_networks="127.0.0.0/8"))


@pytest.fixture
def owner(browser: Browser, house: Home) -> Iterator[Person]:
    with signed_in(browser, house) as person:
        yield person


def test_a_bridge_is_added_seen_paused_changed_and_deleted(owner: Person, house: Home, broker: Broker) -> None:
    press = house.add_device("Press")
    owner.opens("/settings", "Settings")
    owner.follows("Bridges")
    owner.looks_around("bridges-none")
    owner.presses("Add a bridge")
    owner.fills(Name="Plant", Broker="127.0.0.1", User="verger", Password="let us in")
    owner.page.get_by_label("Encrypted (TLS)").uncheck()
    expect(owner.page.get_by_label("Port")).to_have_value("1883")
    owner.page.get_by_label("Port").fill(str(broker.port))
    owner.presses("A topic that names the device")
    owner.looks_around("sheet-bridge")
    owner.presses("Listen there")
    expect(owner.page.get_by_text("Connected since")).to_be_visible()
    broker.says("plant/Press/telemetry", '{"load": 7}')
    broker.says("plant/Nobody/telemetry", '{"load": 8}')
    expect(owner.page.get_by_text("1 message kept")).to_be_visible()
    expect(owner.page.get_by_text("there is no one device “Nobody” here")).to_be_visible()
    until(lambda: house.latest(press)["load"]["value"] == 7)
    house.api.post("bridges", json=_down()).raise_for_status()
    expect(owner.page.get_by_text("is not public; an operator may allow it")).to_be_visible()
    owner.looks_around("bridges")

    _act(owner, "Pause", "Plant")
    expect(owner.page.get_by_text("Paused", exact=True)).to_be_visible()
    _act(owner, "Edit", "Plant")
    expect(owner.page.get_by_label("Prove who we are with")).to_have_value("kept")
    assert "let us in" not in owner.page.content()
    owner.fills(Name="Old plant")
    owner.presses("Save")
    _act(owner, "Listen again", "Old plant")
    expect(owner.page.get_by_text("Connected since")).to_be_visible()
    _act(owner, "Delete", "Old plant")
    owner.presses("Delete")
    expect(owner.page.get_by_text("Old plant")).to_have_count(0)
    assert [each["name"] for each in house.get("bridges")["items"]] == ["Inner"]


def test_devices_of_a_family_come_in_by_an_enrolment_that_the_rule_names(
    owner: Person, house: Home, broker: Broker
) -> None:
    place = house.get("places")["items"][0]["id"]
    owner.opens("/settings/bridges", "Bridges")
    owner.presses("Add a bridge")
    owner.fills(Name="Site", Broker="127.0.0.1")
    owner.page.get_by_label("Encrypted (TLS)").uncheck()
    owner.page.get_by_label("Port").fill(str(broker.port))
    owner.presses("Devices of a family")
    expect(owner.page.get_by_text("There is no enrolment for these devices yet.")).to_be_visible()
    owner.presses("Cancel")
    house.api.post("enrolments", json={"dialect": "cottage", "place": place}).raise_for_status()
    owner.presses("Add a bridge")
    owner.fills(Name="Site", Broker="127.0.0.1")
    owner.page.get_by_label("Encrypted (TLS)").uncheck()
    owner.page.get_by_label("Port").fill(str(broker.port))
    owner.presses("Devices of a family")
    expect(owner.page.get_by_label("Its messages are")).to_have_value("cottage")
    expect(owner.page.get_by_label("New devices come in at")).not_to_have_value("")
    expect(owner.page.get_by_label("All of it is from the device")).to_have_count(0)
    owner.looks_around("sheet-bridge-family")
    owner.presses("Listen there")
    expect(owner.page.get_by_text("Connected since")).to_be_visible()
    broker.says("site/sensors/data", '{"sensors":[{"sensor_id":"A_Temp","sensor_data":21.5}],"code":"nan"}')
    expect(owner.page.get_by_text("1 message to devices")).to_be_visible()
    until(lambda: [each["address"] for each in house.get("pending-devices")["items"]] == ["A_Temp"])


def test_what_is_wrong_with_a_bridge_stands_at_its_field(owner: Person) -> None:
    owner.opens("/settings/bridges", "Bridges")
    owner.presses("Add a bridge")
    owner.fills(Name="Plant", Broker="a host", Hear_these_topics="plant/#/x", Topic_of_rule_1="plant/+")
    owner.presses("Listen there")
    for label, fault in {
        "Broker": "Write the name of the broker's host",
        "Hear these topics": "Name 1 to 50 topics to hear",
        "Topic of rule 1": "Put {device} where the topic names the device",
    }.items():
        expect(owner.page.get_by_label(label, exact=True)).to_have_accessible_description(
            re.compile(f"^{re.escape(fault)}")
        )
    owner.complaints = [each for each in owner.complaints if "status of 422" not in each]
    owner.looks_around("sheet-bridge-wrong")


def _act(person: Person, button: str, bridge: str) -> None:
    card = person.page.get_by_role("listitem").filter(has=person.page.get_by_role("heading", name=bridge))
    card.get_by_role("button", name=button).click()


def _down() -> dict[str, object]:
    rules = [{"topic": "a/{device}"}]
    return {"name": "Inner", "host": "10.0.0.1", "filters": ["a/+"], "rules": rules}
