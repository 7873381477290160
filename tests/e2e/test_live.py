"""What open screens are told, over the real socket."""

import asyncio
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from tests.e2e.home import Home, Thing, said
from tests.e2e.screen import Screen, shown
from tests.e2e.waiting import until
from tests.people import PASSWORD, Household, next_household
from verger.base.clock import SystemClock
from verger.base.db import Database
from verger.base.secrets import ServerSecret
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy

START_MS = int(datetime.fromisoformat("2026-03-01T12:00:00Z").timestamp() * 1000)


@pytest.fixture
def thing(shared: Home) -> Thing:
    return shared.add_device()


@pytest.fixture(scope="module")
def neighbour(shared: Home) -> Iterator[Home]:
    """Return another tenant of the same server, in whose database it was put by hand."""
    tokens = asyncio.run(_next_household(shared.server.folder)).tokens
    home = Home(shared.server, tokens[Role.owner])
    home.place = home.add_place("Farm")
    yield home
    home.close()


async def _next_household(folder: Path) -> Household:
    db = Database.open(f"sqlite+aiosqlite:///{folder / 'verger.db'}")
    household = await next_household(Tenancy.over(db, SystemClock(), ServerSecret.open(folder)))
    await db.close()
    return household


def status(home: Home, **asked: Any) -> int:
    """Return the HTTP status with which a screen is let in or not."""
    try:
        with Screen(home, **{"subprotocols": None, **asked}):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def cookie(home: Home) -> str:
    """Sign in as a browser does; return its cookie."""
    signed_in = home.api.post("auth/login", json={"email": "aino@example.test", "password": PASSWORD})
    return f"verger_session={said(signed_in)['token']}"


def test_a_screen_is_shown_how_it_stands_and_then_what_happens_within_a_second(shared: Home, thing: Thing) -> None:
    shared.tell(thing, {"ts": START_MS, "values": {"temperature": 20}})
    until(lambda: shared.latest(thing))
    with Screen(shared) as screen:
        first = screen.watch(place=shared.place)
        assert (first["type"], first["place"]) == ("snapshot", shared.place)
        assert screen.shown[thing.id] == {"temperature": (START_MS, 20.0)}
        waits = [shown_after(shared, thing, screen, turn) for turn in range(1, 5)]
    assert min(waits) < 1, "a busy machine may hold one up, and not all"


def shown_after(home: Home, thing: Thing, screen: Screen, turn: int) -> float:
    """Let a device say something that the screen is to be told; return how many seconds that took."""
    values = {"temperature": 20 + turn, "humidity": 40}
    began = time.monotonic()
    home.tell(thing, {"ts": START_MS + turn, "values": values})
    told = screen.hear_until(lambda frame: frame["type"] == "readings")
    assert told == {"type": "readings", "device": thing.id, "at": START_MS + turn, "values": values}
    return time.monotonic() - began


def test_a_device_that_begins_to_speak_is_told_as_online_and_its_events_are_told(shared: Home, thing: Thing) -> None:
    with Screen(shared) as screen:
        screen.watch(device=thing.id)
        assert screen.online == {thing.id: False}
        shared.tell(thing, {"kind": "treatment.basic", "id": "7", "data": {"minutes": 20}}, "events")
        event = screen.hear_until(lambda frame: frame["type"] == "event")
        assert (event["device"], event["kind"], event["data"]) == (thing.id, "treatment.basic", {"minutes": 20})
        until(lambda: screen.online[thing.id] or screen.hear())


def test_another_tenants_places_and_devices_are_not_there(shared: Home, neighbour: Home, thing: Thing) -> None:
    theirs = neighbour.add_device("Barn")
    with Screen(neighbour) as screen:
        assert screen.watch(place=shared.place)["type"] == "error"
        assert screen.watch(device=thing.id)["type"] == "error"
        screen.watch(place=neighbour.place)
        shared.tell(thing, {"temperature": 1})
        neighbour.tell(theirs, {"temperature": 2})
        screen.hear_until(lambda frame: frame["type"] == "readings")
        assert set(screen.shown) == {theirs.id}


def test_only_what_was_asked_for_is_told_and_no_more_after_unsubscribing(shared: Home, thing: Thing) -> None:
    other = shared.add_device("Other", shared.add_place("Shed", shared.place))
    with Screen(shared) as screen:
        screen.watch(device=other.id)
        shared.tell(thing, {"temperature": 1})
        shared.tell(other, {"temperature": 2})
        assert screen.hear_until(lambda frame: frame["type"] == "readings")["device"] == other.id
        screen.say(type="unsubscribe", device=other.id)
        screen.watch(device=thing.id)
        shared.tell(other, {"temperature": 3})
        shared.tell(thing, {"temperature": 4})
        assert screen.hear_until(lambda frame: frame["type"] == "readings")["device"] == thing.id


def test_a_bearer_token_lets_in_and_a_wrong_one_does_not(shared: Home, thing: Thing) -> None:
    with Screen(shared) as screen:
        assert screen.subprotocol == "bearer"
        assert screen.watch(device=thing.id)["type"] == "snapshot"
    key = shared.api.post("api-keys", json={"name": "Screen", "role": "viewer"}).json()["token"]
    with Screen(shared, key) as screen:
        assert screen.watch(device=thing.id)["type"] == "snapshot"
    assert status(shared, subprotocols=["bearer", "wrong"]) == 403
    assert status(shared) == 403


def test_a_cookie_lets_in_only_pages_of_our_own(shared: Home, thing: Thing) -> None:
    headers = {"Cookie": cookie(shared)}
    with Screen(shared, subprotocols=None, additional_headers=headers, origin=shared.server.address) as screen:
        assert screen.watch(device=thing.id)["type"] == "snapshot"
    for origin in ("https://evil.test", f"http://127.0.0.1:{shared.server.http + 1}", "null", None):
        assert status(shared, additional_headers=headers, origin=origin) == 403


@pytest.mark.parametrize("word", ["no json", "[]", '{"type":"dance"}', '{"type":"subscribe"}', "{}"])
def test_words_without_sense_are_answered_with_what_to_say(shared: Home, word: str) -> None:
    with Screen(shared) as screen:
        screen.say_raw(word)
        assert screen.hear()["type"] == "error"
        screen.say(type="ping")
        assert screen.hear()["type"] == "pong"


def unread(home: Home) -> socket.socket:
    """Return a connected socket into which little fits."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", home.server.http))
    return line


def test_a_screen_that_does_not_read_is_shown_everything_anew_and_others_are_not_harmed(
    shared: Home, thing: Thing
) -> None:
    unhurried: dict[str, Any] = {"sock": unread(shared), "max_queue": 1, "ping_interval": None, "compression": None}
    with Screen(shared, **unhurried) as slow, Screen(shared) as quick:
        slow.watch(device=thing.id)
        quick.watch(device=thing.id)
        for turn in range(20):
            events = [{"kind": "noise", "id": f"{turn} {n}", "data": f"{turn} {n} {'x' * 4_000}"} for n in range(250)]
            assert shared.tell(thing, events, "events").status_code == 200
            shared.tell(thing, {"ts": START_MS + turn, "values": {"turn": turn}})
            quick.hear_until(lambda frame: str(frame.get("data")).startswith(f"{turn} 249 "))  # noqa: B023
        heard = [slow.hear()]
        while slow.shown[thing.id] != quick.shown[thing.id]:
            heard.append(slow.hear())
    assert "snapshot" in {frame["type"] for frame in heard}
    assert sum(frame["type"] == "event" for frame in heard) < 5_000


TOLD = st.lists(
    st.tuples(
        st.integers(0, 2),  # device
        st.integers(0, 5),  # time
        st.dictionaries(st.sampled_from(["temperature", "humidity", "co2"]), st.integers(-3, 3), min_size=1),
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=TOLD, opens=st.integers(0, 12))
def test_what_is_shown_plus_what_is_told_is_what_would_be_fetched(
    shared: Home, told: list[tuple[int, int, dict[str, int]]], opens: int
) -> None:
    place = shared.add_place("Room", shared.place)
    things = [shared.add_device(f"Sensor {n}", place) for n in range(3)]
    for device, at, values in told[:opens]:
        shared.tell(things[device], {"ts": START_MS + at, "values": values})
    with Screen(shared) as screen:
        screen.watch(place=place)
        for device, at, values in told[opens:]:
            shared.tell(things[device], {"ts": START_MS + at, "values": values})
        end = shared.add_device("End", place)  # whoever speaks last is heard last
        screen.hear_until(lambda frame: frame["type"] == "snapshot")
        shared.tell(end, {"end": 1})
        screen.hear_until(lambda frame: frame.get("device") == end.id)
        assert screen.shown == {thing.id: shown(shared.latest(thing)) for thing in (*things, end)}
