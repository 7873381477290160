"""The long work that people ask for, each kind joined to the parts that it uses."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from shutil import rmtree

from verger.app.commands import Orders
from verger.app.moving import mover, settling
from verger.app.safekeeping import backup_kinds
from verger.app.stores import Stores
from verger.app.upkeep import Upkeep, deletion_kinds
from verger.base.work import Work, every
from verger.domain.errands.errands import Errands, Kind
from verger.domain.imports.folder import ImportFolder
from verger.flows import backtesting, exporting, importing, taking_over, together
from verger.flows.adopting import Adopting
from verger.flows.automation import Automation
from verger.flows.backtesting import Backtesting
from verger.flows.exporting import Exporting
from verger.flows.importing import Importing
from verger.flows.oversight import Figure
from verger.flows.ruling import Ruling
from verger.flows.safekeeping import Safekeeping
from verger.flows.showing import Showing
from verger.flows.taking_over import TakingOver
from verger.flows.vetting import Vetting

_TIDY_S = 3600.0
_EXPIRED_S = 600.0


@dataclass(frozen=True)
class LongWork:
    """All errands, and what does each kind of them."""

    errands: Errands
    exporting: Exporting
    importing: Importing
    taking_over: TakingOver
    safekeeping: Safekeeping
    backtesting: Backtesting


@dataclass(frozen=True)
class Involved:
    """What the long work is about, besides the history."""

    safekeeping: Safekeeping
    upkeep: Upkeep
    automation: Automation
    adopting: Adopting


async def open_errands(
    stack: AsyncExitStack,
    stores: Stores,
    showing: Showing,
    orders: Orders,
    work: Work,
    involved: Involved,
) -> LongWork:
    """Go on with the long work of before, and take more."""
    settings, errands = stores.settings, orders.together.errands
    export = Exporting(showing, stores.places, stores.history, stores.exports, stores.clock, settings.export_hours)
    imports = ImportFolder(settings.data / "imports", settings.import_bytes)
    safekeeping, upkeep = involved.safekeeping, involved.upkeep
    imported = Importing(settling(stores, upkeep), imports, stores.clock)
    overtaken = _taking_over(stores, involved, imports)
    tests = Backtesting(_ruling(stores, involved.automation), stores.history, stores.events)
    stack.push_async_callback(errands.stop)
    await errands.start(
        {
            exporting.KIND: Kind(export.run),
            backtesting.KIND: Kind(tests.work),
            importing.KIND: Kind(imported.run, resumes=True),
            taking_over.KIND: Kind(overtaken.run, resumes=True),
            together.KIND: Kind(orders.together.run, resumes=True),
            **backup_kinds(safekeeping),
            **deletion_kinds(upkeep),
        }
    )
    work.start(every(_TIDY_S, partial(errands.purge, settings.job_days)))
    work.start(every(_TIDY_S, partial(orders.commanding.purge, settings.command_days)))
    work.start(every(_EXPIRED_S, export.purge))
    work.start(every(_EXPIRED_S, imported.purge))
    return LongWork(errands, export, imported, overtaken, safekeeping, tests)


def _taking_over(stores: Stores, involved: Involved, imports: ImportFolder) -> TakingOver:
    scratch = stores.settings.data / "moving"
    rmtree(scratch, ignore_errors=True)  # what a crash left there
    return TakingOver(mover(stores, involved.adopting, involved.upkeep), imports, scratch)


def _ruling(stores: Stores, judge: Automation) -> Ruling:
    vetting = Vetting(stores.kept, stores.places, stores.tenancy.members, stores.outgoing)
    return Ruling(stores.rules, vetting, stores.alerts, judge, stores.clock)


def errand_figures(stores: Stores, errands: Errands) -> Iterator[Figure]:
    """Tell the figures of long work."""
    yield Figure("export_bytes", "Bytes of exported files", stores.exports.bytes())
    yield Figure("jobs_running", "Jobs under way", errands.running)
    for state in ("done", "failed", "cancelled"):
        ended = float(errands.ended[state])
        yield Figure("jobs_ended", "Jobs that ended since the start", ended, grows=True, labels={"state": state})
