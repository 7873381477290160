"""Names are looked up beside all else, and an owner whose names answer slowly holds up nobody else's."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from verger.base import lookups
from verger.base.errors import Refused
from verger.base.lookups import Lookups, on_behalf_of
from verger.base.outgoing import Outgoing


class Names:
    """A resolver: names that begin with slow are answered once the door is open."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.door = Event()

    def look_up(self, host: str, port: int, **_more: Any) -> list[Any]:
        self.asked.append(host)
        if host.startswith("slow"):
            self.door.wait(60)
        if host == "nobody.test":
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.7", port))] * 2


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    yield names
    names.door.set()


async def find(some: Lookups, owner: str, host: str) -> list[str]:
    with on_behalf_of(owner):
        return await some.find(host, 443)


async def until(some: Lookups, running: int, waiting: int) -> None:
    async with asyncio.timeout(20):
        while (some.running, some.waiting) != (running, waiting):  # noqa: ASYNC110  it is another's event
            await asyncio.sleep(0)


@pytest.mark.usefixtures("names")
async def test_a_name_is_its_numbers_each_once() -> None:
    assert await Lookups().find("there.test", 443) == ["192.0.2.7"]


@pytest.mark.usefixtures("names")
async def test_a_name_that_nobody_has_is_told() -> None:
    with pytest.raises(Refused, match="no host nobody"):
        await Lookups().find("nobody.test", 443)


async def test_a_name_that_nobody_could_have_is_told() -> None:
    with pytest.raises(Refused, match="no host aaaa"):
        await Lookups().find("a" * 64 + ".test", 443)


async def test_an_owner_with_slow_names_has_its_share_and_others_go_on(names: Names) -> None:
    some = Lookups(16)
    slow = [asyncio.create_task(find(some, "farm", f"slow{number}.test")) for number in range(5)]
    await until(some, 2, 3)
    assert await find(some, "cottage", "quick.test") == ["192.0.2.7"]
    names.door.set()
    assert await asyncio.gather(*slow) == [["192.0.2.7"]] * 5
    assert (some.running, some.waiting) == (0, 0)


async def test_once_half_are_taken_each_owner_has_one(names: Names) -> None:
    some = Lookups(4)
    slow = [asyncio.create_task(find(some, owner, f"slow.{owner}")) for owner in "aabbcc"]
    await until(some, 3, 3)
    assert await find(some, "d", "quick.test") == ["192.0.2.7"]
    names.door.set()
    await asyncio.gather(*slow)


async def test_whoever_gives_up_leaves_its_place_taken_until_the_name_is_answered(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = Lookups(8)
    monkeypatch.setattr(lookups, "_LONGEST_S", 0.01)
    with pytest.raises(Refused, match=r"too long to look up slow\.test"):
        await find(some, "farm", "slow.test")
    assert some.running == 1
    with pytest.raises(Refused, match="too long"):
        await find(some, "farm", "quick.test")
    assert names.asked == ["slow.test"]
    names.door.set()
    await until(some, 0, 0)
    monkeypatch.setattr(lookups, "_LONGEST_S", 20)
    assert await find(some, "farm", "quick.test") == ["192.0.2.7"]


@pytest.mark.usefixtures("names")
async def test_what_a_name_means_is_checked() -> None:
    with pytest.raises(Refused, match=r"there\.test is at 192\.0\.2\.7, which is not public"):
        await Outgoing().addresses("there.test", 443)
    assert await Outgoing(("192.0.2.0/24",)).addresses("there.test", 443) == ["192.0.2.7"]
