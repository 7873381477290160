"""The side of the house that faces devices: the stories they begin, in one hand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from verger.base.clock import Clock
from verger.base.secrets import ServerSecret
from verger.base.settings import Settings
from verger.domain.devices.kept import Kept
from verger.domain.places.store import PlaceStore
from verger.flows.claiming import Claiming
from verger.flows.comings import Comings
from verger.flows.desiring import Desiring
from verger.flows.joining import Door
from verger.flows.limiting import Limiting
from verger.flows.oversight import Figure
from verger.flows.ports import Screens, Wire
from verger.flows.presence import Presence
from verger.flows.provisioning import Provisioning
from verger.flows.reception import Reception
from verger.flows.relaying import Bounds, Relaying, Takes


class Common(Protocol):
    """What every part of a house is built with."""

    @property
    def settings(self) -> Settings:
        """Return the settings."""
        ...

    @property
    def secret(self) -> ServerSecret:
        """Return the secret of the data folder."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        ...

    @property
    def limiting(self) -> Limiting:
        """Return what tells who may use how much."""
        ...


@dataclass(frozen=True)
class DeviceSide:
    """Built once, over one house."""

    kept: Kept
    clock: Clock
    bounds: Bounds
    provisioning: Provisioning
    desiring: Desiring
    claiming: Claiming
    door: Door
    comings: Comings
    reception: Reception

    @classmethod
    def over(
        cls,
        kept: Kept,
        places: PlaceStore,
        presence: Presence,
        *,
        wire: Wire,
        screens: Screens,
        common: Common,
    ) -> Self:
        """Join the stories of one house."""
        settings, secret, clock = common.settings, common.secret, common.clock
        bounds = Bounds(settings.devices_per_tenant, settings.series_per_device)
        provisioning = Provisioning(kept, places, wire, screens, clock, bounds.series)
        door = Door(kept, provisioning, presence, secret, clock, bounds.devices)
        comings = Comings(presence, screens)
        return cls(
            kept=kept,
            clock=clock,
            bounds=bounds,
            provisioning=provisioning,
            desiring=Desiring(kept, wire, screens, clock, settings.desired_per_device),
            claiming=Claiming(kept, places, provisioning, secret, clock, settings.claim_s),
            door=door,
            comings=comings,
            reception=Reception(kept, presence, comings, door, secret, common.limiting),
        )

    def figures(self) -> Iterator[Figure]:
        """Return what gateways brought, and what was dropped."""
        yield Figure("devices_brought", "Devices that gateways brought", self.comings.brought, grows=True)
        dropped = self.kept.attributes.dropped
        yield Figure("attribute_changes_dropped", "Changes of attributes past the limit", dropped, grows=True)

    def before(self, inbound: Takes) -> Relaying:
        """Return what stands before the inbound."""
        return Relaying(inbound, self.claiming, self.kept, self.comings, self.clock, self.bounds)
