"""The program: every part built once, joined, started in order and stopped in the opposite one."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain

import uvicorn

from verger.base.clock import Clock, SystemClock
from verger.base.db import Database
from verger.base.folder import DataFolder
from verger.base.jobs import Jobs
from verger.base.migrate import migrate
from verger.base.patience import Patience
from verger.base.proxies import Proxies
from verger.base.secrets import ServerSecret
from verger.base.settings import Settings, taken
from verger.base.work import Work, attempt, every
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Connect, Mqtt
from verger.domain.errands.errands import Errands
from verger.domain.errands.store import ErrandStore
from verger.domain.history.history import History
from verger.domain.places.store import PlaceStore
from verger.domain.storage.store import SampleStore
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.followers import Followers
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.app import build
from verger.edges.api.figures import registry
from verger.edges.api.front import Front
from verger.edges.api.given import System
from verger.edges.api.grounds import Grounds
from verger.edges.api.line import Line
from verger.edges.api.routes import LOOKED_AFTER, given
from verger.edges.api.server import Web, listen
from verger.edges.api.slowness import Slowness
from verger.edges.api.static import Site
from verger.edges.api.visitor import Visitor
from verger.edges.live.hub import Hub
from verger.edges.live.socket import LiveSocket
from verger.edges.wire.http import DeviceHttp, owns
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.mqtt.figures import wire_figures
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.listener import Listener
from verger.flows.charting import Charting
from verger.flows.clearing import Clearing
from verger.flows.inbound import Inbound
from verger.flows.keeping import Keeping
from verger.flows.oversight import Figure, Oversight
from verger.flows.overview import Overview
from verger.flows.presence import Presence
from verger.flows.provisioning import Provisioning
from verger.flows.reception import Reception
from verger.flows.recording import Recording
from verger.flows.retiring import Retiring
from verger.flows.room import Room
from verger.flows.showing import Showing

_TIDY_S = 3600.0
_REMARKS_S = 1.0
_LOOK_S = 10.0
_SPACE_S = 1.0
_SIZE_S = 300.0


@dataclass(frozen=True)
class Stores:
    """What is kept, and where."""

    settings: Settings
    clock: Clock
    db: Database
    kept: Kept
    places: PlaceStore
    events: EventStore
    tenancy: Tenancy
    letters: FollowerStore
    errands: ErrandStore
    history: History
    log: Log


@dataclass(frozen=True)
class House:
    """What runs behind the doors."""

    stores: Stores
    hub: Hub
    presence: Presence
    oversight: Oversight
    inlet: Inlet
    devices: DeviceHttp
    patience: Patience
    grounds: Grounds
    mqtt_port: int
    work: Work
    room: Room


async def open_stores(stack: AsyncExitStack, settings: Settings, clock: Clock | None = None) -> Stores:
    """Open everything that is kept in the data folder; raise Refused when it cannot be."""
    folder = DataFolder.hold(settings.data)
    stack.callback(folder.release)
    secret, clock = ServerSecret.open(settings.data), clock or SystemClock()
    db = Database.open(settings.database_url)
    stack.push_async_callback(db.close)
    await migrate(db)
    kept = Kept.over(db, clock)
    await kept.fill(settings.series_per_device)
    history = await History.open(settings.data / "history", settings.hot_bytes, clock)
    stack.push_async_callback(history.close)
    kept_log = await Log.open(settings.data / "log", segment_bytes=settings.segment_bytes)
    stack.push_async_callback(kept_log.close)
    return Stores(
        settings=settings,
        clock=clock,
        db=db,
        kept=kept,
        places=PlaceStore(db),
        events=EventStore(db),
        tenancy=Tenancy.over(db, clock, secret, settings.session_days),
        letters=FollowerStore(db),
        errands=ErrandStore(db),
        history=history,
        log=kept_log,
    )


async def open_house(stack: AsyncExitStack, stores: Stores) -> House:
    """Start what follows the log and what leads to it."""
    kept, clock, settings = stores.kept, stores.clock, stores.settings
    hub = Hub(kept.registry, stores.history.latest)
    presence = Presence(kept.registry, kept.devices, hub, clock, settings.silent_s)
    await presence.fill()
    recording = Recording(stores.db, stores.events, kept.attributes, hub)
    keeping = Keeping(stores.history)
    followers = Followers(stores.log, stores.letters, clock, [keeping, recording, presence, hub])
    room = await Room.open(settings, SampleStore(stores.db), clock)
    inbound = Inbound(kept.registry, kept.series, stores.log, kept.remarks, clock, room.mode)
    inlet, patience, work = Inlet(inbound, settings.waiting_messages), Patience(), Work()
    limits = Limits(packet_bytes=settings.packet_bytes, connect_s=settings.connect_s)
    reception = Reception(kept, presence)
    listener = Listener(reception, inlet, patience, limits)
    devices = DeviceHttp(reception, inlet, patience, settings.body_bytes)
    await followers.start()
    stack.push_async_callback(attempt, kept.remarks.write)
    stack.push_async_callback(attempt, presence.save)
    stack.push_async_callback(followers.stop)
    stack.push_async_callback(work.stop)
    stack.push_async_callback(listener.stop)
    errands = await _open_errands(stack, stores, work)
    oversight = Oversight(
        stores.log,
        followers,
        stores.letters,
        keeping,
        kept,
        clock,
        lambda: chain(wire_figures(inlet, listener, devices), hub.figures(), _job_figures(errands), room.figures()),
        room.state,
    )
    _repeat(work, stores, oversight, room)
    for loop in (inlet.run(), hub.run(), presence.run(), Jobs(stores.db, clock, {}).run()):
        work.start(loop)
    mqtt_port = await _open_door(listener, settings)
    showing = Showing(kept, stores.places, stores.history, presence, Connect(Mqtt(mqtt_port)))
    grounds = build_grounds(stores, showing, hub, listener, oversight, errands, room)
    return House(stores, hub, presence, oversight, inlet, devices, patience, grounds, mqtt_port, work, room)


def _repeat(work: Work, stores: Stores, oversight: Oversight, room: Room) -> None:
    for seconds, act in (
        (_LOOK_S, oversight.look),
        (_SPACE_S, room.mode.look),
        (_SIZE_S, room.look),
        (_REMARKS_S, stores.kept.remarks.write),
        (_TIDY_S, stores.tenancy.purge),
    ):
        work.start(every(seconds, act))


async def _open_errands(stack: AsyncExitStack, stores: Stores, work: Work) -> Errands:
    """Go on with the long work of before, and take more."""
    errands = Errands(stores.errands, stores.clock, {}, stores.settings.jobs_at_once)
    stack.push_async_callback(errands.stop)
    await errands.start()
    work.start(every(_TIDY_S, partial(errands.purge, stores.settings.job_days)))
    return errands


async def _open_door(listener: Listener, settings: Settings) -> int:
    try:
        return await listener.listen(settings.mqtt_host, settings.mqtt_port)
    except OSError as error:
        raise taken("mqtt_port", settings.mqtt_host, settings.mqtt_port, error) from None


def _job_figures(errands: Errands) -> Iterator[Figure]:
    yield Figure("jobs_running", "Jobs under way", errands.running)
    for state in ("done", "failed", "cancelled"):
        ended = float(errands.ended[state])
        yield Figure("jobs_ended", "Jobs that ended since the start", ended, grows=True, labels={"state": state})


def build_api(house: House) -> Front:
    """Return the one app that answers HTTP."""
    stores = house.stores
    system = System(
        settings=stores.settings,
        clock=stores.clock,
        tenancy=stores.tenancy,
        slowness=Slowness(house.patience),
        checks={
            "database": stores.db.check,
            "log": house.oversight.check_log,
            "followers": house.oversight.check_followers,
            "history": house.oversight.check_history,
        },
        warnings={"disk": house.room.check},
        metrics=registry(house.oversight.figures),
        proxies=Proxies(stores.settings.trusted_proxies),
    )
    abreast = partial(house.oversight.followers.abreast, Keeping.name, Hub.name)
    return Front(
        owned_by_devices=owns,
        devices=house.devices,
        live=LiveSocket(house.hub, house.grounds.showing, Visitor(system), abreast),
        api=build(system, LOOKED_AFTER, given(house.grounds)),
        pages=Site(),
    )


def build_grounds(
    stores: Stores,
    showing: Showing,
    hub: Hub,
    listener: Listener,
    oversight: Oversight,
    errands: Errands,
    room: Room,
) -> Grounds:
    """Return the stories that people's requests tell."""
    kept, places = stores.kept, stores.places
    limit = stores.settings.series_per_device
    provisioning = Provisioning(kept, places, listener, hub, stores.clock, limit)
    return Grounds(
        clock=stores.clock,
        places=places,
        kept=kept,
        events=stores.events,
        errands=errands,
        provisioning=provisioning,
        retiring=Retiring(provisioning, kept, stores.history, stores.log),
        clearing=Clearing(places, kept, provisioning),
        showing=showing,
        charting=Charting(showing, places, stores.history),
        overview=Overview(showing, places, stores.clock, room.notices),
        state=oversight.state,
    )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[House, int]]:
    """Run the whole product; give the house and the HTTP port. Raise Refused when it cannot start."""
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        http = listen(settings.http_host, settings.http_port)
        stack.callback(http.close)
        http_port = int(http.getsockname()[1])
        web = Web(
            uvicorn.Config(
                build_api(house),
                http=Line,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=64 << 10,
                timeout_graceful_shutdown=2,
            )
        )
        serving = asyncio.create_task(web.serve([http]), name="http")
        stack.push_async_callback(_stop_web, web, serving)
        await web.ready.wait()
        yield house, http_port


async def _stop_web(web: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    web.should_exit = True
    await serving
