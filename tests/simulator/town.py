"""The whole product over real sockets, and simulated devices of families that live there, cycle by cycle."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.edges.api.product import Product, opened_product
from tests.edges.wire.families.conftest import enrolled, posted
from verger.base.clock import HeldClock
from verger.base.settings import Settings
from verger.edges.api.server import served
from verger.simulator.faults import Faults
from verger.simulator.life import Door, Life, Nature

EVERY_S, SEED = 0.4, 7


@dataclass
class Town:
    """The product, where it answers HTTP, and the clock that all share."""

    product: Product
    http: int
    clock: HeldClock

    async def door(self, dialect: str, *, mqtt: bool = False, **more: Any) -> Door:
        """Open the product's place to a family."""
        key = (await enrolled(self.product, dialect, **more))["key"]
        return Door("127.0.0.1", self.product.house.mqtt.plain if mqtt else self.http, key)

    def nature(self, every_s: float = EVERY_S, **rates: float) -> Nature:
        """Return what makes a device, with faults at a rate."""

        async def wait(seconds: float) -> None:
            self.clock.advance(seconds)

        return Nature(1, SEED, every_s, Faults(rates, SEED), self.clock, wait)

    async def live(self, one: Life, cycles: int = 1) -> None:
        """Let a device live some cycles; what it said was heard by all on return."""
        for _ in range(cycles):
            self.clock.advance(max(0.01, await one.cycle()))
        await self.heard()

    async def moved_to(self, timezone: str) -> None:
        """Let the place lie in another time zone."""
        answer = await self.product.owner.patch(f"/places/{self.product.place['id']}", json={"timezone": timezone})
        assert answer.status_code == 200, answer.text

    async def heard(self) -> None:
        """Wait until all followers have heard what was said."""
        await self.product.house.oversight.followers.caught_up()

    async def until(self, look: Callable[[], Awaitable[Any]], met: Callable[[Any], bool]) -> Any:
        """Look until something is as it should: what comes at QoS 0 is not acknowledged, so nobody says when."""
        async with asyncio.timeout(10):
            while not met(found := await look()):
                await self.heard()
        return found

    async def device(self, name: str, dialect: str, address: str | None, **more: Any) -> Any:
        """Add a device; return all that is answered."""
        place = self.product.place["id"]
        return await posted(self.product, "/devices", name=name, place=place, dialect=dialect, address=address, **more)

    async def latest(self, device: str) -> dict[str, float]:
        """Return the latest value of each metric of a device."""
        told = await self.product.get(f"/devices/{device}/latest")
        return {metric: each["value"] for metric, each in told.items()}

    async def readings(self, device: str, metric: str) -> list[tuple[str, float]]:
        """Return every reading of a metric."""
        far = {"from": "2000-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z", "limit": 10_000, "metric": metric}
        query = "&".join(f"{name}={value}" for name, value in far.items())
        items = (await self.product.get(f"/devices/{device}/readings?{query}"))["items"]
        return [(each["at"], each["value"]) for each in items]

    async def events(self, device: str, kind: str) -> list[Any]:
        """Return every event of a kind."""
        far = "from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&limit=500"
        items: list[Any] = (await self.product.get(f"/devices/{device}/events?kind={kind}&{far}"))["items"]
        return items

    async def ask(self, device: str, method: str, ttl_s: int = 600, **params: Any) -> str:
        """Ask a device for something; return the command's id."""
        body = {"method": method, "params": params, "ttl_s": ttl_s}
        command: str = (await posted(self.product, f"/devices/{device}/commands", **body))["id"]
        return command

    async def command(self, command: str) -> Any:
        """Return how a command stands."""
        await self.heard()
        return await self.product.get(f"/commands/{command}")

    async def log(self, device: str) -> list[str]:
        """Return the sentences of a device's log page."""
        return [each["message"] for each in (await self.product.get(f"/devices/{device}/log"))["items"]]


@asynccontextmanager
async def town_at(folder: Path, clock: HeldClock) -> AsyncIterator[Town]:
    """Open the product with an HTTP port of its own."""
    settings = Settings.read({"VERGER_HTTP_HOST": "127.0.0.1", "VERGER_HTTP_PORT": "0"})
    async with opened_product(folder, clock) as product, served(product.app, settings, None) as ports:
        yield Town(product, ports.plain, clock)
