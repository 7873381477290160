"""The stories that people's requests tell, each joined to the parts that it uses."""

from verger.app.errands import LongWork
from verger.app.stores import Stores
from verger.app.upkeep import Upkeep
from verger.edges.api.grounds import Grounds
from verger.edges.live.hub import Hub
from verger.edges.wire.mqtt.listener import Listener
from verger.flows.charting import Charting
from verger.flows.clearing import Clearing
from verger.flows.oversight import Oversight
from verger.flows.overview import Overview
from verger.flows.provisioning import Provisioning
from verger.flows.retiring import Retiring
from verger.flows.showing import Showing


def build_grounds(
    stores: Stores,
    showing: Showing,
    hub: Hub,
    listener: Listener,
    oversight: Oversight,
    long_work: LongWork,
    upkeep: Upkeep,
) -> Grounds:
    """Return the stories that people's requests tell."""
    kept, places = stores.kept, stores.places
    limit = stores.settings.series_per_device
    provisioning = Provisioning(kept, places, listener, hub, stores.clock, limit)
    return Grounds(
        clock=stores.clock,
        places=places,
        kept=kept,
        events=stores.events,
        errands=long_work.errands,
        exporting=long_work.exporting,
        safekeeping=long_work.safekeeping,
        provisioning=provisioning,
        retiring=Retiring(provisioning, kept, stores.history, stores.log),
        retention=upkeep.retention,
        clearing=Clearing(places, kept, provisioning),
        showing=showing,
        charting=Charting(showing, places, stores.history),
        overview=Overview(showing, places, stores.clock, upkeep.room.notices),
        state=oversight.state,
    )
