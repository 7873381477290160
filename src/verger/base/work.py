"""Work: loops that run beside each other for as long as the program does."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from verger.base.errors import Refused

log = structlog.get_logger()


class Work:
    """The loops that never end; if one does, the program stops rather than limp."""

    def __init__(self) -> None:
        """Have nothing to do yet."""
        self.failed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, loop: Coroutine[Any, Any, None]) -> None:
        """Let a loop run."""
        task = asyncio.create_task(loop, name=getattr(loop, "__qualname__", "work"))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("a part of the program failed", part=task.get_name(), exc_info=error)
            self.failed.set()

    async def stop(self) -> None:
        """End every loop."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again; when it fails it is logged and tried again."""
    while True:
        await asyncio.sleep(seconds)
        await attempt(act)


async def attempt(act: Callable[[], Awaitable[None]]) -> None:
    """Do something; when it fails it is logged, and that is all."""
    try:
        await act()
    except Refused as refused:
        log.warning("a task could not be done", task=_name(act), why=str(refused))
    except Exception:
        log.exception("a task failed", task=_name(act))


def _name(act: Callable[[], Awaitable[None]]) -> str:
    return str(getattr(getattr(act, "func", act), "__qualname__", act))
