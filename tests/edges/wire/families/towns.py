"""The whole program on real sockets at a held time, with organisations that own power outlets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.edges.wire.families.esp32 import Esp32
from tests.edges.wire.families.unit import Unit
from tests.people import PASSWORD
from verger.app import House, build_api, open_house, open_stores
from verger.base.clock import SECOND, HeldClock
from verger.base.settings import Settings
from verger.domain.tenancy.model import Founding, Role
from verger.edges.api.server import served

HELD = 1_800_000_000 * SECOND


@dataclass
class Home:
    """One organisation, and what its owner does over HTTP."""

    people: httpx.AsyncClient
    place: str
    tenant: str

    async def get(self, path: str) -> Any:
        answer = await self.people.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        answer = await self.people.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def enrolled(self, **more: Any) -> Any:
        return await self.post("/enrolments", dialect="outlet", place=self.place, **more)

    async def added(self, address: str, **more: Any) -> str:
        about = {"name": f"Outlet {address}", "place": self.place, "dialect": "outlet", "address": address}
        return str((await self.post("/devices", **about, **more))["device"]["id"])

    async def latest(self, device: str) -> dict[str, float]:
        return {metric: told["value"] for metric, told in (await self.get(f"/devices/{device}/latest")).items()}

    async def stage(self, command: Any) -> str:
        return str((await self.get(f"/commands/{command['id']}"))["stage"])

    async def commands(self, device: str) -> list[tuple[str, Any, str]]:
        found = (await self.get(f"/devices/{device}/commands"))["items"]
        return [(each["method"], each["params"], each["stage"]) for each in found]


@dataclass
class Town:
    """The whole program on real sockets at a held time; each organisation in it is a home."""

    house: House
    clock: HeldClock
    port: int

    async def settled(self) -> None:
        await self.house.oversight.followers.caught_up()

    async def cycles(self, unit: Unit, count: int, *, background: bool = False) -> None:
        """Let a unit go on, two seconds a cycle."""
        for _ in range(count):
            await unit.cycle(background=background)
            self.clock.advance(2)
            await self.settled()

    def people(self, token: str) -> httpx.AsyncClient:
        """Return a program of somebody's."""
        base = f"http://127.0.0.1:{self.port}/api/v1"
        return httpx.AsyncClient(base_url=base, headers={"Authorization": f"Bearer {token}"} if token else {})

    def unit(self, base: str, *, port: int | None = None, here: str | None = None, **more: Any) -> Unit:
        return Unit(Esp32(port or self.port, here), base, **more)


@asynccontextmanager
async def town(folder: Path, clock: HeldClock, **more: str) -> AsyncIterator[Town]:
    clock.at = max(clock.at, HELD)
    given = {"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0", "VERGER_HTTP_PORT": "0", "VERGER_RESERVE_BYTES": "0"}
    settings = Settings.read(given | more)
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings, clock))
        front = build_api(house)
        ports = await stack.enter_async_context(served(front, settings, house.tls, house.families.at_port))
        yield Town(house, clock, ports.plain)


@asynccontextmanager
async def home(there: Town, name: str) -> AsyncIterator[Home]:
    """Make an organisation with an owner and a place."""
    tenancy, email = there.house.stores.tenancy, f"{name.lower()}@example.test"
    if await tenancy.users.first_tenant() is None:
        tenant, owner = await tenancy.users.found(Founding(name, "Aino", email, PASSWORD))
    else:
        tenant = await tenancy.users.add_tenant(name, "Asia/Manila")
        owner = await tenancy.users.add(tenant.id, Role.owner, "Bea", email, PASSWORD)
    token = await tenancy.sessions.open(owner.id, tenant.id)
    async with there.people(token) as people:
        place = (await people.post("/places", json={"name": name, "timezone": "Asia/Manila"})).json()["id"]
        yield Home(people, place, tenant.id)
