"""What every MQTT connection has in common."""

from dataclasses import dataclass, field, replace

from verger.base.clock import Clock, SystemClock
from verger.domain.messages.exchange import Exchange
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.house import House, Members
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.sessions import Sessions
from verger.edges.wire.mqtt.speaker import Speaker
from verger.edges.wire.strangers import Strangers

_DAY_S = 86_400


@dataclass(slots=True)
class Counts:
    """Figures for the metrics page; all but `connections` only grow."""

    connections: int = 0
    accepted: int = 0
    refused: int = 0
    malformed: int = 0
    messages: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    unsent: int = 0  # at QoS 0, to clients that did not read
    unanswering: int = 0  # clients that were let go, for they answered nothing while inboxes were full
    unheard: int = 0  # subscriptions that were refused
    unwritten: int = 0  # messages of members that they may not write


@dataclass(frozen=True, slots=True)
class Wiring:
    """The house behind the wire, and the rules at its door; `busy_s` is how long a lost message keeps a device.

    `newcomers` are those that ask for a credential; each may stay `newcomer_s`. `desk` is where families are served.
    """

    house: House
    inlet: Inlet
    sessions: Sessions
    strangers: Strangers
    exchange: Exchange
    members: Members
    clock: Clock = field(default_factory=SystemClock)
    limits: Limits = field(default_factory=Limits)
    member_limits: Limits = field(default_factory=Limits)
    counts: Counts = field(default_factory=Counts)
    busy_s: float = 2.0
    newcomer_s: float = 60.0
    newcomers: set[Speaker] = field(default_factory=set)
    desk: Desk | None = None

    def of_device(self, device: str) -> Limits:
        """Return what a device is held to: what its organisation and its type may."""
        packet_bytes, _ = self.house.bounds(device)
        _, _, days = self.house.inbox(device)
        return replace(self.limits, packet_bytes=packet_bytes or self.limits.packet_bytes, session_s=days * _DAY_S)

    def of_members(self, tenant: str) -> Limits:
        """Return what a program is held to."""
        return replace(self.member_limits, session_s=self.house.limits(tenant).inbox_days * _DAY_S)
