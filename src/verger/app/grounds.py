"""The stories that people's requests tell, each joined to the parts that it uses."""

from dataclasses import dataclass
from typing import Any

from verger.app.errands import LongWork
from verger.app.families import Families
from verger.app.followers import Following
from verger.app.stores import Stores
from verger.app.telling import Voice
from verger.app.upkeep import Upkeep
from verger.domain.blueprints.store import BlueprintStore
from verger.domain.cycles.store import CycleStore
from verger.domain.derived.store import DerivedStore
from verger.domain.shedding.store import SheddingStore
from verger.edges.api.grounds import Grounds
from verger.flows.alerting import Alerting
from verger.flows.bounding import Bounding
from verger.flows.bridging import Bridging, Lines
from verger.flows.changing import Changing
from verger.flows.charting import Charting
from verger.flows.clearing import Clearing
from verger.flows.counting import Counting
from verger.flows.deriving import Deriving
from verger.flows.device_side import DeviceSide
from verger.flows.furnishing import Furnishing
from verger.flows.growing import Growing
from verger.flows.measuring import Measuring
from verger.flows.overhearing import Overhearing
from verger.flows.oversight import Oversight
from verger.flows.overview import Overview
from verger.flows.periods import Bounds
from verger.flows.replacing import Replacing
from verger.flows.retiring import Retiring
from verger.flows.showing import Showing
from verger.flows.surveying import Surveying
from verger.flows.tasking import Tasking
from verger.flows.vacating import Vacating


@dataclass(frozen=True)
class Parts:
    """What the stories are joined to."""

    showing: Showing
    side: DeviceSide
    families: Families
    oversight: Oversight
    long_work: LongWork
    upkeep: Upkeep
    lines: Lines
    following: Following
    voice: Voice


def build_grounds(stores: Stores, parts: Parts) -> Grounds:
    """Return the stories that people's requests tell, also in the words of the families."""
    grounds = _joined(stores, parts)
    parts.families.let_people_in(stores.tenancy, grounds, parts.following.hub)
    return grounds


def _joined(stores: Stores, parts: Parts) -> Grounds:
    kept, places, showing, side = stores.kept, stores.places, parts.showing, parts.side
    long_work, upkeep, retiring = parts.long_work, parts.upkeep, Retiring(side.provisioning, parts.upkeep.erasing)
    return Grounds(
        clock=stores.clock,
        places=places,
        kept=kept,
        events=stores.events,
        **_pressing(stores, showing),
        policies=stores.policies,
        errands=long_work.errands,
        **_files(long_work),
        safekeeping=long_work.safekeeping,
        provisioning=side.provisioning,
        changing=Changing(side.provisioning, side.desiring),
        claiming=side.claiming,
        door=side.door,
        replacing=Replacing(side.provisioning, long_work.backtesting.ruling),
        retiring=retiring,
        retention=upkeep.retention,
        prune=upkeep.pruning.at_once,
        erasing=upkeep.erasing,
        clearing=Clearing(places, kept, side.provisioning),
        vacating=Vacating(places, retiring),
        commands=stores.commands,
        **_orders(parts),
        bridging=Bridging(stores.bridges, parts.lines, stores.enrolled.roll.get, stores.clock),
        **_lasting(stores, parts),
        signing=stores.callbook.signing,
        backtesting=long_work.backtesting,
        showing=showing,
        charting=Charting(showing, places, stores.history),
        **_figures(stores, showing),
        overview=Overview(showing, places, stores.clock, upkeep.room.notices),
        oversight=parts.oversight,
        limits=stores.limiting.told,
        telling=parts.voice.telling,
        trying=parts.voice.trying,
    )


def _files(long_work: LongWork) -> dict[str, Any]:
    """Return the stories of files that people bring and take."""
    stories = ("exporting", "importing", "taking_over")
    return {story: getattr(long_work, story) for story in stories}


def _pressing(stores: Stores, showing: Showing) -> dict[str, Any]:
    """Return the stories of what somebody should see to: alerts and tasks."""
    db, alerts, members, outbox, clock = stores.db, stores.alerts, stores.tenancy.members, stores.outbox, stores.clock
    return {
        "alerting": Alerting(db, alerts, stores.places, members, outbox, clock),
        "tasking": Tasking(db, stores.tasks, showing, members, outbox, alerts, clock),
    }


def _figures(stores: Stores, showing: Showing) -> dict[str, Any]:
    """Return the stories of how often what happened, and of what was measured by days."""
    given = stores.settings
    bounds = Bounds(given.analytics_days, given.analytics_sums, given.analytics_kinds, given.analytics_hours)
    counting = Counting(stores.kept, stores.places, stores.events, bounds)
    surveying = Surveying(counting, CycleStore(stores.db), stores.tenancy.users, stores.clock)
    measuring = Measuring(surveying, showing, stores.history)
    return {"counting": counting, "surveying": surveying, "measuring": measuring}


def _lasting(stores: Stores, parts: Parts) -> dict[str, Any]:
    """Return the stories of what goes on by itself: rules, derived metrics, blueprints that bring both, and cycles."""
    kept, places, ruling = stores.kept, stores.places, parts.long_work.backtesting.ruling
    derived, reckoning = DerivedStore(stores.db), parts.following.reckoning
    deriving = Deriving(derived, kept.series, places, kept.registry, reckoning)
    laid, tasks = BlueprintStore(stores.db), stores.tasks
    furnishing = Furnishing(stores.db, laid, places, kept.types, ruling, deriving, tasks, stores.clock)
    commanding, desiring, shedding = parts.following.orders.commanding, parts.side.desiring, parts.following.shedding
    store, alerts = SheddingStore(stores.db), stores.alerts
    bounding = Bounding(kept, store, shedding, commanding, desiring, alerts, stores.clock)
    screens, heard = parts.side.provisioning.screens, Overhearing(parts.following.automation.court, stores.rules)
    growing = Growing(stores.db, CycleStore(stores.db), places, screens, heard, stores.clock)
    told = {"ruling": ruling, "deriving": deriving, "furnishing": furnishing, "bounding": bounding}
    return told | {"growing": growing}


def _orders(parts: Parts) -> dict[str, Any]:
    """Return the stories of commands, and of the families."""
    return {
        "adopting": parts.families.adopting,
        "enrolling": parts.families.enrolling,
        "commanding": parts.following.orders.commanding,
        "together": parts.following.orders.together,
        "outbound": parts.following.orders.outbound,
    }
