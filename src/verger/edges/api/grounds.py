"""What the routes of places and devices use."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from verger.base.clock import Clock
from verger.domain.alerts.policy import PolicyStore
from verger.domain.commands.store import CommandStore
from verger.domain.devices.kept import Kept
from verger.domain.errands.errands import Errands
from verger.domain.places.store import PlaceStore
from verger.domain.telemetry.events import EventStore
from verger.domain.webhooks.signing import SigningStore
from verger.flows.adopting import Adopting
from verger.flows.alerting import Alerting
from verger.flows.backtesting import Backtesting
from verger.flows.bounding import Bounding
from verger.flows.bridging import Bridging
from verger.flows.changing import Changing
from verger.flows.charting import Charting
from verger.flows.claiming import Claiming
from verger.flows.clearing import Clearing
from verger.flows.commanding import Commanding
from verger.flows.counting import Counting
from verger.flows.deriving import Deriving
from verger.flows.enrolling import Enrolling
from verger.flows.erasing import Erasing
from verger.flows.exporting import Exporting
from verger.flows.furnishing import Furnishing
from verger.flows.growing import Growing
from verger.flows.importing import Importing
from verger.flows.joining import Door
from verger.flows.limiting import Limit
from verger.flows.measuring import Measuring
from verger.flows.outbound import Outbound
from verger.flows.oversight import Oversight
from verger.flows.overview import Overview
from verger.flows.provisioning import Provisioning
from verger.flows.replacing import Replacing
from verger.flows.retention import Retention
from verger.flows.retiring import Retiring
from verger.flows.ruling import Ruling
from verger.flows.safekeeping import Safekeeping
from verger.flows.showing import Showing
from verger.flows.surveying import Surveying
from verger.flows.taking_over import TakingOver
from verger.flows.tasking import Tasking
from verger.flows.telling import Telling
from verger.flows.together import Together
from verger.flows.trying import Trying
from verger.flows.vacating import Vacating


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Stores and stories, given to routes as `grounds`."""

    clock: Clock
    places: PlaceStore
    kept: Kept
    events: EventStore
    alerting: Alerting
    policies: PolicyStore
    tasking: Tasking
    errands: Errands
    exporting: Exporting
    importing: Importing
    taking_over: TakingOver
    safekeeping: Safekeeping
    provisioning: Provisioning
    changing: Changing
    adopting: Adopting
    enrolling: Enrolling
    claiming: Claiming
    door: Door
    replacing: Replacing
    retiring: Retiring
    retention: Retention
    prune: Callable[[], Awaitable[None]]
    erasing: Erasing
    furnishing: Furnishing
    vacating: Vacating
    clearing: Clearing
    commands: CommandStore
    commanding: Commanding
    together: Together
    outbound: Outbound
    bridging: Bridging
    deriving: Deriving
    ruling: Ruling
    bounding: Bounding
    signing: SigningStore
    backtesting: Backtesting
    growing: Growing
    showing: Showing
    charting: Charting
    counting: Counting
    surveying: Surveying
    measuring: Measuring
    overview: Overview
    oversight: Oversight
    limits: Callable[[str], list[Limit]]
    telling: Telling
    trying: Trying
