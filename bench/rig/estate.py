"""A house with many devices, made in its data folder before the server starts; the API would take hours for 100,000."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Table

from bench.rig.product import WORDS, Product, environment
from bench.rig.subject import ready_line, started
from verger.app.stores import Stores, open_stores
from verger.base.clock import moment
from verger.base.ids import new_id
from verger.base.secrets import digest, new_token
from verger.base.settings import Settings
from verger.domain.devices.credentials import KIND, credential_table
from verger.domain.devices.model import Device
from verger.domain.devices.series import series_table
from verger.domain.devices.store import device_table
from verger.domain.places.model import Place
from verger.domain.tenancy.model import Founding

METRICS = ("temperature", "humidity", "co2")  # as the generator sends them
OWNER = Founding(tenant="Bench", name="Bench", email="bench@example.org", password="a bench has no secrets")  # noqa: S106
_AT_ONCE = 5000


class Estate(msgspec.Struct, frozen=True):
    """Who lives there: a place, its devices, and their access tokens in the same order."""

    place: str
    devices: list[str]
    tokens: list[str]


Furnish = Callable[[Stores, str, Estate], Awaitable[None]]
"""Adds what a bench needs besides: (stores, tenant, estate)."""


async def bare(_stores: Stores, _tenant: str, _estate: Estate) -> None:
    """Add nothing."""


def build(folder: Path, devices: int, furnish: Furnish = bare) -> Estate:
    """Found a tenant in an empty data folder, with one place and so many devices whose series have their numbers."""
    return asyncio.run(_build(Settings.read(environment(folder)), devices, furnish))


async def _build(settings: Settings, devices: int, furnish: Furnish) -> Estate:
    async with AsyncExitStack() as stack:
        stores = await open_stores(stack, settings)
        tenant, _ = await stores.tenancy.first_run.found(OWNER, code=None, at_the_machine=True)
        place = Place(id=new_id(), name="Bench", kind="house", timezone="UTC", created_at=moment(stores.clock.now()))
        await stores.places.add(tenant.id, place)
        estate = Estate(place.id, [new_id() for _ in range(devices)], [new_token(KIND) for _ in range(devices)])
        await _settle(stores, tenant.id, estate)
        await furnish(stores, tenant.id, estate)
        return estate


async def _settle(stores: Stores, tenant: str, estate: Estate) -> None:
    """Write the rows that adding a device and hearing it would write."""
    now = moment(stores.clock.now())
    whole = Device(id=new_id(), name="0", place=estate.place, created_at=now)
    usual: dict[str, Any] = {
        name: value for name, value in msgspec.structs.asdict(whole).items() if name in device_table.columns
    }
    usual |= {"tenant": tenant, "silence": {}, "retired_at": None, "last_seen": None}
    rows = [usual | {"id": device, "name": f"{number}"} for number, device in enumerate(estate.devices)]
    await _insert(stores, device_table, rows)
    owned = {"tenant": tenant, "created_at": now}
    pairs = zip(estate.devices, estate.tokens, strict=True)
    await _insert(stores, credential_table, [owned | {"device": d, "token_hash": digest(t)} for d, t in pairs])
    named = owned | {"unit": "", "name": ""}
    await _insert(stores, series_table, [named | {"device": d, "metric": m} for d in estate.devices for m in METRICS])


async def _insert(stores: Stores, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    for begin in range(0, len(rows), _AT_ONCE):
        async with stores.db.writing() as connection:
            await connection.execute(table.insert(), rows[begin : begin + _AT_ONCE])


@contextmanager
def settled(
    folder: Path, core: int, devices: int, told: Mapping[str, str] | None = None, furnish: Furnish = bare
) -> Iterator[tuple[Product, Estate]]:
    """Run Verger on one core with an estate of so many devices, signed in as its owner; `told` are further settings."""
    estate, log = build(folder, devices, furnish), folder / "verger.log"
    with started(WORDS, core, log, environment(folder) | dict(told or {})) as server:
        subject = Product(ready_line(server, "verger ready", log), server.pid, folder / "tokens")
        subject.sign_in(OWNER.email, OWNER.password, estate.devices, estate.tokens)
        yield subject, estate
