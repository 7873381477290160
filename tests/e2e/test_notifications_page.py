"""Notifications on their pages: seen as they come, a way added and tried, quiet hours kept."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import EMAIL, Home
from tests.e2e.person import Person, chromium, pictures_of
from tests.edges.outside.neighbours import Receiver, living
from verger.base.clock import SystemClock
from verger.base.ids import new_id

pytestmark = [pytest.mark.needs("chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def house(serve: Serve, settle: Settle) -> Home:
    return settle(serve(outgoing_networks="127.0.0.0/8"))


@pytest.fixture
def owner(browser: Browser, house: Home, tmp_path: Path) -> Iterator[Person]:
    person = Person.at(browser, house.server.address, pictures_of(tmp_path / "pictures"))
    person.opens("/sign-in", "Welcome back")
    person.signs_in(EMAIL)
    expect(person.page).to_have_url("/")
    yield person
    person.leaves()


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Let a receiver live beside the test."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def live() -> None:
        async with living(receiver):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    ready.wait()
    yield receiver
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()


def tell(house: Home, severity: str, title: str, body: str) -> None:
    """Put a notice into the outbox, as whatever has something to tell does."""
    me = house.api.get("me").json()
    row = (new_id(), me["tenant"]["id"], SystemClock().now(), severity, "test", title, "members", body, house.place)
    with closing(sqlite3.connect(house.server.folder / "verger.db", timeout=10)) as database, database:
        columns = 'id, tenant, "at", severity, kind, title, "to", body, place, spread'
        database.execute(f"INSERT INTO notice ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", row)  # noqa: S608


def test_what_is_told_is_seen_and_reaches_a_webhook(owner: Person, house: Home) -> None:
    owner.follows("Notifications")
    owner.looks_around("notifications-none")
    for severity, title in (("info", "The pump ran for an hour"), ("critical", "Frost: -4 °C in the cellar")):
        tell(house, severity, title, "Since 06:12, at Lake cottage.")
        expect(owner.page.get_by_role("link", name=title)).to_be_visible(timeout=10_000)
    expect(owner.page.get_by_text("2 are new.")).to_be_visible()
    owner.looks_around("notifications")
    owner.page.get_by_role("button", name=re.compile("^Seen.*Frost")).click()
    expect(owner.page.get_by_text("1 is new.")).to_be_visible()
    owner.presses("I have seen them all")
    expect(owner.page.get_by_text("You have seen all of them.")).to_be_visible()

    owner.follows("Where and when")
    owner.looks_around("targets-none")
    with receiving(Receiver(["500 Oops", "204 No Content"])) as receiver:
        owner.presses("Add a way")
        owner.page.get_by_label("Way", exact=True).select_option("webhook")
        owner.fills(Address=f"{receiver.url}/hook", Name="Home automation")
        owner.looks_around("sheet-target")
        owner.page.get_by_role("dialog").get_by_role("button", name="Add a way").click()
        expect(owner.page.get_by_text("whsec_")).to_be_visible()
        owner.page.keyboard.press("Escape")
        owner.page.get_by_role("button", name=re.compile("^Send me a test")).click()
        expect(owner.page.get_by_text("The test did not arrive. It answered 500.")).to_be_visible()
        owner.page.get_by_role("button", name=re.compile("^Send me a test")).click()
        expect(owner.page.get_by_text("The test was taken.")).to_be_visible()
    assert all("webhook-signature" in headers for _, headers, _ in receiver.heard)
    owner.page.get_by_label("Quiet hours").check()
    owner.page.get_by_label("Once a day, together").check()
    owner.presses("Save")
    expect(owner.page.get_by_text("Saved.")).to_be_visible()
    owner.looks_around("targets")
    assert house.api.get("me/notifications/preferences").json()["quiet"]["begin"] == "22:00"
