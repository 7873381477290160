"""Notifications on their pages: seen as they come, a way added and tried, quiet hours kept."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import Home
from tests.e2e.person import Person, signed_in
from tests.e2e.receiving import receiving
from tests.e2e.waiting import PATIENCE_S
from tests.edges.outside.neighbours import Receiver
from verger.base.clock import SystemClock
from verger.base.ids import new_id

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(240)]


@pytest.fixture
def house(serve: Serve, settle: Settle) -> Home:
    return settle(serve(outgoing_networks="127.0.0.0/8"))


@pytest.fixture
def owner(browser: Browser, house: Home) -> Iterator[Person]:
    with signed_in(browser, house) as person:
        yield person


def tell(house: Home, severity: str, title: str, body: str) -> None:
    """Put a notice into the outbox, as whatever has something to tell does."""
    me = house.api.get("me").json()
    row = (new_id(), me["tenant"]["id"], SystemClock().now(), severity, "test", title, "members", body, house.place)
    with closing(sqlite3.connect(house.server.folder / "verger.db", timeout=PATIENCE_S)) as database, database:
        columns = 'id, tenant, "at", severity, kind, title, "to", body, place, spread'
        database.execute(f"INSERT INTO notice ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", row)  # noqa: S608


def adds_a_webhook(owner: Person, url: str) -> None:
    owner.presses("Add a way")
    owner.page.get_by_label("Way", exact=True).select_option("webhook")
    owner.fills(Address=url, Name="Home automation")
    owner.looks_around("sheet-target")
    owner.page.get_by_role("dialog").get_by_role("button", name="Add a way").click()
    expect(owner.page.get_by_text("whsec_")).to_be_visible()
    owner.page.keyboard.press("Escape")


def test_what_is_told_is_seen_and_reaches_a_webhook(owner: Person, house: Home) -> None:
    owner.follows("Notifications")
    owner.looks_around("notifications-none")
    for severity, title in (("info", "The pump ran for an hour"), ("critical", "Frost: -4 °C in the cellar")):
        tell(house, severity, title, "Since 06:12, at Lake cottage.")
    for title in ("The pump ran for an hour", "Frost: -4 °C in the cellar"):
        expect(owner.page.get_by_role("link", name=title)).to_be_visible()
    expect(owner.page.get_by_text("2 are new.")).to_be_visible()
    owner.looks_around("notifications")
    owner.page.get_by_role("button", name=re.compile("^Seen.*Frost")).click()
    expect(owner.page.get_by_text("1 is new.")).to_be_visible()
    owner.presses("I have seen them all")
    expect(owner.page.get_by_text("You have seen all of them.")).to_be_visible()

    owner.follows("Where and when")
    owner.looks_around("targets-none")
    with receiving(Receiver(["500 Oops", "204 No Content"])) as receiver:
        adds_a_webhook(owner, f"{receiver.url}/hook")
        owner.page.get_by_role("button", name=re.compile("^Send me a test")).click()
        expect(owner.page.get_by_text("The test did not arrive. It answered 500.")).to_be_visible()
        owner.page.get_by_role("button", name=re.compile("^Send me a test")).click()
        expect(owner.page.get_by_text("The test was taken.")).to_be_visible()
        tell(house, "critical", "The pump stands still", "Since 07:00, at Lake cottage.")
        owner.opens("/notifications", "Notifications")
        expect(owner.page.get_by_text("Home automation: arrived")).to_be_visible()
    tell(house, "warning", "The hall is cold", "12 °C since 07:10.")
    expect(owner.page.get_by_text("Home automation: failed")).to_be_visible()
    owner.looks_around("notifications-ways")
    owner.opens("/settings/notifications", "Where I am told")
    assert all("webhook-signature" in headers for _, headers, _ in receiver.heard)
    owner.page.get_by_label("Quiet hours").check()
    owner.page.get_by_label("Once a day, together").check()
    owner.presses("Save")
    expect(owner.page.get_by_text("Saved.")).to_be_visible()
    owner.looks_around("targets")
    assert house.api.get("me/notifications/preferences").json()["quiet"]["begin"] == "22:00"


def test_what_signs_webhooks_of_rules_is_shown_and_made_anew(owner: Person, house: Home) -> None:
    owner.opens("/settings", "Settings")
    card = owner.page.get_by_role("region", name="Webhooks")
    expect(card.get_by_text("Made ")).to_be_visible()
    secret = house.api.get("webhooks/secret").json()["secret"]
    expect(card.get_by_text(secret)).to_be_hidden()
    card.get_by_role("button", name="Show the secret").click()
    expect(card.get_by_text(secret)).to_be_visible()
    card.get_by_role("button", name="New secret").click()
    owner.looks_around("sheet-signing")
    owner.page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    expect(card.get_by_text("The one before signs too until")).to_be_visible()
    expect(card.get_by_text(house.api.get("webhooks/secret").json()["secret"])).to_be_visible()
    owner.looks_around("settings-signing")
