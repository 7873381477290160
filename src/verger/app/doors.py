"""What answers HTTP: the one app in front of pages, API, screens and devices."""

from collections import Counter
from functools import partial
from itertools import chain

from verger.app.house import House
from verger.base.proxies import Proxies
from verger.edges.api.app import build
from verger.edges.api.figures import refusals, registry
from verger.edges.api.front import Front
from verger.edges.api.given import System
from verger.edges.api.routes import LOOKED_AFTER
from verger.edges.api.slowness import Slowness
from verger.edges.api.static import Site
from verger.edges.api.visitor import Visitor
from verger.edges.live.hub import Hub
from verger.edges.live.looking import Looking
from verger.edges.live.socket import LiveSocket
from verger.edges.wire.http import owns
from verger.edges.wire.mqtt.websocket import MqttSocket
from verger.flows.keeping import Keeping


def build_api(house: House) -> Front:
    """Return the one app that answers HTTP."""
    stores, grounds, refused = house.stores, house.grounds, Counter[int]()
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
            **({"certificate": house.tls.check} if house.tls is not None else {}),
        },
        warnings={
            "log_aside": house.oversight.check_aside,
            "disk": house.upkeep.room.check,
            "backup": grounds.safekeeping.check,
            "bridges": grounds.bridging.check,
            **{asked.word: asked.check for asked in house.voice.checks},
        },
        metrics=registry(lambda: chain(house.oversight.figures(), grounds.counting.figures(), refusals(refused))),
        limits=stores.limiting.of,
        proxies=Proxies(stores.settings.trusted_proxies),
        review=house.listener.review,
    )
    abreast = partial(house.oversight.followers.abreast, Keeping.name, Hub.name)
    return Front(
        owned_by_devices=owns,
        devices=house.devices,
        owned_by_families=house.families.owns,
        families=house.families,
        live=LiveSocket(house.hub, Looking(house.grounds.showing, house.hub), Visitor(system), abreast),
        mqtt=MqttSocket(house.listener, system.proxies),
        api=build(system, LOOKED_AFTER, grounds=house.grounds),
        pages=Site(),
        refused=refused,
    )
