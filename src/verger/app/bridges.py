"""Bridges, joined to the inlet, to who knows the devices, and to what they are told."""

from contextlib import AsyncExitStack
from functools import partial

from verger.app.commands import Orders
from verger.app.families import Families
from verger.app.stores import Stores
from verger.domain.bridges.ways import WayStore
from verger.edges.wire.bridge.bridges import Bridges
from verger.flows.bridging import Roster


async def open_bridges(stack: AsyncExitStack, stores: Stores, families: Families, orders: Orders) -> Bridges:
    """Begin to listen at every broker that somebody named."""
    acquainted = partial(_acquainted, stores)
    bridges = Bridges(stores.bridges, WayStore(stores.db), families.desk, stores.outgoing, acquainted, stores.clock)
    orders.dispatch.bridges.append(bridges)
    stack.push_async_callback(bridges.stop)
    await bridges.start()
    return bridges


def _acquainted(stores: Stores, tenant: str) -> Roster:
    return Roster(stores.kept, tenant, stores.clock)
