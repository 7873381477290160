"""Bridges, joined to the inlet and to who knows the devices."""

from contextlib import AsyncExitStack
from functools import partial

from verger.app.stores import Stores
from verger.edges.wire.bridge.bridges import Bridges
from verger.edges.wire.inlet import Inlet
from verger.flows.bridging import Roster


async def open_bridges(stack: AsyncExitStack, stores: Stores, inlet: Inlet) -> Bridges:
    """Begin to listen at every broker that somebody named."""
    bridges = Bridges(stores.bridges, inlet, stores.outgoing, partial(_acquainted, stores), stores.clock)
    stack.push_async_callback(bridges.stop)
    await bridges.start()
    return bridges


def _acquainted(stores: Stores, tenant: str) -> Roster:
    return Roster(stores.kept, tenant, stores.clock)
