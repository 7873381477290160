"""A small house with one tenant, one place and one device."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.flows.homes import NOW, Home, Open
from tests.people import PASSWORD
from verger.app import House as WholeHouse
from verger.app import open_house, open_stores
from verger.base.clock import HeldClock, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.base.settings import Settings
from verger.domain.commands.model import Command
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.domain.places.store import PlaceStore
from verger.domain.tenancy import tables
from verger.domain.tenancy.model import Founding
from verger.flows.provisioning import Provisioning


@dataclass
class FakeScreens:
    """Screens that remember what they were told."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def tell(self, device: str, word: dict[str, Any]) -> None:
        self.told.append((device, word))

    def announce(self, tenant: str, word: dict[str, Any], *, place: str | None, device: str | None = None) -> None:
        self.told.append((device or place or tenant, word))

    def changed(self, tenant: str) -> None:
        """Show nothing anew."""


@dataclass
class FakeWire:
    """A wire that remembers whom it dropped, and what it told to those who listen."""

    dropped: list[str] = field(default_factory=list)
    desired: list[tuple[str, dict[str, Any], tuple[str, ...]]] = field(default_factory=list)
    listening: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def ask(self, device: Device, command: Command) -> str | None:
        if device.id not in self.listening:
            return None
        self.asked.append((device.id, command.method, command.params))
        return "mqtt"

    def desire(self, device: Device, values: Mapping[str, Any], gone: Sequence[str]) -> None:
        self.desired.append((device.id, dict(values), tuple(gone)))

    async def kept(self) -> None:
        """Have nothing that waits."""

    def drop(self, device: str) -> None:
        self.dropped.append(device)


@dataclass
class House:
    """What the tests of a flow use."""

    tenant: str
    place: Place
    kept: Kept
    provisioning: Provisioning
    places: PlaceStore
    screens: FakeScreens
    wire: FakeWire
    clock: HeldClock

    def new_device(self, name: str = "Hall sensor", **more: Any) -> Device:
        return Device(id=new_id(), name=name, place=self.place.id, created_at=moment(self.clock.now()), **more)

    async def add(self, name: str = "Hall sensor", **more: Any) -> Device:
        device, _ = await self.provisioning.add(self.tenant, self.new_device(name, **more))
        return device


async def new_tenant(db: Database, clock: HeldClock) -> str:
    tenant = new_id()
    async with db.writing() as connection:
        await connection.execute(
            tables.tenant.insert().values(
                id=tenant, name="Lake", timezone="UTC", created_at=moment(clock.now()) - timedelta(days=1), version=1
            )
        )
    return tenant


@pytest_asyncio.fixture
async def house(db: Database, clock: HeldClock) -> House:
    """Return a house with a tenant and a place."""
    tenant = await new_tenant(db, clock)
    kept, places = Kept.over(db, clock), PlaceStore(db)
    place = await places.add(tenant, Place(id=new_id(), name="Cottage", created_at=moment(clock.now())))
    screens, wire = FakeScreens(), FakeWire()
    provisioning = Provisioning(kept, places, wire, screens, clock, series_limit=4)
    return House(tenant, place, kept, provisioning, places, screens, wire, clock)


@pytest_asyncio.fixture
async def open_on(clock: HeldClock) -> AsyncIterator[Open]:
    """Return what opens the whole product on a folder."""
    async with AsyncExitStack() as stack:

        async def begin(folder: Path) -> WholeHouse:
            shelf = str(folder.parent / "shelf")
            given = {"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0", "VERGER_BACKUP_FOLDER": shelf}
            settings = Settings.read(given | {"VERGER_RESERVE_BYTES": "0"})
            return await open_house(stack, await open_stores(stack, settings, clock))

        yield begin


@pytest_asyncio.fixture
async def home(tmp_path: Path, clock: HeldClock, open_on: Open) -> Home:
    house = await open_on(tmp_path / "data")
    owner = Founding("Mökki", "Aino", "aino@example.test", PASSWORD)
    tenant, _ = await house.stores.tenancy.users.found(owner)
    place = await house.grounds.places.add(tenant.id, Place(id=new_id(), name="Cottage", created_at=NOW))
    return Home(house, tmp_path / "data", clock, tenant.id, place.id)
