"""Growing cycles on the page of a place: begun, told of, and as others change them meanwhile."""

import pytest
from playwright.sync_api import expect

from tests.e2e.home import Home, said
from tests.e2e.person import Person

pytestmark = pytest.mark.needs("chromium")


def test_a_cycle_is_begun_and_told_of_and_what_others_do_shows_at_once(owner: Person, home: Home) -> None:
    farm = said(home.api.post("places", json={"name": "Oyster farm", "kind": "farm", "timezone": "Europe/Helsinki"}))
    home.api.post(f"places/{farm['id']}/blueprint", json={"name": "farm"}).raise_for_status()
    thing = home.add_device("Climate", farm["id"])
    home.tell(thing, {"temperature": 21.5, "humidity": 88})
    owner.opens(f"/places/{farm['id']}", "Oyster farm")
    owner.presses("Begin a cycle")
    owner.page.get_by_label("What grows").fill("Pearl oyster")
    owner.presses("Begin")
    growing = owner.page.get_by_role("region", name="Growing")
    expect(growing.get_by_text("Pearl oyster")).to_be_visible()
    (cycle,) = home.get("cycles")["items"]

    said(home.api.post(f"cycles/{cycle['id']}/stage", json={"stage": "fruiting"}))
    expect(growing.get_by_label("Stage")).to_have_value("fruiting")
    said(home.api.post(f"cycles/{cycle['id']}/events", json={"kind": "harvest", "weight_kg": 2.5, "note": "First"}))
    expect(growing.get_by_text("2.5 kg harvested")).to_be_visible()
    owner.presses("Contamination…")
    owner.presses("Keep it")
    expect(growing.get_by_text("1 contamination")).to_be_visible()
    owner.looks_around("place-growing")

    growing.get_by_role("button", name="Take back: Contamination").click()
    expect(growing.get_by_text("1 contamination")).to_have_count(0)
    assert home.get(f"cycles/{cycle['id']}")["contaminations"] == 0
