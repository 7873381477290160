"""The topic trees of tenants: what is kept of them, and the loops that keep it."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial

from verger.app.stores import Stores
from verger.base.patience import Patience
from verger.base.settings import Settings
from verger.base.work import Work, attempt, every
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.model import KEY
from verger.domain.messages.retained import Retained
from verger.domain.messages.room import Room
from verger.domain.messages.store import MessageStore
from verger.domain.messages.wills import Wills
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.mqtt.executor import Executor
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.listener import Listener
from verger.flows.admission import Admission
from verger.flows.limiting import Limiting
from verger.flows.oversight import Figure

_DAY_S = 86_400
_TIDY_S = 60.0


async def open_exchange(stack: AsyncExitStack, stores: Stores, work: Work) -> Exchange:
    """Start to keep what programs post, and remember what was retained."""
    settings, store = stores.settings, MessageStore(stores.db)
    keeper = Keeper(store)
    stack.push_async_callback(attempt, keeper.save)
    retained = Retained(
        keeper, stores.clock, settings.retained_messages, settings.retained_bytes, settings.retained_days
    )
    for kept in await store.retained():
        retained.recall(*kept)
    work.start(keeper.run())
    work.start(every(_TIDY_S, retained.tidy))
    room = Room(settings.inbox_messages, settings.inbox_bytes, settings.inboxes_bytes)
    wills = Wills(keeper, settings.wills_bytes)
    exchange = Exchange(keeper, retained, room, partial(_inbox, stores.limiting), wills)
    stores.limiting.changed.append(exchange.look)
    return exchange


def _inbox(limiting: Limiting, tenant: str) -> tuple[int, int]:
    limits = limiting.of(tenant)
    return limits.inbox_messages, limits.inbox_bytes


def _limits(settings: Settings, subscriptions: int, sessions: int) -> Limits:
    return Limits(
        packet_bytes=settings.packet_bytes,
        connect_s=settings.connect_s,
        session_s=settings.inbox_days * _DAY_S,
        unanswered_s=settings.unanswered_s,
        subscriptions=subscriptions,
        filters=settings.filters_per_packet,
        sessions=sessions,
        away=settings.sessions_away,
    )


async def open_listener(stores: Stores, work: Work, desk: Desk, exchange: Exchange, patience: Patience) -> Listener:
    """Be ready to hear devices and programs, and go on with their sessions and wills of before."""
    settings, store = stores.settings, MessageStore(stores.db)
    listener = Listener(
        desk.house,
        desk.inlet,
        exchange,
        Admission(stores.tenancy.keys),
        patience,
        _limits(settings, settings.subscriptions_of_device, settings.sessions_per_device),
        _limits(settings, settings.subscriptions_of_key, settings.sessions_per_key),
        clock=stores.clock,
        will_grace_s=settings.will_grace_s,
        desk=desk,
    )
    sessions = listener.sessions
    sessions.restore(await store.sessions())
    listener.executor.restore(await store.wills())
    for owner in {*sessions.owners, *exchange.wills.owners}:
        if not owner.startswith(KEY) and stores.kept.registry.known(owner) is None:
            sessions.drop(owner)
    await listener.review()
    work.start(every(_TIDY_S, sessions.tidy))
    work.start(every(_TIDY_S, listener.review))
    return listener


def message_figures(exchange: Exchange, listener: Listener) -> Iterator[Figure]:
    """Return what stands in inboxes and trees, and what found no room there."""
    rooms = exchange.rooms
    yield Figure("inbox_messages", "Messages in inboxes", sum(room.letters for room in rooms))
    yield Figure("inbox_bytes", "Bytes of messages in inboxes", sum(room.used for room in rooms))
    yield Figure("inbox_dropped", "Messages that found no room", sum(room.dropped for room in rooms), grows=True)
    yield Figure("inbox_unsaved", "Changes that wait for the disk", exchange.keeper.mark - exchange.keeper.saved)
    yield Figure("mqtt_sessions_away", "Sessions without a connection", listener.sessions.away)
    for why, many in {"evicted": listener.sessions.evicted, "expired": listener.sessions.expired}.items():
        yield Figure("mqtt_sessions_ended", "Sessions that were forgotten", many, grows=True, labels={"why": why})
    yield Figure("mqtt_subscriptions", "Subscriptions of programs", exchange.subscriptions)
    yield Figure("mqtt_retained_messages", "Retained messages", exchange.retained.messages)
    yield Figure("mqtt_retained_bytes", "Bytes of retained messages", exchange.retained.used)
    for why, many in {"refused": exchange.retained.refused, "expired": exchange.retained.expired}.items():
        yield Figure("mqtt_unretained", "Messages not retained any more", many, grows=True, labels={"why": why})
    yield from _will_figures(exchange.wills, listener.executor)
    yield Figure("mqtt_posted", "Messages posted in topic trees", exchange.posted, grows=True)


def _will_figures(wills: Wills, executor: Executor) -> Iterator[Figure]:
    yield Figure("mqtt_wills", "Wills of clients that are here or were lately", len(wills.everyone()))
    yield Figure("mqtt_wills_bytes", "Bytes of wills on disk", wills.used)
    yield Figure("mqtt_wills_unkept", "Wills for which there was no room on disk", wills.unkept, grows=True)
    for why, many in {"heard": executor.heard, "spared": executor.spared, "barred": executor.barred}.items():
        yield Figure("mqtt_wills_ended", "What became of wills", many, grows=True, labels={"why": why})
