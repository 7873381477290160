"""How simulated devices of the families live: a cycle, a pause, again, until they are stopped or not wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from verger.base.clock import Clock, SystemClock
from verger.simulator.faults import Faults
from verger.simulator.mqtt import Lost, NotWelcome

log = structlog.get_logger()

Wait = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Door:
    """Where devices of a family get in: the ports of a server, and the key of an enrolment, if they have one."""

    host: str = "127.0.0.1"
    port: int = 1883
    key: str = ""

    def path(self, dialect: str) -> str:
        """Return what goes before each path over HTTP."""
        return f"/t/{self.key}/compat/{dialect}" if self.key else f"/compat/{dialect}"


@dataclass(frozen=True)
class Nature:
    """What makes one simulated device: its number among its like, its seed, its pace in seconds, its faults."""

    number: int
    seed: int
    every_s: float
    faults: Faults = field(default_factory=Faults)
    clock: Clock = field(default_factory=SystemClock)
    wait: Wait = asyncio.sleep


class Life(Protocol):
    """A simulated device that lives in cycles."""

    again_s: float
    """How long it waits after it was not heard."""

    async def cycle(self) -> float:
        """Do once what it does again and again; return the seconds until then. Raise Lost or NotWelcome."""
        ...

    async def stop(self) -> None:
        """Hang up."""
        ...


async def lived(one: Life, wait: Wait = asyncio.sleep) -> NotWelcome:
    """Let a device live; return the refusal that ended it. One that was heard before goes on knocking."""
    heard = False
    try:
        while True:
            try:
                pause = await one.cycle()
                heard = True
            except Lost as lost:
                log.info("A simulated device was not heard.", why=str(lost))
                pause = one.again_s
            except NotWelcome as refusal:
                if not heard:
                    log.warning("A simulated device stopped.", why=str(refusal))
                    return refusal
                pause = one.again_s
            await wait(max(0.0, pause))
    finally:
        await one.stop()
