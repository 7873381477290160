"""What the demo makes: places, devices, enrolments, and the doors by which its devices get in."""

from dataclasses import dataclass, field
from typing import Any

from verger.app import House
from verger.app.demo.estate import Plot
from verger.app.demo.past import MONTH, Past
from verger.app.demo.troubles import Span, Trouble
from verger.base.clock import moment
from verger.base.ids import new_id
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.simulator.kinds import seed_of
from verger.simulator.life import Door, Life, Nature

SEED = 5


@dataclass(frozen=True)
class Ports:
    """Where the demo's server listens."""

    host: str
    http: int
    mqtt: int


@dataclass
class Town:
    """A demo that is being built: `by` is who builds it, `lives` will go on speaking, `troubles` are long over.

    Places and devices are known by their names, keys of enrolments by family, rules by place and key in its blueprint.
    """

    house: House
    tenant: str
    by: str
    ports: Ports
    past: Past
    places: dict[str, str] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)
    troubles: list[tuple[Trouble, Span]] = field(default_factory=list)

    @property
    def since(self) -> int:
        """When it all began."""
        return self.past.until - MONTH

    async def settle(self, plot: Plot) -> str:
        """Make a place, opened to its family and furnished for it."""
        place = Place(
            id=new_id(),
            name=plot.name,
            kind=plot.kind,
            parent=self.places.get(plot.within),
            timezone=plot.timezone,
            latitude=plot.where[0],
            longitude=plot.where[1],
            created_at=moment(self.since),
        )
        grounds = self.house.grounds
        self.places[plot.name] = (await grounds.places.add(self.tenant, place)).id
        if plot.family:
            wish = {"dialect": plot.family, "place": place.id}
            self.keys[plot.family] = (await grounds.enrolling.add(self.tenant, wish)).key
            laid = await grounds.furnishing.furnish(self.tenant, place.id, plot.family, f"user:{self.by}")
            self.rules |= {f"{plot.name}/{part.key}": part.id for part in laid.made if part.kind == "rule" and part.id}
        return place.id

    async def device(self, name: str, plot: Plot, family: str, address: str | None, **more: Any) -> tuple[Device, str]:
        """Add a device that its family knows by an address; return it and its secret, where it has one."""
        about = {"dialect": family, "address": address, "created_at": moment(self.since)} | more
        secret = about.pop("secret", None)
        device = Device(id=new_id(), name=name, place=self.places[plot.name], **about)
        added, proof = await self.house.grounds.adopting.add(self.tenant, device, secret)
        self.devices[f"{plot.name}/{name}"] = added
        return added, proof

    def nature(self, family: str, number: int, every_s: float) -> Nature:
        """Return what makes one of the devices."""
        return Nature(number, seed_of(SEED, f"{family} {number}"), every_s, clock=self.house.stores.clock)

    def door(self, family: str, *, mqtt: bool = False) -> Door:
        """Return the way in for devices of a family."""
        return Door(self.ports.host, self.ports.mqtt if mqtt else self.ports.http, self.keys.get(family, ""))
