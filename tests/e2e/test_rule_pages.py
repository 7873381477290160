"""Rules on the pages: built by sentences, tried over the past, saved and firing; thresholds that members move."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.home import Home, Thing, said
from tests.e2e.person import Person, signed_in
from tests.e2e.waiting import until

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def pot(home: Home) -> Thing:
    """Return a pot that was dry twice within the last hour, its soil with a name and a unit."""
    pot = home.add_device("Basil pot")
    now = int(datetime.now(UTC).timestamp() * 1000)
    past = [{"ts": now - n * 60_000, "values": {"soil": 25 if n in (40, 41, 20, 21) else 50}} for n in range(1, 60)]
    home.tell(pot, past)
    until(lambda: home.latest(pot))
    named = {"metrics": {"soil": {"name": "Soil moisture", "unit": "%"}}}
    said(home.api.patch(f"devices/{pot.id}", json=named))
    return pot


def dry(home: Home, **more: Any) -> str:
    when = {"all": [{"metric": "soil", "is": "below", "value": 30, "clear": 35}]}
    message = {"alert": {"severity": "warning", "message": "{metric} of {device} is {value} %"}}
    written = {"name": "Dry soil", "place": home.place, "when": when, "then": [message]} | more
    return str(said(home.api.post("rules", json=written))["id"])


def test_a_rule_is_built_tried_over_the_past_saved_and_fires(owner: Person, home: Home, pot: Thing) -> None:
    owner.opens("/rules/new", "New rule")
    owner.fills(Name="Dry soil")
    condition = owner.page.get_by_role("group", name="Condition 1")
    condition.get_by_label("Threshold (%)").fill("30")
    condition.get_by_label("Over again at (%)").fill("35")
    condition.get_by_label("For at least", exact=True).fill("0")
    reads = owner.page.get_by_role("region", name="It reads")
    expect(reads).to_contain_text("When Soil moisture is below 30 %, open a warning")
    owner.presses("Try it")
    expect(owner.page.get_by_text("It would have fired 2 times.")).to_be_visible()
    expect(owner.page.get_by_text("because Soil moisture is below 30 % (it was 25 %)").first).to_be_visible()
    owner.looks_around("rule-tried")
    condition.get_by_label("Over again at (%)").fill("20")
    owner.presses("Save the rule")
    expect(owner.alert().first).to_be_visible()
    condition.get_by_label("Over again at (%)").fill("35")
    owner.presses("Save the rule")
    owner.sees("Dry soil")
    home.tell(pot, {"soil": 50})
    home.tell(pot, {"soil": 22})
    done = owner.page.get_by_role("region", name="What it did")
    until(lambda: home.get("alerts")["items"])
    owner.page.reload()
    expect(done).to_contain_text("because Soil moisture is below 30 % (it was 22 %)")
    expect(done).to_contain_text("done")
    owner.looks_around("rule-fired")
    owner.complaints = [each for each in owner.complaints if "status of 422" not in each]
    [alert] = home.get("alerts")["items"]
    assert alert["message"] == "Soil moisture of Basil pot is 22"


def test_the_rules_that_act_at_a_place_and_their_thresholds_are_seen_there(
    owner: Person, home: Home, pot: Thing
) -> None:
    shelf = home.add_place("Shelf", home.place)
    said(home.api.patch(f"devices/{pot.id}", json={"place": shelf}))
    rule = dry(home)
    dry(home, name="Elsewhere", place=home.add_place("Sauna"))
    off = dry(home, name="Wet soil", enabled=False)
    home.tell(pot, {"soil": 20})
    until(lambda: home.get(f"rules/{rule}/runs")["items"])
    owner.opens(f"/places/{shelf}", "Shelf")
    here = owner.page.get_by_role("list", name="Rules that act here")
    expect(here.get_by_role("listitem")).to_have_count(2)
    expect(here.get_by_role("listitem").filter(has_text="Dry soil")).to_contain_text(re.compile("On.*last fired"))
    expect(here.get_by_role("listitem").filter(has_text="Wet soil")).to_contain_text(
        re.compile("Off.*has not fired yet")
    )
    owner.looks_around("place-rules")
    owner.opens(f"/devices/{pot.id}", "Basil pot")
    drawn = owner.page.get_by_role("list", name="Thresholds of rules in the chart")
    expect(drawn).to_contain_text("30 %, 35 %")
    expect(drawn.get_by_role("listitem")).to_have_count(1)
    owner.looks_around("device-thresholds")
    assert off != rule


@pytest.mark.usefixtures("pot")
def test_a_member_moves_a_threshold_as_far_as_a_manager_lets_them(browser: Browser, owner: Person, home: Home) -> None:
    rule = dry(home)
    owner.opens(f"/rules/{rule}", "Dry soil")
    owner.page.get_by_text("What members may change").click()
    owner.page.get_by_label("Members may change “Soil moisture is below”").check()
    owner.page.get_by_label("Not below (%)").fill("20")
    owner.page.get_by_label("Not above (%)").fill("34")
    owner.looks_around("rule-leeway")
    owner.presses("Save the rule")
    until(lambda: home.get(f"rules/{rule}")["limits"])
    assert home.get(f"rules/{rule}")["limits"] == {"when.all[0].value": {"low": 20, "high": 34}}

    with signed_in(browser, home, home.join("member")) as member:
        member.opens("/rules", "Rules")
        member.page.get_by_role("button", name=re.compile("^Set thresholds.*Dry soil")).click()
        field = member.page.get_by_label("Soil moisture is below (%)")
        expect(member.page.get_by_text("From 20 % to 34 %.")).to_be_visible()
        field.fill("60")
        member.presses("Save")
        expect(member.page.get_by_text("Write a number from 20 to 34.")).to_be_visible()
        member.looks_around("sheet-thresholds")
        field.fill("28")
        member.presses("Save")
        expect(member.page.get_by_role("dialog")).to_have_count(0)
        expect(member.page.get_by_text("is below 28 %")).to_be_visible()
        member.looks_around("rules-member")
        member.complaints = [each for each in member.complaints if "status of 422" not in each]
    assert home.get(f"rules/{rule}")["when"]["all"][0]["value"] == 28


@pytest.mark.usefixtures("pot")
def test_two_thresholds_are_moved_past_each_other_in_one_go(browser: Browser, home: Home) -> None:
    free = {"low": 20, "high": 60}
    rule = dry(home, limits={"when.all[0].value": free, "when.all[0].clear": free})
    with signed_in(browser, home, home.join("member")) as member:
        member.opens(f"/rules/{rule}", "Dry soil")
        member.presses("Set thresholds")
        member.page.get_by_label("Soil moisture is below (%)").fill("50")
        member.page.get_by_label(re.compile("^Soil moisture: over again at")).fill("55")
        member.presses("Save")
        expect(member.page.get_by_role("dialog")).to_have_count(0)
    [leaf] = home.get(f"rules/{rule}")["when"]["all"]
    assert (leaf["value"], leaf["clear"]) == (50, 55)


def test_what_a_rule_calls_is_tried_from_its_page(owner: Person, home: Home) -> None:
    low = {"metric": "t", "is": "below", "value": 0}
    calls = [{"webhook": {"url": "https://nobody.invalid/hook?key=1"}}]
    rule = said(home.api.post("rules", json={"name": "Frost", "place": home.place, "when": low, "then": calls}))["id"]
    owner.opens(f"/rules/{rule}", "Frost")
    owner.presses("Send a test")
    card = owner.page.get_by_role("region", name="What it calls")
    expect(card.get_by_role("listitem")).to_contain_text("https://nobody.invalid/… — not taken")
    owner.looks_around("rule-calls")


@pytest.mark.usefixtures("pot")
def test_a_rule_asks_for_an_attribute_of_the_place(owner: Person, home: Home) -> None:
    owner.opens("/rules/new", "New rule")
    owner.fills(Name="Fruiting")
    owner.page.get_by_label("What condition 1 is about").select_option(label="An attribute")
    condition = owner.page.get_by_role("group", name="Condition 1")
    condition.get_by_label("Whose attribute").select_option(label="its place")
    condition.get_by_label("Attribute", exact=True).fill("stage")
    condition.get_by_label("Is", exact=True).fill("fruiting")
    reads = owner.page.get_by_role("region", name="It reads")
    expect(reads).to_contain_text("When Stage where a device is, is fruiting")
    owner.looks_around("rule-of-place")
    owner.presses("Save the rule")
    owner.sees("Fruiting")
    [rule] = home.get("rules")["items"]
    assert rule["when"] == {"all": [{"attribute": "stage", "equals": "fruiting", "of": "place"}]}
    condition.get_by_label("Whose attribute").select_option(label="the device")
    owner.presses("Save the rule")
    until(lambda: home.get(f"rules/{rule['id']}")["when"] == {"all": [{"attribute": "stage", "equals": "fruiting"}]})


@pytest.mark.usefixtures("pot")
def test_a_rule_that_would_be_refused_today_says_so_and_is_mended(owner: Person, home: Home) -> None:
    rule = dry(home)
    with closing(sqlite3.connect(home.server.folder / "verger.db", timeout=10)) as database, database:
        changed = "UPDATE rule SET document = json_set(document, '$.when.all[0].clear', 20) WHERE id = ?"
        database.execute(changed, (rule,))
    owner.opens("/rules", "Rules")
    expect(
        owner.page.get_by_text("On as it was accepted, but it would be refused today: It ends above 30")
    ).to_be_visible()
    owner.looks_around("rules-objection")
    owner.opens(f"/rules/{rule}", "Dry soil")
    expect(
        owner.page.get_by_text("On as it was accepted, but it would be refused today: It ends above 30")
    ).to_be_visible()
    owner.looks_around("rule-objection")
    condition = owner.page.get_by_role("group", name="Condition 1")
    condition.get_by_label("Over again at (%)").fill("35")
    owner.presses("Save the rule")
    expect(owner.page.get_by_text("would be refused today")).to_have_count(0)
    assert home.get(f"rules/{rule}")["objection"] is None
