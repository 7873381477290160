"""An alert on the pages: it appears, the bell counts, somebody takes note, says something, and ends it."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.e2e.home import Home, said
from tests.e2e.person import Person
from tests.e2e.waiting import until

pytestmark = pytest.mark.needs("chromium")


def test_an_alert_appears_is_counted_noted_discussed_and_ended(owner: Person, home: Home) -> None:
    place = said(home.api.post("places", json={"name": "Villa", "kind": "cottage", "timezone": "Asia/Tokyo"}))["id"]
    sensor = home.add_device("Cellar sensor", place)
    message = {"alert": {"severity": "critical", "message": "Frost in the cellar: {value} °C"}}
    frost = {"name": "Frost", "place": place, "when": {"metric": "t", "is": "below", "value": 0}, "then": [message]}
    said(home.api.post("rules", json=frost))
    expect(owner.page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
    home.tell(sensor, {"t": -4})
    told = "Frost in the cellar: -4 °C"
    expect(owner.page.get_by_role("region", name="Needs you").get_by_text(told, exact=True)).to_be_visible()
    expect(owner.page.get_by_role("link", name="1 new, Notifications")).to_be_visible()
    villa = owner.page.get_by_role("region", name="Places").get_by_role("listitem").filter(has_text="Villa")
    expect(villa).to_contain_text(told)
    owner.looks_around("today-alert")
    owner.page.get_by_role("link", name=re.compile(f"^Open.*{told}")).click()
    owner.sees(told)
    expect(owner.page.get_by_text("When t is below 0")).to_be_visible()
    owner.presses("Take note")
    expect(owner.page.get_by_text("Critical · noted by you")).to_be_visible()
    owner.page.get_by_label("Say something").fill("The stove is on its way.")
    owner.presses("Say it")
    course = owner.page.get_by_role("region", name="What was said and done")
    expect(course).to_contain_text("The stove is on its way.")
    owner.looks_around("alert")
    owner.presses("End it")
    owner.page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(owner.page.get_by_text("Ended by you").first).to_be_visible()
    owner.opens("/alerts", "Alerts")
    expect(owner.page.get_by_text("Nothing is wrong at the moment.")).to_be_visible()

    owner.page.get_by_role("link", name="1 new, Notifications").click()
    [notice] = home.get("me/notifications")["items"]
    in_tokyo = datetime.fromisoformat(notice["at"]).astimezone(ZoneInfo("Asia/Tokyo")).strftime("%H:%M")
    line = owner.page.get_by_role("list", name="Notifications").get_by_role("listitem")
    expect(line).to_contain_text(in_tokyo)
    owner.presses("I have seen them all")
    expect(owner.page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()


def test_an_alert_of_a_rule_that_names_its_device_stands_with_that_device_and_shows_its_values(
    owner: Person, home: Home
) -> None:
    sensor = home.add_device("Cellar sensor")
    low = {"metric": "t", "device": sensor.id, "is": "below", "value": 0}
    frost = {"name": "Frost", "place": home.place, "when": low, "then": [{"alert": {"message": "Frost: {value} °C"}}]}
    said(home.api.post("rules", json=frost))
    home.tell(sensor, {"t": 4})
    owner.opens(f"/devices/{sensor.id}", "Cellar sensor")
    home.tell(sensor, {"t": -4})
    holds = owner.page.get_by_role("region", name="What holds here now")
    expect(holds.get_by_text("Frost: -4 °C", exact=True)).to_be_visible()
    owner.looks_around("device-alert")
    holds.get_by_role("link", name="Frost: -4 °C").click()
    owner.sees("Frost: -4 °C")
    expect(owner.page.get_by_role("main").get_by_role("link", name="Cellar sensor")).to_be_visible()
    expect(
        owner.page.get_by_role("region", name="Why it fired")
        .get_by_role("figure")
        .or_(owner.page.locator("canvas"))
        .first
    ).to_be_visible()


def test_the_tasks_that_came_of_an_alert_are_seen_and_ticked_off_there(owner: Person, home: Home) -> None:
    sensor = home.add_device("Cellar sensor")
    tasks = [{"task": {"title": title, "due_in_s": 3600}} for title in ("Check the heating", "Close the hatch")]
    then = [{"alert": {"message": "Frost: {value} °C"}}, *tasks]
    low = {"metric": "t", "is": "below", "value": 0}
    said(home.api.post("rules", json={"name": "Frost", "place": home.place, "when": low, "then": then}))
    home.tell(sensor, {"t": -4})
    until(lambda: home.get("tasks")["items"] and home.get("alerts")["items"])
    [alert] = home.get("alerts")["items"]
    owner.opens(f"/alerts/{alert['id']}", "Frost: -4 °C")
    section = owner.page.get_by_role("region", name="Tasks")
    expect(section.get_by_role("listitem")).to_have_count(2)
    owner.looks_around("alert-tasks")
    section.get_by_role("checkbox").first.click()
    until(lambda: sorted(task["state"] for task in home.get("tasks")["items"]) == ["done", "open"])
    owner.looks_around("alert-task-done")
