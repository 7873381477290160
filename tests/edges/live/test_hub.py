"""The hub and its screens."""

import asyncio
from typing import Any

import msgspec
import numpy as np
import pytest

from verger.domain.devices.registry import Registry
from verger.domain.telemetry.model import Batch
from verger.edges.live.hub import Hub
from verger.edges.live.screen import Screen


def frames(screen: Screen) -> list[dict[str, Any]]:
    """Return what waits to be sent, and forget it."""
    waiting = [msgspec.json.decode(frame) for frame in screen._waiting]  # noqa: SLF001
    screen._waiting.clear()  # noqa: SLF001
    return waiting


def batch(*rows: tuple[int, int, float]) -> Batch:
    series, at, value = zip(*rows, strict=True)
    return Batch(1, np.array(series, np.uint32), np.array(at, np.int64), np.array(value, np.float64))


@pytest.fixture
def registry() -> Registry:
    """Two devices of one tenant at two places, and one of another tenant."""
    registry = Registry()
    for number, (device, tenant, place) in enumerate(
        [("hall", "lake", "cottage"), ("barn", "lake", "farm"), ("theirs", "other", "elsewhere")], start=1
    ):
        registry.add(device, tenant, place, 200)
        registry.learn(device, {"t": number, "h": number + 10})
    return registry


@pytest.fixture
def hub(registry: Registry) -> Hub:
    return Hub(registry, lambda numbers: [None for _ in numbers])


def shown(hub: Hub, tenant: str, kind: str, subject: str, below: list[str]) -> Screen:
    screen = Screen(tenant)
    hub.open(screen)
    screen.show(kind, subject, below)
    hub.watch()
    return screen


async def test_a_screen_hears_of_the_devices_it_shows_and_of_no_others(hub: Hub) -> None:
    screen = shown(hub, "lake", "place", "cottage", ["cottage"])
    await hub.take(batch((1, 5000, 21.5), (2, 5000, 4.0), (3, 5000, 9.0)))
    hub.tick()
    assert frames(screen) == [{"type": "readings", "device": "hall", "at": 5, "values": {"t": 21.5}}]


async def test_what_happens_at_a_place_or_in_a_tenant_reaches_who_shows_it(hub: Hub) -> None:
    screens = {
        "cottage": shown(hub, "lake", "place", "cottage", ["cottage"]),
        "farm": shown(hub, "lake", "place", "farm", ["farm"]),
        "barn": shown(hub, "lake", "device", "barn", ["barn"]),
        "all": shown(hub, "lake", "tenant", "lake", ["lake"]),
        "theirs": shown(hub, "other", "place", "cottage", ["cottage"]),
    }

    def reached(place: str | None, device: str | None = None) -> set[str]:
        hub.announce("lake", {"type": "alert"}, place=place, device=device)
        hub.tick()
        return {name for name, screen in screens.items() if frames(screen)}

    assert reached("cottage") == {"cottage", "all"}
    assert reached("farm", "barn") == {"farm", "barn", "all"}
    assert reached(None) == set(screens) - {"theirs"}


async def test_a_tick_tells_the_newest_value_of_each_metric_once(hub: Hub) -> None:
    screen = shown(hub, "lake", "device", "hall", ["hall"])
    await hub.take(batch((1, 1000, 1.0), (1, 3000, 3.0), (1, 2000, 2.0), (11, 3000, 60.0)))
    hub.tick()
    hub.tick()
    assert frames(screen) == [{"type": "readings", "device": "hall", "at": 3, "values": {"t": 3.0, "h": 60.0}}]


async def test_another_tenant_s_screen_hears_nothing_even_of_a_place_it_names(hub: Hub) -> None:
    spy = shown(hub, "other", "place", "cottage", ["cottage"])
    shown(hub, "lake", "place", "cottage", ["cottage"])
    await hub.take(batch((1, 1000, 1.0)))
    hub.tell("hall", {"type": "device", "id": "hall", "online": True})
    hub.tick()
    assert frames(spy) == []


async def test_a_frame_is_encoded_once_for_all_screens(hub: Hub) -> None:
    screens = [shown(hub, "lake", "device", "hall", ["hall"]) for _ in range(3)]
    await hub.take(batch((1, 1000, 1.0)))
    hub.tick()
    first, *others = [screen._waiting[0] for screen in screens]  # noqa: SLF001
    assert all(frame is first for frame in others)


async def test_nothing_is_looked_at_while_nobody_looks(hub: Hub) -> None:
    screen = shown(hub, "lake", "device", "hall", ["hall"])
    hub.close(screen)
    await hub.take(batch((1, 1000, 1.0)))
    hub.tell("hall", {"type": "device"})
    hub.tick()
    assert frames(screen) == []


async def test_a_device_younger_than_the_last_look_does_no_harm(hub: Hub, registry: Registry) -> None:
    screen = shown(hub, "lake", "place", "cottage", ["cottage"])
    hub.tick()
    registry.add("new", "lake", "cottage", 200)
    registry.learn("new", {"t": 4})
    await hub.take(batch((4, 1000, 1.0)))
    hub.tick()
    assert frames(screen) == []
    hub.changed("lake")
    assert screen.stale == {("place", "cottage")}
    await hub.take(batch((4, 2000, 2.0)))
    hub.tick()
    assert [frame["device"] for frame in frames(screen)] == ["new"]


async def test_a_screen_that_falls_behind_is_shown_everything_anew(hub: Hub) -> None:
    screen = shown(hub, "lake", "device", "hall", ["hall"])
    for value in range(20):
        hub.tell("hall", {"type": "event", "data": "x" * 65_536, "n": value})
        hub.tick()
    assert screen.stale == {("device", "hall")}
    assert sum(map(len, screen._waiting)) < 1 << 20  # noqa: SLF001


async def test_a_repeat_of_a_time_with_another_value_is_not_told(registry: Registry) -> None:
    kept = {1: (5000, 21.5), 2: (7000, 4.0)}
    hub = Hub(registry, lambda numbers: [kept.get(number) for number in numbers])
    screen = shown(hub, "lake", "place", "cottage", ["cottage", "farm"])
    await hub.take(batch((1, 5000, 99.0), (2, 6000, 3.0), (11, 1000, 60.0)))
    hub.tick()
    assert frames(screen) == [{"type": "readings", "device": "hall", "at": 1, "values": {"h": 60.0}}]
    await hub.take(batch((1, 5000, 21.5), (2, 8000, 5.0)))
    hub.tick()
    assert {frame["device"]: frame["values"] for frame in frames(screen)} == {"hall": {"t": 21.5}, "barn": {"t": 5.0}}


async def test_what_waits_is_sent_in_order_and_a_stale_subject_first(hub: Hub) -> None:
    screen = shown(hub, "lake", "device", "hall", ["hall"])
    sent: list[str] = []
    done = asyncio.Event()

    async def send(frame: str) -> None:
        sent.append(frame)
        if len(sent) == 3:
            done.set()

    async def fresh(kind: str, subject: str) -> str:
        return f"fresh {kind} {subject}"

    screen.renew()
    screen.put("one")
    screen.put("two")
    drain = asyncio.create_task(screen.drain(send, fresh))
    await done.wait()
    drain.cancel()
    assert sent == ["fresh device hall", "one", "two"]


def test_a_hidden_subject_is_shown_no_longer(hub: Hub) -> None:
    screen = shown(hub, "lake", "place", "cottage", ["cottage", "shelf"])
    assert screen.places == {"cottage", "shelf"}
    screen.hide("place", "cottage")
    assert screen.places == frozenset()


async def test_an_answer_outlives_a_fresh_start_and_a_screen_that_does_not_read_is_not_heard(hub: Hub) -> None:
    screen = shown(hub, "lake", "device", "hall", ["hall"])
    await screen.answer("pong")
    screen.renew()
    asking = asyncio.create_task(ask_much(screen))
    sent: list[str] = []

    async def send(frame: str) -> None:
        sent.append(frame)

    async def fresh(kind: str, subject: str) -> str:
        return f"fresh {kind} {subject}"

    drain = asyncio.create_task(screen.drain(send, fresh))
    await asking
    drain.cancel()
    assert sent[0] == "pong"


async def ask_much(screen: Screen) -> None:
    for number in range(40):
        await screen.answer(str(number))
        assert screen._answers.qsize() <= 16  # noqa: SLF001


def test_a_person_is_told_what_is_theirs_alone() -> None:
    hub = Hub(Registry(), lambda _numbers: [])
    mine, others, programs = Screen("lake", "aino"), Screen("lake", "veikko"), Screen("lake")
    elsewhere = Screen("farm", "aino")
    for screen in (mine, others, programs, elsewhere):
        hub.open(screen)
    hub.whisper("lake", "aino", {"type": "notification"})
    assert [list(screen._waiting) for screen in (mine, others, programs, elsewhere)] == [  # noqa: SLF001
        ['{"type":"notification"}'],
        [],
        [],
        [],
    ]
