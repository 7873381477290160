"""What is done again and again, and what watches over room and age."""

from collections.abc import Iterator
from dataclasses import dataclass

from verger.app.stores import Stores
from verger.base.jobs import Jobs
from verger.base.work import Work, every
from verger.domain.retention.store import RuleStore
from verger.domain.storage.store import SampleStore
from verger.flows import pruning
from verger.flows.oversight import Figure, Oversight
from verger.flows.pruning import Pruning
from verger.flows.retention import Retention
from verger.flows.room import Room

_TIDY_S = 3600.0
_REMARKS_S = 1.0
_LOOK_S = 10.0
_SPACE_S = 1.0
_SIZE_S = 300.0


@dataclass(frozen=True)
class Upkeep:
    """What keeps the data folder within its bounds."""

    room: Room
    retention: Retention
    pruning: Pruning

    def figures(self) -> Iterator[Figure]:
        """Return the figures of room and retention."""
        yield from self.room.figures()
        yield from self.pruning.figures()


async def open_upkeep(stores: Stores) -> Upkeep:
    """Watch over the disk; when it is nearly full, retention runs at once."""
    room = await Room.open(stores.settings, SampleStore(stores.db), stores.clock)
    rules = RuleStore(stores.db)
    retention = Retention(rules, stores.kept, stores.places, stores.history, stores.events, stores.clock)
    upkeep = Upkeep(room, retention, Pruning(retention, stores.db, stores.clock))
    room.mode.in_need(upkeep.pruning.at_once)
    await upkeep.pruning.begin()
    return upkeep


def go_round(work: Work, stores: Stores, oversight: Oversight, upkeep: Upkeep) -> None:
    """Start the loops that belong to nobody else."""
    work.start(Jobs(stores.db, stores.clock, {pruning.KIND: upkeep.pruning.work}).run())
    for seconds, act in (
        (_LOOK_S, oversight.look),
        (_SPACE_S, upkeep.room.mode.look),
        (_SIZE_S, upkeep.room.look),
        (_REMARKS_S, stores.kept.remarks.write),
        (_TIDY_S, stores.tenancy.purge),
    ):
        work.start(every(seconds, act))
