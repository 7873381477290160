"""What is kept, opened before anything runs."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from verger.base.clock import Clock, SystemClock
from verger.base.db import Database
from verger.base.folder import DataFolder
from verger.base.lookups import Lookups
from verger.base.migrate import migrate
from verger.base.outgoing import Outgoing
from verger.base.secrets import ServerSecret
from verger.base.settings import Settings
from verger.domain.alerts.policy import PolicyStore
from verger.domain.alerts.store import AlertStore
from verger.domain.bridges.store import BridgeStore
from verger.domain.commands.store import CommandStore
from verger.domain.deletions.ledger import Ledger
from verger.domain.deletions.store import DeletionStore
from verger.domain.devices.kept import Kept
from verger.domain.errands.store import ErrandStore
from verger.domain.exports.folder import ExportFolder
from verger.domain.history.history import History
from verger.domain.messages.store import MessageStore
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.outbox import Outbox
from verger.domain.places.store import PlaceStore
from verger.domain.rules.kept import RulesKept
from verger.domain.tasks.store import TaskStore
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore
from verger.domain.tenancy.tenancy import Tenancy
from verger.flows.automation import Automation
from verger.flows.calling import Callbook, Uncalled
from verger.flows.checking import Checking, check_database
from verger.flows.delivering import Untold
from verger.flows.enrolled import Enrolled
from verger.flows.forgetting import Forgetting
from verger.flows.leaving import Leaving
from verger.flows.limiting import Limiting
from verger.flows.ports import Forgets
from verger.flows.publishing import Publishing
from verger.flows.restoring import check_whole
from verger.flows.returning import Acting, CutShort, Judging, Returning, SignedOut, Timers, Unasked, Unsent
from verger.flows.shedding import Shedding

_ACTING = (Publishing.name, Automation.name, Shedding.name)  # the names of followers that act on what they read


@dataclass(frozen=True)
class Stores:
    """What is kept, and where."""

    settings: Settings
    clock: Clock
    db: Database
    kept: Kept
    enrolled: Enrolled
    places: PlaceStore
    events: EventStore
    tenancy: Tenancy
    secret: ServerSecret
    limiting: Limiting
    letters: FollowerStore
    errands: ErrandStore
    bridges: BridgeStore
    commands: CommandStore
    rules: RulesKept
    alerts: AlertStore
    policies: PolicyStore
    tasks: TaskStore
    mailroom: Mailroom
    callbook: Callbook
    deletions: DeletionStore
    exports: ExportFolder
    history: History
    log: Log
    checking: Checking
    outgoing: Outgoing  # the one door to the outside

    @property
    def outbox(self) -> Outbox:
        """Where notices are put."""
        return self.mailroom.outbox


async def open_stores(stack: AsyncExitStack, settings: Settings, clock: Clock | None = None) -> Stores:
    """Open everything that is kept in the data folder; raise Refused when it cannot be."""
    stack.callback(DataFolder.hold(settings.data).release)
    check_whole(settings.data)
    await check_database(settings.database_file)
    secret, clock, db = ServerSecret.open(settings.data), clock or SystemClock(), await _open_database(stack, settings)
    kept, places = await _open_kept(db, settings, clock), PlaceStore(db)
    tenancy = Tenancy.over(db, clock, secret, settings.session_days)
    history, kept_log = await _open_history(stack, settings, clock), await _open_log(stack, settings)
    limiting = await Limiting.over(kept, tenancy.limits, settings)
    stores = Stores(
        settings=settings,
        clock=clock,
        db=db,
        kept=kept,
        enrolled=await Enrolled.over(db, secret, kept, places, lambda tenant: limiting.of(tenant).stranger_readings),
        places=places,
        events=EventStore(db),
        tenancy=tenancy,
        limiting=limiting,
        secret=secret,
        letters=FollowerStore(db),
        errands=ErrandStore(db),
        bridges=BridgeStore(db, secret),
        commands=CommandStore(db),
        rules=RulesKept.over(db),
        alerts=AlertStore(db),
        policies=PolicyStore(db),
        tasks=TaskStore(db),
        mailroom=Mailroom.over(db, clock, secret),
        callbook=Callbook.over(db, clock, secret, settings.webhooks_waiting),
        deletions=DeletionStore(db),
        exports=ExportFolder(settings.data / "exports", settings.export_bytes),
        history=history,
        log=kept_log,
        checking=Checking(settings.database_file, history, kept_log),
        outgoing=Outgoing(settings.outgoing_networks, lookups=Lookups(settings.name_lookups)),
    )
    await _settle(stores)
    return stores


async def _open_database(stack: AsyncExitStack, settings: Settings) -> Database:
    db = Database.open(settings.database_url)
    stack.push_async_callback(db.close)
    await migrate(db)
    return db


async def _open_kept(db: Database, settings: Settings, clock: Clock) -> Kept:
    kept = Kept.over(db, clock, settings.attribute_changes_per_device)
    await kept.fill(settings.series_per_device)
    return kept


async def _open_history(stack: AsyncExitStack, settings: Settings, clock: Clock) -> History:
    history = await History.open(settings.data / "history", settings.hot_bytes, clock)
    stack.push_async_callback(history.close)
    return history


async def _open_log(stack: AsyncExitStack, settings: Settings) -> Log:
    log = await Log.open(settings.data / "log", segment_bytes=settings.segment_bytes)
    stack.push_async_callback(log.close)
    return log


def forgetting(stores: Stores, messages: Forgets) -> Forgetting:
    """Return what hides what was deleted, also from those who wait for messages."""
    ledgers = Ledger(stores.settings.backup_folder), Ledger(stores.settings.data)
    people = stores.tenancy.users
    return Forgetting(stores.deletions, *ledgers, stores.kept, stores.places, people, messages, stores.clock)


async def _settle(stores: Stores) -> None:
    """See to it that nothing is done over again after a restore, and nothing deleted can be read after a crash."""
    leaving = Leaving(stores.alerts, stores.rules, stores.kept.devices, stores.clock)
    stores.kept.devices.leaving.append(leaving.device)
    stores.places.leaving.append(leaving.place)
    stores.kept.devices.leaving.append(stores.enrolled.device_left)
    stores.places.leaving.append(stores.enrolled.place_left)
    waiting = MessageStore(stores.db)
    hidden = forgetting(stores, waiting)
    parts = (
        Acting(stores.letters, _ACTING),
        CutShort(stores.errands, stores.clock),
        SignedOut(stores.tenancy.sessions),
        Timers(stores.db),
        Judging(stores.rules),
        Untold(stores.mailroom),
        Uncalled(stores.callbook),
        Unasked(stores.commands, stores.db, stores.clock),
        Unsent(waiting),
        hidden,
    )
    await Returning(stores.settings.data, stores.log, stores.clock, parts).honour()
    await hidden.go_on()
    await stores.checking.begin()
