"""The whole product, running."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from verger.app.doors import build_api
from verger.app.house import House, open_house
from verger.app.stores import open_stores
from verger.base.settings import Settings
from verger.edges.api.server import HttpPorts, served


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[House, HttpPorts]]:
    """Run the whole product; give the house and where it answers HTTP. Raise Refused when it cannot start."""
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        ports = await stack.enter_async_context(served(build_api(house), settings, house.tls, house.families.at_port))
        # devices that speak MQTT over a WebSocket are told before those end
        stack.push_async_callback(house.listener.stop)
        yield house, ports
