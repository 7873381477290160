"""The families: what meets their devices, over MQTT and HTTP, and what people do with those that wait."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from verger.app.commands import Orders
from verger.app.stores import Stores
from verger.base.outgoing import Outgoing
from verger.base.patience import Patience
from verger.base.proxies import Proxies
from verger.domain.devices.addresses import Addressed, Addresses
from verger.domain.devices.attributes import AttributeStore
from verger.domain.devices.families import identity
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.live.hub import Hub
from verger.edges.live.screen import Screen
from verger.edges.outside.http import Http
from verger.edges.wire.families.desk import Desk, Pages
from verger.edges.wire.families.mount import FamilyHttp
from verger.edges.wire.families.origins import Origins
from verger.edges.wire.families.people import People, Stories
from verger.edges.wire.families.table import SPOKEN
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.switchboard import Switchboard
from verger.edges.wire.units import Units
from verger.flows.adopting import Adopting
from verger.flows.device_side import DeviceSide
from verger.flows.enrolling import Enrolling
from verger.flows.lies import Lies
from verger.flows.meeting import Meeting
from verger.flows.oversight import Figure
from verger.flows.passing import Passing
from verger.flows.relaying import Takes

_MOST_UNREAD = 16


async def watch(hub: Hub, tenant: str, devices: Callable[[], Iterable[str]]) -> AsyncIterator[dict[str, Any]]:
    """Give what happens in a tenant and with some devices, asked for anew whenever they change."""
    screen, frames = Screen(tenant), asyncio.Queue[str](_MOST_UNREAD)

    def show() -> None:
        for kind, subject in list(screen.subjects):
            screen.hide(kind, subject)
        screen.show("tenant", tenant, [tenant])
        for device in devices():
            screen.show("device", device, [device])
        hub.watch()

    async def fresh(kind: str, _subject: str) -> str:
        if kind == "tenant":
            show()
        return ""

    hub.open(screen)
    show()
    draining = asyncio.create_task(screen.drain(frames.put, fresh))
    try:
        while True:
            if frame := await frames.get():
                yield msgspec.json.decode(frame)
    finally:
        hub.close(screen)
        draining.cancel()


async def _owed(attributes: AttributeStore, unit: Addressed) -> Any:
    """Return the limit that is desired of a unit's breaker and that it was not told, None where there is none."""
    state = (await attributes.of(unit.tenant, [unit.device])).get(unit.device)
    if state is None or state.desired.get("threshold") == state.reported.get("threshold"):
        return None
    return state.desired.get("threshold")


def _units(stores: Stores, orders: Orders, inlet: Inlet) -> Units:
    """Return what calls control units of power outlets, at the addresses that the operator wrote down and no others."""
    addresses = stores.settings.outlet_units
    door = Outgoing([address.partition(":")[0] for _, address in addresses], public=False)
    post, owed = Http(door, redirects=0).post, partial(_owed, stores.kept.attributes)
    units = Units(dict(addresses), stores.kept.addresses, post, inlet.put, orders.outbound.has, owed)
    orders.dispatch.direct.append(units)
    return units


def _stands(addresses: Addresses, switchboard: Switchboard, device: str) -> None:
    """Let the switchboard know a device by the address that it had as a stranger."""
    if (known := addresses.of(device)) is not None:
        switchboard.adopted((known.tenant, known.dialect, identity(known.dialect, known.address)), device)


@dataclass(frozen=True)
class Families:
    """Built once, over one house."""

    meeting: Meeting
    desk: Desk
    http: FamilyHttp
    adopting: Adopting
    enrolling: Enrolling
    units: Units

    @classmethod
    def over(
        cls, stores: Stores, side: DeviceSide, orders: Orders, inlet: Inlet, inbound: Takes, patience: Patience
    ) -> "Families":
        """Join what families need."""
        settings, enrolled, clock = stores.settings, stores.enrolled, stores.clock
        lies = Lies(stores.kept, stores.alerts, clock)
        meeting = Meeting(stores.kept, enrolled, lies, clock, settings.stranger_rate)
        switchboard = Switchboard(side.reception)
        switchboard.orders = orders.outbound
        orders.dispatch.listeners.append(switchboard)
        stores.kept.addresses.stood.append(partial(_stands, stores.kept.addresses, switchboard))
        passing = Passing(stores.kept, enrolled, meeting, stores.secret, enrolled.turns, clock)
        pages = Pages(settings.farm_pages, settings.farm_page_packets)
        desk = Desk(side.reception, inlet, meeting, switchboard, orders.outbound, passing, pages)
        proxies, units = Proxies(settings.trusted_proxies), _units(stores, orders, inlet)
        origins = Origins(frozenset(settings.compat_origins))
        return cls(
            meeting=meeting,
            desk=desk,
            http=FamilyHttp(desk, SPOKEN, settings.compat_root, patience, proxies, settings.body_bytes, origins),
            adopting=Adopting(enrolled, side.provisioning, inbound, clock),
            enrolling=Enrolling(enrolled, stores.places, clock, settings.enrolment_networks, switchboard.shut),
            units=units,
        )

    def let_people_in(self, tenancy: Tenancy, stories: Stories, hub: Hub) -> None:
        """Let people speak in the families' words, once their stories are there."""
        self.desk.people = People(tenancy, stories, partial(watch, hub), hub.shows, self.http.patience)

    def figures(self) -> Iterator[Figure]:
        """Return the figures of strangers, and of what families ask over HTTP."""
        yield from self.meeting.figures()
        pages = self.desk.pages
        yield Figure("farm_pages", "Pages that listen over Socket.IO", pages.open())
        yield Figure("farm_pages_refused", "Pages that were told to come later", pages.refused, grows=True)
        yield Figure("farm_pages_ended", "Pages that were let go, as they did not read", pages.ended, grows=True)
        yield Figure("family_requests", "Requests of families over HTTP", self.http.requests, grows=True)
        yield Figure("family_refused", "Requests of families without a right to ask", self.http.refused, grows=True)
