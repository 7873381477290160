"""Controls on the pages, with devices that hear and answer over MQTT: confirmed, unanswered, and several at once."""

import json
import re
from queue import Queue
from threading import Event
from typing import Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Route, expect

from tests.e2e.home import Home, Thing, said
from tests.e2e.person import Person
from tests.e2e.waiting import PATIENCE_S

pytestmark = pytest.mark.needs("chromium")
ASKED = "v1/devices/me/rpc/request/"


class Lamp:
    """A lamp that listens over MQTT, and does what it is told when the test lets it."""

    def __init__(self, home: Home, thing: Thing) -> None:
        self.told: Queue[tuple[str, dict[str, bool]]] = Queue()
        self.client = Client(CallbackAPIVersion.VERSION2, thing.id)
        self.client.username_pw_set(thing.token, "")
        came, listens = Event(), Event()
        self.client.on_connect = lambda *_: came.set()
        self.client.on_subscribe = lambda *_: listens.set()
        self.client.on_message = self._hear
        self.client.connect("127.0.0.1", home.server.mqtt)
        self.client.loop_start()
        assert came.wait(PATIENCE_S)
        self.client.subscribe(f"{ASKED}+", 1)
        assert listens.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _hear(self, _client: Client, _: object, message: MQTTMessage) -> None:
        self.told.put((message.topic.removeprefix(ASKED), json.loads(message.payload)["params"]))

    def does_it(self, number: str, params: dict[str, bool]) -> None:
        """Answer a command, and report what proves it."""
        self.client.publish(f"v1/devices/me/rpc/response/{number}", json.dumps({"success": True}), 1)
        self.client.publish("v1/devices/me/attributes", json.dumps({"lamp": params["on"]}), 1)


def lamps(home: Home, *names: str) -> list[Thing]:
    """Connect lamps whose type says that they can be switched, and what shows it."""
    able = [
        {"method": "setLamp", "params": {"on": {"type": "boolean"}}, "shows": {"lamp": "{on}"}, "off": {"on": False}}
    ]
    said(home.api.post("device-types", json={"key": "lamp", "name": "Lamp", "capabilities": able}))
    made = [said(home.api.post("devices", json={"name": name, "place": home.place, "type": "lamp"})) for name in names]
    return [Thing(one["device"]["id"], one["credentials"]["access_token"]) for one in made]


def soon(route: Route) -> None:
    """Let a command hold for a second instead of a minute."""
    body = route.request.post_data_json or {}
    route.continue_(post_data=json.dumps(body | {"ttl_s": 1}))


def test_a_switch_is_flipped_and_the_lamp_says_so_over_mqtt(owner: Person, home: Home) -> None:
    [thing] = lamps(home, "Lamp")
    home.tell(thing, {"lamp": False}, "attributes")
    owner.opens(f"/devices/{thing.id}", "Lamp")
    with Lamp(home, thing) as lamp:
        switch = owner.page.get_by_role("switch", name="Set lamp")
        expect(switch).not_to_be_checked()
        switch.click()
        number, params = lamp.told.get(timeout=PATIENCE_S)
        assert params == {"on": True}
        expect(owner.page.get_by_text("The device has it; waiting for its answer").first).to_be_visible()
        expect(switch).not_to_be_checked()
        expect(switch).to_have_attribute("aria-busy", "true")
        owner.looks_around("switch-waiting")
        lamp.does_it(number, params)
        expect(owner.page.get_by_text("Confirmed by the device").first).to_be_visible()
        expect(switch).to_be_checked()
        expect(owner.page.get_by_text("On, as the device says")).to_be_visible()
    owner.looks_around("switch-confirmed")


def test_a_switch_whose_lamp_is_away_says_that_there_was_no_answer_and_stays(owner: Person, home: Home) -> None:
    [thing] = lamps(home, "Lamp")
    home.tell(thing, {"lamp": False}, "attributes")
    owner.opens(f"/devices/{thing.id}", "Lamp")
    owner.page.route(
        re.compile(r"/devices/[^/]+/commands$"),
        lambda route: soon(route) if route.request.method == "POST" else route.continue_(),
    )
    switch = owner.page.get_by_role("switch", name="Set lamp")
    switch.click()
    expect(owner.page.get_by_text("Asked; waiting for the device to listen").first).to_be_visible()
    expect(owner.page.get_by_text("No answer").first).to_be_visible()
    expect(switch).not_to_be_checked()
    expect(owner.page.get_by_role("button", name="Ask again")).to_be_visible()
    owner.looks_around("switch-unanswered")


def test_several_lamps_are_picked_and_asked_at_once(owner: Person, home: Home) -> None:
    hall, porch, shed = lamps(home, "Hall lamp", "Porch lamp", "Shed lamp")
    for thing in (hall, porch, shed):
        home.tell(thing, {"lamp": False}, "attributes")
    owner.opens(f"/places/{home.place}", "Lake cottage")
    with Lamp(home, hall) as lamp, Lamp(home, shed) as unasked:
        owner.presses("Ask several")
        dialog = owner.page.get_by_role("dialog")
        dialog.get_by_role("button", name=re.compile("^Ask 0")).click()
        expect(dialog.get_by_text("Choose at least one device.")).to_be_visible()
        dialog.get_by_label("On", exact=True).select_option("On")
        dialog.get_by_label("Hall lamp").check()
        dialog.get_by_label("Porch lamp").check()
        dialog.get_by_label("Holds for (s)").fill("2")
        owner.looks_around("sheet-several")
        dialog.get_by_role("button", name="Ask 2 devices").click()
        number, params = lamp.told.get(timeout=PATIENCE_S)
        expect(dialog.get_by_role("progressbar")).to_be_visible()
        lamp.does_it(number, params)
        expect(dialog.get_by_text("1 confirmed it.")).to_be_visible()
        expect(dialog.get_by_text("1 has not confirmed:")).to_be_visible()
        expect(dialog.get_by_role("listitem").filter(has_text="Porch lamp")).to_be_visible()
        assert unasked.told.empty()
    owner.looks_around("sheet-several-done")
    owner.page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(owner.page.get_by_role("switch", name="Hall lamp: Set lamp")).to_be_checked()
    expect(owner.page.get_by_role("switch", name="Porch lamp: Set lamp")).not_to_be_checked()
