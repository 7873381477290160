"""Counts on the pages: of a place that a blueprint counts, of a device, and everywhere over days that are chosen."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, expect

from tests.e2e.home import Home, Thing
from tests.e2e.person import Person
from tests.e2e.waiting import until

pytestmark = pytest.mark.needs("chromium")

KINDS = ("basic", "standard", "premium")
DAYS = 24


def treated(home: Home, thing: Thing, seed: int) -> int:
    """Let a machine have treated something each day; return how often."""
    now, events = datetime.now(UTC), []
    for day in range(DAYS):
        for number in range((day * 7 + seed) % 5 + 1):
            at = int((now - timedelta(days=day, minutes=number)).timestamp() * 1000)
            kind = KINDS[(day + number) % 3]
            events.append({"kind": f"treatment.{kind}", "at": at, "id": f"{day}.{number}", "data": {}})
    assert home.tell(thing, events, "events").is_success
    return len(events)


def counted(home: Home, **query: str) -> int:
    return sum(each["count"] for each in home.get("analytics/counts", **query)["counts"])


@pytest.fixture
def branch(home: Home) -> tuple[Thing, int, int]:
    """Lay the blueprint of treatment machines; return one of two, how often it treated, and how often both did."""
    assert home.api.post(f"places/{home.place}/blueprint", json={"name": "ozone"}).is_success
    first = home.add_device("Bay 1")
    second = home.add_device("Bay 2", home.add_place("Machine 2", home.place))
    one, two = treated(home, first, 1), treated(home, second, 3)
    until(lambda: counted(home, place=home.place) == one + two)
    return first, one, one + two


def shown(owner: Person, name: str) -> Locator:
    return owner.page.get_by_role("region", name=name, exact=True)


def test_a_place_shows_how_often_what_its_blueprint_counts(
    owner: Person, home: Home, branch: tuple[Thing, int, int]
) -> None:
    first, _, both = branch
    owner.opens(f"/places/{home.place}", "Lake cottage")
    card = shown(owner, "How often: Treatment")
    expect(card.get_by_text(f"{both} in all")).to_be_visible()
    names = card.get_by_role("list", name="What it comes to").get_by_role("listitem")
    expect(names).to_have_count(3)
    assert [text.splitlines()[0] for text in names.all_inner_texts()] == ["Basic", "Premium", "Standard"]
    owner.looks_around("place-counts")
    bars = card.get_by_role("slider")
    bars.focus()
    owner.page.keyboard.press("End")
    today = f"{datetime.now(ZoneInfo('Europe/Helsinki')):%a %-d %b}"
    assert today.split()[1] in str(bars.get_attribute("aria-valuetext"))
    owner.page.keyboard.press("Escape")
    assert home.tell(first, {"kind": "treatment.basic", "id": "new"}, "events").is_success
    expect(card.get_by_text(f"{both + 1} in all")).to_be_visible()
    card.get_by_text("26 weeks").click()
    expect(card.get_by_text("a week")).to_be_visible()
    card.get_by_text("Places", exact=True).click()
    expect(names.first).to_contain_text("Lake cottage")
    card.get_by_text("As a table").click()
    expect(card.get_by_role("columnheader", name="Machine 2")).to_be_visible()
    owner.looks_around("place-counts-weeks")
    with owner.page.expect_download() as saving:
        card.get_by_role("link", name="Save as CSV").click()
    rows = saving.value.path().read_text("utf-8").splitlines()
    assert rows[0] == "week,kind,place,place_name,count,missing"
    assert sum(int(row.split(",")[4]) for row in rows[1:]) == both + 1


def test_a_device_shows_its_own(owner: Person, home: Home, branch: tuple[Thing, int, int]) -> None:
    first, own, _ = branch
    owner.opens(f"/devices/{first.id}", "Bay 1")
    card = shown(owner, "How often")
    expect(card.get_by_text(f"{own} in all")).to_be_visible()
    owner.looks_around("device-counts")
    quiet = home.add_device("Quiet")
    home.tell(quiet, {"temperature": 20})
    until(lambda: home.latest(quiet))
    owner.opens(f"/devices/{quiet.id}", "Quiet")
    expect(owner.page.get_by_role("heading", name="What happened")).to_be_visible()
    expect(card).to_have_count(0)


def test_days_are_chosen_for_everything(owner: Person, home: Home, branch: tuple[Thing, int, int]) -> None:
    _, _, both = branch
    owner.opens("/", "")
    owner.follows("Analytics")
    owner.sees("Analytics")
    card = shown(owner, "How often")
    expect(card.get_by_text(f"{both} in all")).to_be_visible()
    owner.looks_around("analytics")
    owner.page.get_by_label("What", exact=True).select_option(label="Treatment")
    owner.page.get_by_label("Place", exact=True).select_option(label="Lake cottage · Machine 2")
    card = shown(owner, "Treatment")
    expect(card.get_by_text(f"{counted(home, kind='treatment', by='month') - branch[1]} in all")).to_be_visible()
    owner.presses("Choose days")
    day = f"{datetime.now(ZoneInfo('Europe/Helsinki')):%Y-%m-%d}"
    owner.fills(From=day)
    expect(card.get_by_role("row")).to_have_count(2)
    owner.looks_around("analytics-days")
    owner.page.get_by_label("Place", exact=True).select_option(label="Everywhere")
    owner.fills(From="2020-01-01", To="2020-02-01")
    expect(card.get_by_text("Nothing happened in this time.")).to_be_visible()
    owner.looks_around("analytics-none")


def test_what_was_measured_is_told_by_days(owner: Person, home: Home) -> None:
    room = home.add_place("Workshop", home.place)
    now = datetime.now(UTC)
    for name, where, every in (("Fridge", home.place, 3), ("Saw", room, 11)):
        thing = home.add_device(name, where)
        steps = [
            {
                "ts": int((now - timedelta(hours=6 * (120 - n))).timestamp() * 1000),
                "values": {"energy": n * every, "temperature": 15 + every + n % 5},
            }
            for n in range(120)
        ]
        assert home.tell(thing, steps).is_success
        unit = {"metrics": {"energy": {"unit": "W.h"}, "temperature": {"unit": "Cel"}}}
        assert home.api.patch(f"devices/{thing.id}", json=unit).is_success
        until(lambda: home.latest(thing).get("energy"))  # noqa: B023
    owner.opens("/analytics", "Analytics")
    card = shown(owner, "What was measured")
    expect(card.get_by_label("As", exact=True)).to_have_value("increase")
    expect(card.get_by_role("slider", name="Energy, by Day")).to_be_visible()
    card.get_by_text("As a table").click()
    expect(card.get_by_role("columnheader", name="Fridge")).to_be_visible()
    owner.looks_around("analytics-increase")
    card.get_by_label("Metric").select_option(label="Temperature")
    expect(card.get_by_label("As", exact=True)).to_have_value("mean")
    card.get_by_text("Places", exact=True).click()
    expect(card.get_by_text("Workshop")).to_be_visible()
    owner.looks_around("analytics-mean")
    with owner.page.expect_download() as saving:
        card.get_by_role("link", name="Save as CSV").click()
    rows = saving.value.path().read_text("utf-8").splitlines()
    assert rows[0] == "day,place,place_name,value,unit"
    assert {row.split(",")[2] for row in rows[1:]} == {"Lake cottage", "Workshop"}
