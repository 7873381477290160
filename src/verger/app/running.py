"""The whole product, running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import uvicorn

from verger.app.doors import build_api
from verger.app.house import House, open_house
from verger.app.stores import open_stores
from verger.base.settings import Settings
from verger.edges.api.line import Line
from verger.edges.api.server import Web, listen


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[House, int]]:
    """Run the whole product; give the house and the HTTP port. Raise Refused when it cannot start."""
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        http = listen(settings.http_host, settings.http_port)
        stack.callback(http.close)
        http_port = int(http.getsockname()[1])
        web = Web(
            uvicorn.Config(
                build_api(house),
                http=Line,
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                ws="websockets-sansio",
                ws_max_size=64 << 10,
                timeout_graceful_shutdown=2,
            )
        )
        serving = asyncio.create_task(web.serve([http]), name="http")
        stack.push_async_callback(_stop_web, web, serving)
        await web.ready.wait()
        yield house, http_port


async def _stop_web(web: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    web.should_exit = True
    await serving
