"""The stories that people's requests tell, each joined to the parts that it uses."""

from verger.app.errands import LongWork
from verger.app.stores import Stores
from verger.app.upkeep import Upkeep
from verger.edges.api.grounds import Grounds
from verger.flows.bridging import Bridging, Lines
from verger.flows.charting import Charting
from verger.flows.clearing import Clearing
from verger.flows.device_side import DeviceSide
from verger.flows.oversight import Oversight
from verger.flows.overview import Overview
from verger.flows.retiring import Retiring
from verger.flows.showing import Showing
from verger.flows.vacating import Vacating


def build_grounds(
    stores: Stores,
    showing: Showing,
    side: DeviceSide,
    oversight: Oversight,
    long_work: LongWork,
    upkeep: Upkeep,
    lines: Lines,
) -> Grounds:
    """Return the stories that people's requests tell."""
    kept, places, provisioning = stores.kept, stores.places, side.provisioning
    retiring, clearing = Retiring(provisioning, upkeep.erasing), Clearing(places, kept, provisioning)
    return Grounds(
        clock=stores.clock,
        places=places,
        kept=kept,
        events=stores.events,
        errands=long_work.errands,
        exporting=long_work.exporting,
        importing=long_work.importing,
        safekeeping=long_work.safekeeping,
        provisioning=provisioning,
        desiring=side.desiring,
        claiming=side.claiming,
        door=side.door,
        retiring=retiring,
        retention=upkeep.retention,
        prune=upkeep.pruning.at_once,
        erasing=upkeep.erasing,
        clearing=clearing,
        vacating=Vacating(places, retiring),
        bridging=Bridging(stores.bridges, lines, stores.clock),
        showing=showing,
        charting=Charting(showing, places, stores.history),
        overview=Overview(showing, places, stores.clock, upkeep.room.notices),
        state=oversight.state,
        limits=stores.limiting.told,
    )
