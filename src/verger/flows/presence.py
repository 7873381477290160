"""Presence: when each device was last heard, and whether it is online."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import SECOND, Clock, microseconds, moment
from verger.base.work import attempt
from verger.domain.devices.registry import Known, Registry
from verger.domain.devices.store import DeviceStore
from verger.domain.telemetry.model import Batch
from verger.flows.ports import Screens

_SAVE_EVERY = 10 * SECOND
_AT_ONCE = 500  # rows a transaction


class Presence:
    """A follower of the log, and a listener to connections: online is connected, or heard within `silent_s`."""

    name = "presence"

    def __init__(self, registry: Registry, devices: DeviceStore, screens: Screens, clock: Clock, silent_s: int) -> None:
        """Know of nobody yet."""
        self._registry = registry
        self._devices = devices
        self._screens = screens
        self._clock = clock
        self._silent = silent_s * SECOND
        # Rows are the registry's slots; the last one takes what belongs to nobody (slot -1).
        self._seen: NDArray[np.int64] = np.zeros(1, np.int64)
        self._online: NDArray[np.bool_] = np.zeros(1, np.bool_)
        self._dirty: NDArray[np.bool_] = np.zeros(1, np.bool_)
        self._connections: dict[str, int] = {}
        self._taken = self._saved = 0
        self._saved_at = clock.now()

    async def fill(self) -> None:
        """Remember, at start, when each device was last heard."""
        self._grow()
        for _, device in await self._devices.everything():
            known = self._registry.known(device.id)
            if known is not None and device.last_seen is not None:
                self._seen[known.slot] = microseconds(device.last_seen)
                self._online[known.slot] = self.online(device.id)

    async def take(self, batch: Batch) -> None:
        """See who spoke in a batch."""
        self._grow()
        slots = self._registry.slots_of(batch.series)
        told = [known.slot for each in batch.told if (known := self._registry.known(each.device))]
        if told:
            slots = np.concatenate([slots, np.array(told, np.int32)])
        self._seen[slots] = batch.received_at
        self._dirty[slots] = True
        self._taken = batch.sequence
        if batch.received_at > self._clock.now() - self._silent and not self._online[slots].all():
            for slot in np.unique(slots[~self._online[slots]]):
                self._turn(int(slot), online=True)

    def settled(self) -> int | None:
        """Return the record up to which `last_seen` is on disk."""
        return self._saved

    def connected(self, device: str) -> None:
        """Count a connection of a device."""
        self._grow()
        self._connections[device] = self._connections.get(device, 0) + 1
        if known := self._registry.known(device):
            self._turn(known.slot, online=True)

    def disconnected(self, device: str) -> None:
        """Count a connection less; the device is offline once it has been silent for long enough."""
        left = self._connections.pop(device, 1) - 1
        if left > 0:
            self._connections[device] = left

    def connected_now(self, device: str) -> bool:
        """Tell whether a device has a connection, its own or through its gateway."""
        return device in self._connections

    def online(self, device: str) -> bool:
        """Tell whether a device is online now."""
        known = self._registry.known(device)
        if known is None:
            return False
        return device in self._connections or self._last(known) > self._clock.now() - self._silent

    def last_seen(self, device: str) -> int | None:
        """Return when a device was last heard, in microseconds, None if never."""
        known = self._registry.known(device)
        return (self._last(known) or None) if known else None

    def watch(self) -> None:
        """Notice who has fallen silent."""
        self._grow()
        silent = self._online[:-1] & (self._seen[:-1] <= self._clock.now() - self._silent)
        for slot in np.flatnonzero(silent):
            known = self._registry.at_slot(int(slot))
            if known is None or known.device not in self._connections:
                self._turn(int(slot), online=False)

    async def save(self) -> None:
        """Keep when devices were last heard."""
        taken, self._saved_at = self._taken, self._clock.now()
        slots = np.flatnonzero(self._dirty[:-1])
        self._dirty[:] = False
        known = [each for slot in slots if (each := self._registry.at_slot(int(slot)))]
        try:
            for start in range(0, len(known), _AT_ONCE):
                await self._devices.saw(
                    [(each.device, moment(self._last(each))) for each in known[start : start + _AT_ONCE]]
                )
        except Exception:
            self._dirty[slots] = True  # the next time will do
            raise
        self._saved = taken

    async def run(self) -> None:
        """Watch each second and save every ten, until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.watch()
            if self._clock.now() - self._saved_at >= _SAVE_EVERY:
                await attempt(self.save)

    def _last(self, known: Known) -> int:
        return int(self._seen[known.slot]) if known.slot < len(self._seen) - 1 else 0

    def _turn(self, slot: int, *, online: bool) -> None:
        known = self._registry.at_slot(slot) if slot >= 0 else None
        if known is not None and bool(self._online[slot]) is not online:
            self._online[slot] = online
            self._screens.tell(known.device, {"type": "device", "id": known.device, "online": online})

    def _grow(self) -> None:
        missing = self._registry.slots + 1 - len(self._seen)
        if missing > 0:
            room = max(missing, len(self._seen))
            self._seen = np.concatenate([self._seen[:-1], np.zeros(room + 1, np.int64)])
            self._online = np.concatenate([self._online[:-1], np.zeros(room + 1, np.bool_)])
            self._dirty = np.concatenate([self._dirty[:-1], np.zeros(room + 1, np.bool_)])
