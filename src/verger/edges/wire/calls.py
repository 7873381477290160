"""Calls: devices that wait over HTTP for a command, each of which goes to one that waits."""

import asyncio

from verger.edges.wire.dialects.native import Ask


class Calls:
    """The open questions of devices, the longest open first."""

    def __init__(self) -> None:
        """Know of nobody who waits."""
        self._open: dict[str, list[asyncio.Future[Ask]]] = {}

    def wait(self, device: str) -> "asyncio.Future[Ask]":
        """Return what will hold the next command of a device; cancel it to wait no longer."""
        call: asyncio.Future[Ask] = asyncio.get_running_loop().create_future()
        self._open.setdefault(device, []).append(call)
        call.add_done_callback(lambda _: self._leave(device, call))
        return call

    def give(self, device: str, order: Ask) -> bool:
        """Give a command to a device that waits; whether one did."""
        for call in self._open.get(device, []):
            if not call.done():
                call.set_result(order)
                return True
        return False

    def _leave(self, device: str, call: "asyncio.Future[Ask]") -> None:
        waiting = self._open.get(device, [])
        waiting.remove(call)
        if not waiting:
            del self._open[device]
