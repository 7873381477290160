"""Controls on the pages, with devices that hear and answer over MQTT: confirmed, unanswered, and several at once."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Event

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Route, expect

from tests.e2e.home import EMAIL, Home, Thing, said
from tests.e2e.person import Person, chromium, pictures_of

pytestmark = pytest.mark.needs("chromium")
ASKED = "v1/devices/me/rpc/request/"
WAIT_S = 15.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def owner(browser: Browser, home: Home, tmp_path: Path) -> Iterator[Person]:
    person = Person.at(browser, home.server.address, pictures_of(tmp_path / "pictures"))
    person.opens("/sign-in", "Welcome back")
    person.signs_in(EMAIL)
    expect(person.page).to_have_url("/")
    yield person
    person.leaves()


@contextmanager
def lamp(home: Home, thing: Thing, may_answer: Event) -> Iterator[Queue[object]]:
    """Let a lamp live that listens by MQTT; it does what it is told, and answers as soon as it may."""
    asked: Queue[object] = Queue()
    ready = Event()
    client = Client(CallbackAPIVersion.VERSION2, thing.id)
    client.username_pw_set(thing.token, "")

    def hear(_client: Client, _: object, message: MQTTMessage) -> None:
        params = json.loads(message.payload)["params"]
        asked.put(params)
        may_answer.wait(WAIT_S)
        number = message.topic.removeprefix(ASKED)
        client.publish(f"v1/devices/me/rpc/response/{number}", json.dumps({"success": True}), 1)
        client.publish("v1/devices/me/attributes", json.dumps({"lamp": params["on"]}), 1)

    client.on_message = hear
    client.on_subscribe = lambda *_: ready.set()
    came = Event()
    client.on_connect = lambda *_: came.set()
    client.connect("127.0.0.1", home.server.mqtt)
    client.loop_start()
    assert came.wait(WAIT_S)
    client.subscribe(f"{ASKED}+", 1)
    assert ready.wait(WAIT_S)
    yield asked
    client.disconnect()
    client.loop_stop()


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
    may_answer = Event()
    with lamp(home, thing, may_answer) as asked:
        switch = owner.page.get_by_role("switch", name="Set lamp")
        expect(switch).not_to_be_checked()
        switch.click()
        assert asked.get(timeout=WAIT_S) == {"on": True}
        expect(owner.page.get_by_text("The device has it; waiting for its answer").first).to_be_visible()
        expect(switch).not_to_be_checked()
        expect(switch).to_have_attribute("aria-busy", "true")
        owner.looks_around("switch-waiting")
        may_answer.set()
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
    expect(owner.page.get_by_text("No answer").first).to_be_visible(timeout=20_000)
    expect(switch).not_to_be_checked()
    expect(owner.page.get_by_role("button", name="Ask again")).to_be_visible()
    owner.looks_around("switch-unanswered")


def test_several_lamps_are_picked_and_asked_at_once(owner: Person, home: Home) -> None:
    hall, porch, shed = lamps(home, "Hall lamp", "Porch lamp", "Shed lamp")
    for thing in (hall, porch, shed):
        home.tell(thing, {"lamp": False}, "attributes")
    owner.opens(f"/places/{home.place}", "Lake cottage")
    may_answer = Event()
    with lamp(home, hall, may_answer) as asked, lamp(home, shed, Event()) as unasked:
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
        assert asked.get(timeout=WAIT_S) == {"on": True}
        expect(dialog.get_by_role("progressbar")).to_be_visible()
        may_answer.set()
        expect(dialog.get_by_text("1 confirmed it.")).to_be_visible(timeout=20_000)
        expect(dialog.get_by_text("1 has not confirmed:")).to_be_visible()
        expect(dialog.get_by_role("listitem").filter(has_text="Porch lamp")).to_be_visible()
        assert unasked.empty()
    owner.looks_around("sheet-several-done")
