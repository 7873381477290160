"""What devices are told to do: asked, sent, and proved."""

from dataclasses import dataclass
from functools import partial

from verger.app.stores import Stores
from verger.domain.errands.errands import Errands
from verger.domain.telemetry.followers import Followers
from verger.edges.wire.dispatch import Dispatch
from verger.flows.commanding import Commanding
from verger.flows.outbound import Outbound
from verger.flows.ports import Screens
from verger.flows.proving import Proving
from verger.flows.repairing import Repairing
from verger.flows.together import Together


@dataclass(frozen=True)
class Orders:
    """The stories of a command."""

    dispatch: Dispatch
    commanding: Commanding
    outbound: Outbound
    proving: Proving
    repairing: Repairing
    together: Together

    def follow(self, followers: Followers) -> None:
        """Give up nothing whose answer is on its way through the log."""
        self.outbound.caught_up = partial(followers.caught_up, Proving.name)


async def open_orders(stores: Stores, screens: Screens) -> Orders:
    """Go on with what was asked before."""
    dispatch = Dispatch()
    outbound = Outbound(stores.kept, stores.commands, dispatch, screens, stores.clock)
    proving = Proving(stores.kept, stores.commands, outbound.sending)
    await outbound.fill()
    await proving.fill()
    commanding = Commanding(stores.kept, stores.commands, stores.clock)
    errands = Errands(stores.errands, stores.clock, stores.settings.jobs_at_once)
    together = Together(commanding, stores.places, errands)
    repairing = Repairing(stores.kept, dispatch, stores.clock)
    return Orders(dispatch, commanding, outbound, proving, repairing, together)
