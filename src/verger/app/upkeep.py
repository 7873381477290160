"""What is done again and again, and what watches over room and age."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec import to_builtins

from verger.app.followers import Following
from verger.app.stores import Stores, forgetting
from verger.base.bell import whenever
from verger.base.jobs import Jobs
from verger.base.work import Work, every
from verger.domain.alerts.model import Severity
from verger.domain.errands.errands import Doing, Kind
from verger.domain.retention.store import RuleStore
from verger.domain.storage.store import SampleStore
from verger.edges.wire.bridge.bridges import Bridges
from verger.flows import erasing, pruning
from verger.flows.erasing import Erasing
from verger.flows.oversight import Figure, Oversight
from verger.flows.pruning import Ageing, Pruning
from verger.flows.retention import Retention
from verger.flows.room import Room
from verger.flows.safekeeping import gone_by
from verger.flows.trail import Trail
from verger.flows.watching import Asked, Watching

_TIDY_S = 3600.0
_REMARKS_S = 1.0
_LOOK_S = 10.0
_SPACE_S = 1.0
_SIZE_S = 60.0
_SWEEP_S = 600.0
_WATCH_S = 20.0


@dataclass(frozen=True)
class Upkeep:
    """What keeps the data folder within its bounds."""

    room: Room
    retention: Retention
    pruning: Pruning
    erasing: Erasing

    def figures(self) -> Iterator[Figure]:
        """Return the figures of room and retention."""
        yield from self.room.figures()
        yield from self.pruning.figures()
        yield from self.erasing.figures()


async def open_upkeep(stores: Stores, following: Following) -> Upkeep:
    """Watch over the disk; when it is nearly full, retention runs at once."""
    followers, named = following.followers, following.automation.court.book.named
    room = await Room.open(stores.settings, SampleStore(stores.db), named, stores.clock)
    rules = RuleStore(stores.db)
    retention = Retention(rules, stores.kept, stores.places, stores.history, stores.events, stores.clock)
    trail = Trail(stores.log, followers, stores.letters, stores.history, stores.clock, following.save)
    until = partial(gone_by, stores.settings)
    naming = (stores.alerts, stores.outbox, stores.rules.runs)
    forever = Erasing(forgetting(stores, following.exchange), trail, stores.events, naming, stores.settings.data, until)
    upkeep = Upkeep(room, retention, Pruning(retention, stores.db, stores.clock, _ageing(stores)), forever)
    room.mode.in_need(upkeep.pruning.at_once)
    await upkeep.pruning.begin()
    return upkeep


def _ageing(stores: Stores) -> tuple[Ageing, ...]:
    settings = stores.settings
    return (
        Ageing("alerts", settings.alert_days, stores.alerts.purge),
        Ageing("deeds", settings.deed_days, stores.tenancy.deeds.purge),
        Ageing("rule_runs", settings.rule_run_days, stores.rules.runs.purge),
    )


def deletion_kinds(upkeep: Upkeep) -> dict[str, Kind]:
    """Return how deletions are taken off the disk as long work."""

    async def erase(doing: Doing) -> Any:
        return to_builtins(await upkeep.erasing.finish(doing.given, doing.reached))

    return {erasing.KIND: Kind(erase, resumes=True)}


def go_round(
    work: Work, stores: Stores, oversight: Oversight, upkeep: Upkeep, bridges: Bridges, asked: Iterable[Asked]
) -> None:
    """Start the loops that belong to nobody else."""
    work.start(Jobs(stores.db, stores.clock, {pruning.KIND: upkeep.pruning.work}).run())
    work.start(whenever(stores.limiting.bell, stores.limiting.look, stores.clock))
    for seconds, act in (
        (_LOOK_S, oversight.look),
        (_SPACE_S, upkeep.room.mode.look),
        (_SIZE_S, upkeep.room.look),
        (_REMARKS_S, stores.kept.remarks.write),
        (_TIDY_S, stores.tenancy.purge),
        (_SWEEP_S, upkeep.erasing.sweep),
        (_WATCH_S, _watching(stores, oversight, upkeep, bridges, asked).look),
    ):
        work.start(every(seconds, act))


def _watching(
    stores: Stores, oversight: Oversight, upkeep: Upkeep, bridges: Bridges, asked: Iterable[Asked]
) -> Watching:
    """Return what opens alerts about Verger itself."""
    checks = (
        Asked("log", oversight.check_log, Severity.critical),
        Asked("log_aside", oversight.check_aside),
        Asked("followers", oversight.check_followers),
        Asked("history", oversight.check_history, Severity.critical),
        Asked("disk", upkeep.room.check),
        *asked,
    )
    operator = stores.tenancy.users.first_tenant
    return Watching(stores.db, stores.alerts, checks, bridges.troubles, operator, stores.clock)
