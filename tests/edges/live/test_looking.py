"""What many screens ask for at once is read once."""

import asyncio
from typing import Any

import pytest

from verger.base.errors import Missing
from verger.domain.devices.registry import Registry
from verger.edges.live.hub import Hub
from verger.edges.live.looking import Looking


class Slow:
    """Finds places once told to, and counts how often it looked."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, str, str]] = []
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.go_on = asyncio.Event()
        self.below: list[str] = []

    async def subject(self, *key: str) -> "Slow":
        self.looks.append((key[0], key[1], key[2]))
        self.begun.put_nowait(key[0])
        await self.go_on.wait()
        if key[2] == "nowhere":
            raise Missing("There is no such place.")
        return self

    def snapshot(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def hub() -> Hub:
    return Hub(Registry(), lambda _: [])


async def test_those_who_ask_for_the_same_share_a_look_and_the_moment_it_began(hub: Hub) -> None:
    slow = Slow()
    looking = Looking(slow, hub)
    first = asyncio.create_task(looking.find("lake", "place", "cottage"))
    assert await slow.begun.get() == "lake"
    hub.changed("lake")
    others = [asyncio.create_task(looking.find(tenant, "place", "cottage")) for tenant in ("lake", "lake", "sea")]
    assert await slow.begun.get() == "sea"
    slow.go_on.set()
    assert [changes for _, changes in await asyncio.gather(first, *others)] == [0, 0, 0, 1]
    assert slow.looks == [("lake", "place", "cottage"), ("sea", "place", "cottage")]
    await looking.find("lake", "place", "cottage")
    assert len(slow.looks) == 3


async def test_one_who_leaves_takes_no_look_from_the_others_and_all_learn_what_is_missing(hub: Hub) -> None:
    slow = Slow()
    looking = Looking(slow, hub)
    leaving, staying = (asyncio.create_task(looking.find("lake", "place", "nowhere")) for _ in range(2))
    await slow.begun.get()
    leaving.cancel()
    slow.go_on.set()
    with pytest.raises(Missing):
        await staying
    assert len(slow.looks) == 1
