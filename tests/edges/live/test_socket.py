"""The socket of one screen."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from verger.base.errors import Unknown
from verger.domain.devices.registry import Registry
from verger.edges.live.hub import Hub
from verger.edges.live.looking import Looking
from verger.edges.live.socket import LiveSocket


@dataclass
class Guests:
    """Lets everybody in, and out once `signed_out`."""

    signed_out: bool = False

    async def enter(self, _scope: MutableMapping[str, Any]) -> tuple[str, str | None]:
        return "lake", None

    async def still(self, _scope: MutableMapping[str, Any], _tenant: str) -> None:
        if self.signed_out:
            raise Unknown("You are signed in no longer.")


@dataclass
class Place:
    """A place that counts how often it was read; the first time something changes meanwhile."""

    hub: Hub
    reads: int = 0
    below: list[str] = field(default_factory=lambda: ["cottage"])

    async def subject(self, tenant: str, _kind: str, _subject: str) -> "Place":
        self.reads += 1
        if self.reads == 1:
            self.hub.changed(tenant)
        return self

    def snapshot(self) -> dict[str, Any]:
        return {"type": "snapshot", "reads": self.reads}


class Browser:
    """The other end: says what it is told to, then nothing; keeps what it hears."""

    def __init__(self, *says: dict[str, Any]) -> None:
        self.says = [{"type": "websocket.connect"}, *({"type": "websocket.receive", "text": text(s)} for s in says)]
        self.heard: list[dict[str, Any]] = []
        self.news = asyncio.Event()

    async def receive(self) -> MutableMapping[str, Any]:
        if self.says:
            return self.says.pop(0)
        await asyncio.Event().wait()
        return {}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.heard.append(dict(message))
        self.news.set()

    async def frame(self, number: int) -> dict[str, Any]:
        """Return a frame once it is there."""
        while len(texts := [m["text"] for m in self.heard if "text" in m]) <= number:
            self.news.clear()
            await self.news.wait()
        return dict(msgspec.json.decode(texts[number]))


def text(said: dict[str, Any]) -> str:
    return msgspec.json.encode(said).decode()


async def at_once() -> None:
    """Be abreast already."""


async def test_a_screen_is_closed_once_its_caller_has_signed_out() -> None:
    hub, guests, browser = Hub(Registry(), lambda _: []), Guests(), Browser({"type": "ping"})
    socket = LiveSocket(hub, Looking(Place(hub), hub), guests, at_once, look_s=0)
    serving = asyncio.create_task(socket({}, browser.receive, browser.send))
    assert await browser.frame(0) == {"type": "pong"}
    guests.signed_out = True
    await serving
    assert browser.heard[-1] == {"type": "websocket.close", "code": 1008}
    assert hub.screens == 0


async def test_what_changed_while_a_snapshot_was_read_is_shown_anew() -> None:
    hub, browser = Hub(Registry(), lambda _: []), Browser({"type": "subscribe", "place": "cottage"})
    socket = LiveSocket(hub, Looking(Place(hub), hub), Guests(), at_once)
    serving = asyncio.create_task(socket({}, browser.receive, browser.send))
    assert await browser.frame(0) == {"type": "snapshot", "reads": 2}
    serving.cancel()
