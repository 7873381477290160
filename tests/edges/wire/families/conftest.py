"""The whole product, with what families need: enrolments, devices on real sockets, and people who adopt them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import Product, opened_product
from tests.edges.wire.families.towns import Town, town
from tests.edges.wire.mqtt.device import Device
from tests.people import PASSWORD
from verger.app import running
from verger.base.clock import HeldClock, moment
from verger.base.settings import Settings
from verger.domain.places.model import Place
from verger.domain.tenancy.model import Founding
from verger.edges.wire.mqtt.packets import Connect, Publish

FARM = "/compat/farm"


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


@pytest_asyncio.fixture
async def there(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Town]:
    async with town(tmp_path / "data", clock) as opened:
        yield opened


async def posted(product: Product, path: str, **body: Any) -> Any:
    """Post something, and see it done."""
    answer = await product.owner.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def enrolled(product: Product, dialect: str, **more: Any) -> Any:
    """Open the product's place to a dialect."""
    return await posted(product, "/enrolments", dialect=dialect, place=product.place["id"], **more)


async def waiting(product: Product) -> list[Any]:
    """Return the devices that wait to be adopted."""
    items: list[Any] = (await product.get("/pending-devices"))["items"]
    return items


def client(product: Product, peer: str = "198.51.100.9") -> httpx.AsyncClient:
    """Return a device that speaks HTTP."""
    return visitor(product.app, peer, HERE)


def stranger(product: Product, key: str | None, client_id: str = "ESP8266Client-1a2b", level: int = 4) -> Device:
    """Return a device that speaks MQTT, by an enrolment's key as its user name."""
    device = Device(product.house.mqtt.plain, level, "", client_id)
    device.connect = Connect(client_id, level, username=key, keep_alive=15)
    return device


async def next_message(device: Device) -> Publish:
    """Return the next message that a device hears."""
    while not isinstance(packet := await device.hear(), Publish):
        assert packet is not None, "the connection ended"
    return packet


@pytest_asyncio.fixture
async def founded(tmp_path: Path) -> AsyncIterator[Settings]:
    found = Settings.read({"VERGER_DATA": str(tmp_path / "data"), "VERGER_MQTT_PORT": "0", "VERGER_HTTP_PORT": "0"})
    found = replace(found, reserve_bytes=0)
    async with running(found) as (house, _):
        tenant, _ = await house.stores.tenancy.users.found(Founding("Mökki", "Aino", "aino@example.test", PASSWORD))
        place = Place(id="place-1", name="Cottage", created_at=moment(house.stores.clock.now()))
        await house.stores.places.add(tenant.id, place)
    yield found


@pytest_asyncio.fixture
async def pages(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    """Open the pages of somebody who is signed in to a mushroom farm."""
    async with client(product) as found:
        answer = await found.post(f"{FARM}/api/auth/login", json={"email": "aino@example.test", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert told["message"] == "Login successful"
        assert set(told["tokens"]) == {"AccessToken", "RefreshToken", "IdToken"}
        assert told["access_token"] == told["tokens"]["IdToken"]
        assert "HttpOnly" in answer.headers["set-cookie"]
        found.cookies.clear()
        found.headers["Authorization"] = f"Bearer {told['access_token']}"
        found.base_url = f"{HERE}{FARM}/api"
        yield found
