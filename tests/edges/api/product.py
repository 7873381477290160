"""The whole product at a held time, with a device that speaks, for tests of what people see of it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from tests.edges.api.conftest import HERE, visitor
from tests.people import PASSWORD
from verger.app import House, build_api, open_house, open_stores
from verger.base.clock import SECOND, HeldClock
from verger.base.settings import Settings
from verger.domain.notifications.tables import notice
from verger.domain.tenancy.model import Founding

HELD = 1_800_000_000 * SECOND


@dataclass
class Product:
    """The whole product at a held time, with its owner and a device at a place."""

    house: House
    app: Any
    owner: httpx.AsyncClient
    place: dict[str, Any]
    device: dict[str, Any]
    token: str

    async def say(self, word: str, said: Any) -> httpx.Response:
        """Let the device speak over HTTP; all followers have heard it on return."""
        async with visitor(self.app, base=HERE) as device:
            answer = await device.post(f"/api/v1/{self.token}/{word}", content=json.dumps(said))
        await self.house.oversight.followers.caught_up()
        return answer

    async def get(self, path: str) -> Any:
        answer = await self.owner.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def of_device(self, path: str = "") -> Any:
        return await self.get(f"/devices/{self.device['id']}{path}")


@asynccontextmanager
async def opened_product(
    folder: Path, clock: HeldClock, more: Mapping[str, str] | None = None
) -> AsyncIterator[Product]:
    """Open the product over a folder, with some settings besides."""
    clock.at = HELD
    own = {"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0", "VERGER_RESERVE_BYTES": "0"}
    settings = Settings.read(own | dict(more or {}))
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings, clock))
        app = build_api(house)
        tenancy = house.stores.tenancy
        tenant, owner = await tenancy.users.found(Founding("Mökki", "Aino", "aino@example.test", PASSWORD))
        client = await stack.enter_async_context(visitor(app, base=f"{HERE}/api/v1"))
        client.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(owner.id, tenant.id)}"
        where = {"name": "Lake cottage", "kind": "cottage", "timezone": "Europe/Helsinki"}
        place = (await client.post("/places", json=where)).json()
        made = (await client.post("/devices", json={"name": "Hall", "place": place["id"]})).json()
        yield Product(house, app, client, place, made["device"], made["credentials"]["access_token"])


async def notices(product: Product) -> list[tuple[str, str, str]]:
    """Return (kind, to, title) of every notice so far, the first first."""
    columns = (notice.c.kind, notice.c.to, notice.c.title)
    async with product.house.stores.db.reading() as connection:
        return [tuple(row) for row in await connection.execute(select(*columns).order_by(notice.c.id))]
