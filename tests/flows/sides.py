"""The side of a small house that faces devices, for tests of the stories that they begin."""

from dataclasses import dataclass

from tests.flows.conftest import House
from tests.flows.test_inbound import FakeGate, FakeLog
from verger.base.clock import Clock
from verger.base.secrets import ServerSecret
from verger.base.settings import Settings
from verger.domain.alerts.store import AlertStore
from verger.domain.tenancy.limits import LimitStore
from verger.flows.device_side import DeviceSide
from verger.flows.inbound import Inbound
from verger.flows.limiting import Limiting, usual
from verger.flows.presence import Presence
from verger.flows.relaying import Relaying


@dataclass
class Side:
    """A house, and what its devices begin."""

    house: House
    stories: DeviceSide
    presence: Presence
    log: FakeLog
    way_in: Relaying
    gate: FakeGate


@dataclass(frozen=True)
class Common:
    """What a side is built with."""

    clock: Clock
    settings: Settings
    secret: ServerSecret
    limiting: Limiting


def side_of(house: House) -> Side:
    """Return the side of a house that faces devices."""
    kept, log = house.kept, FakeLog()
    settings = Settings(devices_per_tenant=5, series_per_device=4)
    limiting = Limiting(kept, LimitStore(kept.db), usual(settings))
    common = Common(house.clock, settings, ServerSecret(b"s" * 32), limiting)
    presence = Presence(kept, AlertStore(kept.db), house.screens, house.clock, 600)
    stories = DeviceSide.over(kept, house.places, presence, wire=house.wire, screens=house.screens, common=common)
    gate = FakeGate()
    inbound = Inbound(kept.registry, kept.series, log, kept.remarks, house.clock, gate)
    return Side(house, stories, presence, log, stories.before(inbound), gate)
