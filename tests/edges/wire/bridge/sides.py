"""The whole product beside somebody else's broker, as people of one organisation see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.whole import moved_in
from tests.edges.wire.bridge.broker import Broker
from verger.app import House, build_api, open_house, open_stores
from verger.base.settings import Settings

T = TypeVar("T")


async def once(ask: Callable[[], Awaitable[T]], met: Callable[[T], bool]) -> T:
    """Ask until the answer is as wanted; other processes decide when that is."""
    async with asyncio.timeout(20):
        while True:
            if met(found := await ask()):
                return found
            await asyncio.sleep(0.02)


@dataclass
class Side:
    """The whole product beside a broker, with an organisation's place and one device in it."""

    house: House
    owner: httpx.AsyncClient
    place: str
    device: str

    async def opens(self, broker: Broker, **more: Any) -> str:
        """Open a bridge and return it once it is connected."""
        bridge = await self.adds(broker, **more)
        await self.until(bridge, lambda shown: bool(shown["connected"]))
        return bridge

    async def adds(self, broker: Broker, **more: Any) -> str:
        body = {
            "name": "Plant",
            "host": "127.0.0.1",
            "port": broker.port,
            "tls": False,
            "filters": ["plant/#"],
            "rules": [{"topic": "plant/{device}/telemetry"}],
        }
        return str((await self.posted("/bridges", **body | more))["id"])

    async def get(self, path: str, **query: str) -> Any:
        answer = await self.owner.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def posted(self, path: str, **body: Any) -> Any:
        answer = await self.owner.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def shown(self, bridge: str) -> dict[str, Any]:
        return dict((await self.owner.get(f"/bridges/{bridge}")).json())

    async def until(self, bridge: str, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return how a bridge stands once it is as wanted."""
        return await once(lambda: self.shown(bridge), met)

    async def values(self, metric: str, count: int, device: str | None = None) -> list[float]:
        """Return what a device measured, once there is so much of it."""
        return await once(lambda: self._values(metric, device or self.device), lambda found: len(found) >= count)

    async def _values(self, metric: str, device: str) -> list[float]:
        answer = await self.owner.get(f"/devices/{device}/readings", params={"metric": metric})
        return [each["value"] for each in answer.json()["items"]]

    # devices of families

    async def enrolled(self, dialect: str, **more: Any) -> str:
        """Open the place to a dialect; return the enrolment."""
        return str((await self.posted("/enrolments", dialect=dialect, place=self.place, **more))["id"])

    async def listens(self, broker: Broker, dialect: str, prefix: str = "site/", **more: Any) -> str:
        """Open a bridge to a family's devices behind a prefix, and the place to them."""
        rule = {"topic": f"{prefix}#", "says": dialect, "enrolment": await self.enrolled(dialect)}
        return await self.opens(broker, filters=[f"{prefix}#"], rules=[rule], **more)

    async def waits(self, address: str) -> dict[str, Any]:
        """Return the device that waits under an address, once it does."""

        async def found() -> list[Any]:
            items = (await self.get("/pending-devices"))["items"]
            return [each for each in items if each["address"] == address]

        return dict((await once(found, bool))[0])

    async def adopts(self, address: str) -> str:
        """Adopt a device once it waits; return it."""
        pending = (await self.waits(address))["id"]
        return str((await self.posted(f"/pending-devices/{pending}/adopt"))["device"]["id"])

    async def ends(self, command: str, stage: str) -> dict[str, Any]:
        """Return a command once it is at a stage."""
        return dict(await once(lambda: self.get(f"/commands/{command}"), lambda found: found["stage"] == stage))

    async def log(self, device: str) -> str:
        """Return all that stands on the log page of a device."""
        await self.house.stores.kept.remarks.write()
        return str(await self.get(f"/devices/{device}/log"))


@asynccontextmanager
async def opened(folder: Path, tokens: dict[str, str], **more: str) -> AsyncIterator[tuple[House, Any]]:
    """Open the product over a folder; `tokens` are of the people in it, who come with it where it is new."""
    surroundings = {"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0"}
    settings = Settings.read(surroundings | {"VERGER_OUTGOING_NETWORKS": "127.0.0.0/8,::1/128"} | more)
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        if not tokens:
            tokens |= await moved_in(house.stores.tenancy)
        yield house, build_api(house)


@asynccontextmanager
async def side_of(there: tuple[House, Any], token: str) -> AsyncIterator[Side]:
    """Be somebody in the product, with a place of their own and a device in it."""
    house, app = there
    async with visitor(app, base=f"{HERE}/api/v1") as owner:
        owner.headers["Authorization"] = f"Bearer {token}"
        places = (await owner.get("/places")).json()["items"]
        place = places[0]["id"] if places else (await owner.post("/places", json={"name": "Plant"})).json()["id"]
        added = await owner.post("/devices", json={"name": "Press 1", "place": place})
        yield Side(house, owner, place, added.json()["device"]["id"])
