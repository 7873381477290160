"""What runs behind the doors: the followers of the log, the wire, and the loops."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from verger.app.bridges import open_bridges
from verger.app.commands import Orders
from verger.app.errands import Involved, errand_figures, open_errands
from verger.app.families import Families
from verger.app.followers import Following
from verger.app.grounds import Parts, build_grounds
from verger.app.messages import message_figures, open_listener
from verger.app.safekeeping import open_safekeeping
from verger.app.stores import Stores
from verger.app.telling import Voice, open_telling
from verger.app.upkeep import Upkeep, go_round, open_upkeep
from verger.base.bell import whenever
from verger.base.patience import Patience
from verger.base.proxies import Proxies
from verger.base.settings import Settings
from verger.base.tls import Tls
from verger.base.work import Work, attempt, every
from verger.domain.devices.model import Connect, Mqtt
from verger.domain.messages.exchange import Exchange
from verger.domain.telemetry.followers import Followers
from verger.edges.api.grounds import Grounds
from verger.edges.live.hub import Hub
from verger.edges.wire.families.mount import FamilyHttp
from verger.edges.wire.http import DeviceHttp
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.doors import MqttPorts, open_doors
from verger.edges.wire.mqtt.figures import wire_figures
from verger.edges.wire.mqtt.listener import Listener
from verger.flows.automation import Automation
from verger.flows.device_side import DeviceSide
from verger.flows.inbound import Inbound
from verger.flows.oversight import Figure, Oversight
from verger.flows.presence import Presence
from verger.flows.proving import Proving
from verger.flows.publishing import Publishing
from verger.flows.showing import Showing

_CERTIFICATE_S = 2.0
_CLAIMS_S = 3600.0
_CAUGHT_UP_S = 10.0
_LIES_S = 1.0


@dataclass(frozen=True)
class House:
    """What runs behind the doors."""

    stores: Stores
    hub: Hub
    presence: Presence
    oversight: Oversight
    inlet: Inlet
    devices: DeviceHttp
    families: FamilyHttp
    patience: Patience
    grounds: Grounds
    listener: Listener
    mqtt: MqttPorts
    tls: Tls | None
    work: Work
    upkeep: Upkeep
    automation: Automation
    voice: Voice


async def open_house(stack: AsyncExitStack, stores: Stores) -> House:
    """Start what follows the log and what leads to it."""
    kept, clock, settings, work = stores.kept, stores.clock, stores.settings, Work()
    following = await Following.over(stack, stores, work)
    hub, presence, orders, followers = following.hub, following.presence, following.orders, following.followers
    upkeep = await open_upkeep(stores, following)
    inbound = Inbound(kept.registry, kept.series, stores.log, kept.remarks, clock, upkeep.room.mode)
    screens, following.reckoning.keep = following.informed(stores.enrolled.changed), inbound.take
    side = DeviceSide.over(kept, stores.places, presence, wire=orders.dispatch, screens=screens, common=stores)
    inlet, patience = Inlet(side.before(inbound), settings.waiting_messages, settings.log_wait_ms / 1000), Patience()
    families = Families.over(stores, side, orders, inlet, inbound, patience)
    listener, devices = await _open_wire(side, orders, families, following.exchange, stores, work)
    await _start(followers, families)
    for save in (kept.remarks.write, *following.saving):
        stack.push_async_callback(attempt, save)
    for stop in (followers.stop, work.stop, listener.stop, families.http.close):
        stack.push_async_callback(stop)
    bridges = await open_bridges(stack, stores, families, orders)
    safekeeping, voice = await open_safekeeping(stack, stores, work, families, upkeep), open_telling(stores, hub, work)
    wire = partial(wire_figures, inlet, listener, devices)
    works = partial(errand_figures, stores, orders.together.errands)
    messages = partial(message_figures, following.exchange, listener)
    told = (safekeeping, stores.limiting, bridges, voice)
    shown = (presence, hub, orders.outbound, upkeep, side, families, following.tallying, following.shedding, *told)
    figures = partial(_figures, wire, messages, works, *(part.figures for part in shown))
    log, state, limiting = stores.log, upkeep.room.state, stores.limiting.connections.__getitem__
    oversight = Oversight(log, followers, stores.letters, following.keeping, kept, clock, figures, state, limiting)
    go_round(work, stores, oversight, upkeep, bridges, voice.checks)
    work.start(every(_CLAIMS_S, side.claiming.purge))
    watching = presence.run(stores.log, lambda: upkeep.room.mode.since is not None)
    for loop in (inlet.run(), hub.run(), watching, orders.outbound.run(), *families.units.loops(), *following.loops()):
        work.start(loop)
    tls = _open_tls(settings, work)
    mqtt = await open_doors(listener, settings, tls)
    showing = Showing(kept, stores.places, stores.history, presence, Connect(Mqtt(mqtt.plain)))
    involved = Involved(safekeeping, upkeep, following.automation, families.adopting)
    long_work = await open_errands(stack, stores, showing, orders, work, involved)
    parts = Parts(showing, side, families, oversight, long_work, upkeep, bridges, following, voice)
    doors = (devices, families.http, patience, build_grounds(stores, parts), listener, mqtt, tls)
    return House(stores, hub, presence, oversight, inlet, *doors, work, upkeep, following.automation, voice)


async def _start(followers: Followers, families: Families) -> None:
    """Let the followers run; on return it is known from the log what was kept and acknowledged, unless that takes long.

    That is what sessions said, and which commands devices have: those are not sent again.
    """
    await followers.start()
    with suppress(TimeoutError):  # a device that comes before may be heard twice, and that is better than not at all
        async with asyncio.timeout(_CAUGHT_UP_S):
            for name in (Publishing.name, Proving.name):
                await followers.caught_up(name)
    await families.adopting.go_on()


def _figures(*sources: Callable[[], Iterable[Figure]]) -> Iterator[Figure]:
    for source in sources:
        yield from source()


async def _open_wire(
    side: DeviceSide,
    orders: Orders,
    families: Families,
    exchange: Exchange,
    stores: Stores,
    work: Work,
) -> tuple[Listener, DeviceHttp]:
    """Return what hears devices and programs over MQTT, and devices over HTTP."""
    inlet, patience = families.desk.inlet, families.http.patience
    listener = await open_listener(stores, work, families.desk, exchange, patience)
    work.start(whenever(stores.enrolled.moved, stores.enrolled.look, stores.clock))
    work.start(every(_LIES_S, families.meeting.lies.write))
    dispatch = orders.dispatch
    dispatch.listeners.append(listener)
    listener.sessions.orders = orders.outbound
    http = DeviceHttp(
        side.reception,
        inlet,
        patience,
        dispatch.polls,
        dispatch.calls,
        orders.outbound,
        body_bytes=stores.settings.body_bytes,
        polls_per_device=stores.settings.polls_per_device,
        proxies=Proxies(stores.settings.trusted_proxies),
    )
    return listener, http


def _open_tls(settings: Settings, work: Work) -> Tls | None:
    """Read the certificate, if there is one, and use it renewed."""
    tls = Tls.of(settings)
    if tls is not None:
        work.start(every(_CERTIFICATE_S, tls.look))
    return tls
