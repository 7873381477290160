"""The families: what meets their devices, over MQTT and HTTP, and what people do with those that wait."""

from collections.abc import Iterator
from dataclasses import dataclass

from verger.app.commands import Orders
from verger.app.stores import Stores
from verger.base.patience import Patience
from verger.base.proxies import Proxies
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.mount import FamilyHttp
from verger.edges.wire.families.table import SPOKEN
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.switchboard import Switchboard
from verger.flows.adopting import Adopting
from verger.flows.device_side import DeviceSide
from verger.flows.enrolling import Enrolling
from verger.flows.meeting import Meeting
from verger.flows.oversight import Figure
from verger.flows.relaying import Takes


@dataclass(frozen=True)
class Families:
    """Built once, over one house."""

    meeting: Meeting
    desk: Desk
    http: FamilyHttp
    adopting: Adopting
    enrolling: Enrolling

    @classmethod
    def over(
        cls, stores: Stores, side: DeviceSide, orders: Orders, inlet: Inlet, inbound: Takes, patience: Patience
    ) -> "Families":
        """Join what families need."""
        settings, enrolled, clock = stores.settings, stores.enrolled, stores.clock
        meeting = Meeting(stores.kept, enrolled, clock, settings.stranger_rate)
        switchboard = Switchboard(side.reception)
        switchboard.orders = orders.outbound
        orders.dispatch.listeners.append(switchboard)
        desk = Desk(side.reception, inlet, meeting, switchboard, orders.outbound)
        proxies = Proxies(settings.trusted_proxies)
        return cls(
            meeting=meeting,
            desk=desk,
            http=FamilyHttp(desk, SPOKEN, settings.compat_root, patience, proxies, settings.body_bytes),
            adopting=Adopting(enrolled, side.provisioning, inbound, clock),
            enrolling=Enrolling(enrolled, stores.places, clock, settings.enrolment_networks, switchboard.shut),
        )

    def figures(self) -> Iterator[Figure]:
        """Return the figures of strangers, and of what families ask over HTTP."""
        yield from self.meeting.figures()
        yield Figure("family_requests", "Requests of families over HTTP", self.http.requests, grows=True)
        yield Figure("family_refused", "Requests of families without a right to ask", self.http.refused, grows=True)
