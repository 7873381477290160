"""A small house with one tenant, one place and one device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest_asyncio

from verger.base.clock import HeldClock, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.domain.places.store import PlaceStore
from verger.domain.tenancy import tables
from verger.flows.provisioning import Provisioning


@dataclass
class FakeScreens:
    """Screens that remember what they were told."""

    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def tell(self, device: str, word: dict[str, Any]) -> None:
        self.told.append((device, word))

    def changed(self, tenant: str) -> None:
        """Show nothing anew."""


@dataclass
class FakeWire:
    """A wire that remembers whom it dropped."""

    dropped: list[str] = field(default_factory=list)
    desired: list[tuple[str, dict[str, Any], tuple[str, ...]]] = field(default_factory=list)

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
