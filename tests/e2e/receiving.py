"""A receiver of other people's that lives beside a test."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.edges.outside.neighbours import Receiver, living


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Let a receiver live beside the test."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def live() -> None:
        async with living(receiver):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    ready.wait()
    yield receiver
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()
