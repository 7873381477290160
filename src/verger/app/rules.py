"""Rules, joined to what judges by them and to what they move; and what is reckoned and tallied beside them."""

from verger.app.commands import Orders
from verger.app.stores import Stores
from verger.domain.derived.store import DerivedStore
from verger.domain.shedding.store import SheddingStore
from verger.domain.tallies.store import TallyStore
from verger.flows.acting import Acting, Effects
from verger.flows.automation import Automation
from verger.flows.court import Court
from verger.flows.desiring import Desiring
from verger.flows.overhearing import Overhearing
from verger.flows.ports import Screens
from verger.flows.presence import Presence
from verger.flows.reckoning import Reckoning
from verger.flows.rulebook import Rulebook
from verger.flows.shedding import Effects as Cuts
from verger.flows.shedding import Shedding
from verger.flows.silences import Silences
from verger.flows.tallying import Tallying
from verger.flows.unheeded import Unheeded


async def open_reckoning(stores: Stores) -> Reckoning:
    """Be ready to reckon the derived metrics that are kept, from where it had come to."""
    reckoning = Reckoning(stores.db, DerivedStore(stores.db), stores.kept, stores.places, stores.clock)
    await reckoning.open((await stores.letters.positions()).get(Reckoning.name, 0))
    return reckoning


async def open_tallying(stores: Stores, screens: Screens, court: Court) -> Tallying:
    """Be ready to tally what counters say; rules hear what is booked."""
    tallying = Tallying(stores.kept, TallyStore(stores.db), stores.events, screens)
    tallying.listeners.append(Overhearing(court, stores.rules).booked)
    await tallying.open()
    return tallying


async def open_shedding(stores: Stores, orders: Orders) -> Shedding:
    """Be ready to cut off what too much flows through."""
    cuts, store = Cuts(stores.commands, stores.alerts), SheddingStore(stores.db)
    shedding = Shedding(stores.kept, store, orders.commanding, cuts, stores.history.latest, stores.clock)
    await shedding.open()
    return shedding


async def open_automation(stores: Stores, orders: Orders, screens: Screens, presence: Presence) -> Automation:
    """Be ready to judge by the rules that are kept, from where they had come to."""
    kept = stores.rules
    court = Court(Rulebook(kept.rules, stores.places, stores.kept.registry), kept, stores.events, stores.clock)
    effects = Effects(stores.alerts, stores.tasks, stores.commands, stores.outbox, kept.runs, stores.tenancy.members)
    desiring = Desiring(stores.kept, orders.dispatch, screens, stores.clock, stores.settings.desired_per_device)
    acting = Acting(stores.kept, orders.commanding, effects, desiring, stores.callbook.calls)
    automation = Automation(court, kept, acting, stores.clock)
    await automation.open((await stores.letters.positions()).get(Automation.name, 0), presence.newest)
    heeds = (Overhearing(court, kept).commanded, Unheeded(stores.kept, stores.alerts, court).commanded)
    stores.commands.listeners.extend(heeds)
    kept.rules.listeners.append(court.book.changed)
    silences = automation.silences = Silences(court, presence.silence_of, stores.clock)
    presence.turned.append(silences.turned)
    silences.begin()
    return automation
