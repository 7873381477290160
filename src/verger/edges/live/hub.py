"""The hub: follows the log, and tells every open screen what it may see, at most once a tick."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
import structlog
from numpy.typing import NDArray

from verger.domain.devices.registry import Known, Registry
from verger.domain.telemetry.model import Batch
from verger.edges.live.screen import Screen
from verger.flows.oversight import Figure

TICK_S = 0.1
_NOBODY: set[Screen] = set()

Latest = Callable[[Sequence[int]], list[tuple[int, float] | None]]
"""Gives (at, value) of the greatest time for each series number, None where there is none."""

log = structlog.get_logger()


class Hub:
    """Knows the open screens; each frame is encoded once, whoever it goes to."""

    name = "live"

    def __init__(self, registry: Registry, latest: Latest) -> None:
        """Have no screens yet; `latest` tells what the history holds of some series."""
        self._registry = registry
        self._latest = latest
        self._screens: set[Screen] = set()
        self._viewers: dict[tuple[str, str | None], set[Screen]] = {}  # by tenant, and place or device
        self._watched: NDArray[np.bool_] = np.zeros(1, np.bool_)  # by slot; the last row is nobody's
        self._outdated = False
        self._changes = 0
        self._news: dict[str, dict[str, tuple[int, float]]] = {}  # device -> metric -> newest (at, value) of this tick
        self._words: list[tuple[Callable[[], set[Screen]], dict[str, Any]]] = []
        self.frames = 0

    @property
    def screens(self) -> int:
        """Return how many screens are open."""
        return len(self._screens)

    def figures(self) -> Iterator[Figure]:
        """Return its figures for the metrics page."""
        yield Figure("screens", "Open screens", self.screens)

    def open(self, screen: Screen) -> None:
        """Tell a screen from now on."""
        self._screens.add(screen)

    def close(self, screen: Screen) -> None:
        """Tell it no longer."""
        self._screens.discard(screen)
        self.watch()

    @property
    def changes(self) -> int:
        """Return how often places or devices came, went or moved: what was read before the last time is outdated."""
        return self._changes

    def shows(self, tenant: str, device: str) -> bool:
        """Tell whether a screen shows a device by itself, as its page does."""
        subject = "device", device
        return any(screen.tenant == tenant and subject in screen.subjects for screen in self._screens)

    def watch(self) -> None:
        """Look anew, before the next readings or frames, which devices are shown and where."""
        self._outdated = True

    def _look(self) -> None:
        """Note who shows what, and which devices are shown anywhere: only their readings are looked at."""
        self._outdated = False
        self._viewers = {}
        for screen in self._screens:
            for subject in (*screen.places, *screen.devices, *screen.tenants):
                self._viewers.setdefault((screen.tenant, subject), set()).add(screen)
        self._watched = np.zeros(self._registry.slots + 1, np.bool_)
        if self._viewers:
            for known in self._registry.everyone():
                self._watched[known.slot] = bool(self._showing(known))

    def _showing(self, known: Known) -> set[Screen]:
        """Return the screens that show a device."""
        by_place = self._viewers.get((known.tenant, known.place), _NOBODY)
        by_device = self._viewers.get((known.tenant, known.device), _NOBODY)
        return by_place | by_device if by_place and by_device else by_place or by_device

    def tell(self, device: str, word: dict[str, Any]) -> None:
        """Tell what happened to a device with the next tick, after the readings that came before it."""
        if self._screens:
            self._words.append((partial(self._of_device, device), word))

    def announce(self, tenant: str, word: dict[str, Any], *, place: str | None, device: str | None = None) -> None:
        """Tell with the next tick what happened at a place or to a device there, or, with neither, to all of a tenant.

        Screens that show the whole tenant hear of it in any case.
        """
        if self._screens:
            self._words.append((partial(self._of_tenant, tenant, place, device), word))

    def whisper(self, tenant: str, user: str, word: dict[str, Any]) -> None:
        """Tell every screen of one person what is theirs alone."""
        frame = encoded(word)
        for screen in self._screens:
            if screen.tenant == tenant and screen.user == user:
                screen.put(frame)

    def changed(self, tenant: str) -> None:
        """Show a tenant's screens everything anew: its places or devices are others now."""
        self._changes += 1
        self.watch()
        for screen in self._screens:
            if screen.tenant == tenant:
                screen.renew()

    async def take(self, batch: Batch) -> None:
        """Note the newest values of the devices that are shown somewhere."""
        if self._outdated:
            self._look()
        if not self._watched.any():
            return
        slots = self._registry.slots_of(batch.series)
        # A device younger than the last look is shown from the next on, with a snapshot.
        rows = np.flatnonzero(self._watched[np.where(slots < len(self._watched) - 1, slots, -1)])
        numbers, ats, values = batch.series[rows].tolist(), batch.at[rows].tolist(), batch.value[rows].tolist()
        told = zip(numbers, slots[rows].tolist(), ats, values, self._latest(numbers), strict=True)
        for number, slot, at, value, kept in told:
            # The first of a time stands, and a later one is shown already: what changes no latest value is not told.
            if kept is None or at > kept[0] or (at, value) == kept:
                self._note(number, slot, at, value)

    def settled(self) -> int | None:
        """Return None: there is nothing to be kept."""
        return None

    def _note(self, number: int, slot: int, at: int, value: float) -> None:
        known, metric = self._registry.at_slot(slot), self._registry.metric(number)
        if known is None or metric is None:
            return
        news = self._news.setdefault(known.device, {})
        if metric not in news or at > news[metric][0]:
            news[metric] = (at, value)

    def tick(self) -> None:
        """Give every screen its frames."""
        if self._outdated:
            self._look()
        news, self._news = self._news, {}
        words, self._words = self._words, []
        for device, values in news.items():
            for at in sorted({at for at, _ in values.values()}):
                now = {metric: value for metric, (when, value) in values.items() if when == at}
                self._send(
                    self._of_device(device), {"type": "readings", "device": device, "at": at // 1000, "values": now}
                )
        for whose, word in words:
            self._send(whose(), word)

    def _of_device(self, device: str) -> set[Screen]:
        known = self._registry.known(device)
        return _NOBODY if known is None else self._showing(known)

    def _of_tenant(self, tenant: str, place: str | None, device: str | None) -> set[Screen]:
        if place is None and device is None:
            return {screen for screen in self._screens if screen.tenant == tenant}
        return set().union(*(self._viewers.get((tenant, each), _NOBODY) for each in (place, device, tenant)))

    def _send(self, screens: set[Screen], word: dict[str, Any]) -> None:
        if screens:
            frame = encoded(word)
            self.frames += len(screens)
            for screen in screens:
                screen.put(frame)

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                log.exception("a tick failed")


def encoded(word: dict[str, Any]) -> str:
    """Return a frame's text."""
    return msgspec.json.encode(word).decode()
