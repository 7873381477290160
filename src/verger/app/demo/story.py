"""The story of the demo: a house is founded, furnished, given a past, and let live."""

import asyncio
import secrets
from dataclasses import dataclass

from verger.app import House
from verger.app.demo.estate import PLOTS
from verger.app.demo.families import FAMILIES
from verger.app.demo.lived import inhabit
from verger.app.demo.past import Past
from verger.app.demo.town import Ports, Town
from verger.domain.tenancy.model import Founding
from verger.simulator.life import Life, lived

EMAIL = "demo@verger.example"
_APART_S = 0.4


@dataclass(frozen=True)
class Demo:
    """A demo that runs: who signs in, and by which password."""

    email: str
    password: str


async def demonstrate(house: House, ports: Ports) -> Demo:
    """Fill a fresh house with the demo's estate and its month, and let its devices live from now on."""
    password = secrets.token_urlsafe(9)
    owner = Founding(tenant="Verger demo", name="Demo", email=EMAIL, password=password)
    tenant, user = await house.stores.tenancy.first_run.found(owner, code=None, at_the_machine=True)
    town = Town(house, tenant.id, user.id, ports, Past(house, tenant.id, house.stores.clock.now()))
    for plot in PLOTS:
        await town.settle(plot)
    for family in FAMILIES.values():
        await family(town)
    await town.past.load()
    await inhabit(town)
    house.work.start(_live(town.lives))
    return Demo(EMAIL, password)


async def _live(lives: list[Life]) -> None:
    """Let devices live, each begun a little after the one before."""
    await asyncio.gather(*(_begun(one, number * _APART_S) for number, one in enumerate(lives)))


async def _begun(one: Life, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await lived(one)
