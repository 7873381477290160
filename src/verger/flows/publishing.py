"""Publishing: what devices said, from the log into their tenant's topic tree, for whoever listens there."""

from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, microseconds
from verger.base.db import after_commit
from verger.domain.devices.registry import Registry
from verger.domain.messages.exchange import Exchange
from verger.domain.messages.model import Message
from verger.domain.telemetry.model import Batch, Event, Once, Told
from verger.flows.ports import Screens

_UNKNOWN, _UNHEARD, _HEARD = 0, 1, 2


class Publishing:
    """A follower of the log, at QoS 1. It looks at no reading that nobody listens to, and waits for no listener."""

    name = "tree"

    def __init__(self, registry: Registry, exchange: Exchange, clock: Clock) -> None:
        """Know of no listeners yet."""
        self._registry, self._exchange, self._clock = registry, exchange, clock
        self._heard: NDArray[np.int8] = np.full(1, _UNHEARD, np.int8)  # by slot; the last row is nobody's
        self._looked: dict[str, list[int]] = {}  # the slots of each tenant of which it is known
        self._points: deque[tuple[int, int]] = deque()  # (record, what must be on disk for it)
        self._settled = 0

    async def take(self, batch: Batch) -> None:
        """Post what is listened to; what waits in inboxes is on disk before much more is taken."""
        if self._exchange.listening:
            self._readings(batch)
            self._events(batch.told)
        self._once(batch.told)
        keeper = self._exchange.keeper
        self._points.append((batch.sequence, keeper.mark))
        self._settle()
        if keeper.full:
            await keeper.kept()

    def settled(self) -> int | None:
        """Return the record up to which everything is in the inboxes on disk."""
        self._settle()
        return self._settled if self._points or self._settled else None

    def _settle(self) -> None:
        while self._points and self._points[0][1] <= self._exchange.keeper.saved:
            self._settled = self._points.popleft()[0]

    def status(self, device: str, *, online: bool) -> None:
        """Post that a device came or went."""
        known = self._registry.known(device)
        if known is not None and self._exchange.listening:
            body = {"at": self._clock.now() // 1000, "online": online}
            self._post(known.tenant, f"devices/{device}/status", body)

    async def device_left(self, connection: AsyncConnection, _tenant: str, device: str) -> None:
        """Post that a device has gone for good, once it has; its last will is heard by nobody."""
        after_commit(connection, lambda: self.status(device, online=False))

    def command(self, device: str, word: dict[str, Any]) -> None:
        """Post a step of a command."""
        known = self._registry.known(device)
        if known is not None and self._exchange.listening:
            body = {key: value for key, value in word.items() if key != "type"}
            self._post(known.tenant, f"devices/{device}/commands", body)

    def event(self, device: str, word: dict[str, Any]) -> None:
        """Post an event that stands in no log."""
        known = self._registry.known(device)
        if known is not None and self._exchange.listening:
            at = microseconds(word["at"]) // 1000
            body = {"at": at, "kind": word["kind"], "id": word["id"], "data": word["data"]}
            self._post(known.tenant, f"devices/{device}/events", body)

    def alert(self, tenant: str, place: str, word: dict[str, Any]) -> None:
        """Post how an alert of a place stands."""
        if self._exchange.listening:
            self._post(tenant, f"places/{place}/alerts", {key: word[key] for key in word if key != "type"})

    def _post(self, tenant: str, topic: str, body: dict[str, Any]) -> None:
        self._exchange.post(tenant, Message(topic, msgspec.json.encode(body), 1))

    def _readings(self, batch: Batch) -> None:
        slots = self._registry.slots_of(batch.series)
        self._look(slots)
        rows = np.flatnonzero(self._heard[slots] == _HEARD)
        if not len(rows):
            return
        found: dict[tuple[int, int], dict[str, float]] = {}
        columns = slots[rows], batch.series[rows], batch.at[rows], batch.value[rows]
        for slot, number, at, value in zip(*(column.tolist() for column in columns), strict=True):
            metric = self._registry.metric(number)
            if metric is not None:
                found.setdefault((slot, at), {})[metric] = value
        for (slot, at), values in found.items():
            known = self._registry.at_slot(slot)
            if known is not None:
                body = {"at": at // 1000, "values": values}
                self._post(known.tenant, f"devices/{known.device}/readings", body)

    def _look(self, slots: NDArray[np.int32]) -> None:
        """Find out who of these devices is listened to, once until somebody comes or goes in their tenant."""
        before, rows = self._heard, self._registry.slots + 1
        if rows > len(before):
            self._heard = np.zeros(rows, np.int8)
            self._heard[: len(before) - 1] = before[:-1]
            self._heard[-1] = _UNHEARD
        for tenant in self._exchange.changed():
            self._heard[self._looked.pop(tenant, [])] = _UNKNOWN
        for slot in np.unique(slots[self._heard[slots] == _UNKNOWN]).tolist():
            known = self._registry.at_slot(slot)
            heard = False
            if known is not None:
                tree = self._exchange.tree(known.tenant)
                heard = tree is not None and tree.heard(f"devices/{known.device}/readings")
                self._looked.setdefault(known.tenant, []).append(slot)
            self._heard[slot] = _HEARD if heard else _UNHEARD

    def _events(self, told: Iterable[Told]) -> None:
        for each in told:
            # Of one that was deleted meanwhile nothing is to come any more.
            if isinstance(each.said, Event) and self._registry.known(each.device) is not None:
                said = each.said
                at = None if said.at is None else said.at // 1000
                body = {"at": at, "kind": said.kind, "id": said.id, "data": said.data}
                self._post(each.tenant, f"devices/{each.device}/events", body)

    def _once(self, told: Iterable[Told]) -> None:
        """Let the sessions of devices know what of theirs was kept, should a crash have kept them from it."""
        for each in told:
            if isinstance(each.said, Once):
                self._exchange.received(each.said.session, each.said.packet_id, each.said.number)


class Both:
    """Screens and the topic tree hear together of devices that came or went, commands, and events of no log."""

    def __init__(self, screens: Screens, publishing: Publishing) -> None:
        """Tell the screens everything, and the tree what it has a topic for."""
        self._screens, self._publishing = screens, publishing

    def tell(self, device: str, word: dict[str, Any]) -> None:
        """Tell what happened to a device."""
        self._screens.tell(device, word)
        if word.get("type") == "device":
            self._publishing.status(device, online=word["online"])
        elif word.get("type") == "command":
            self._publishing.command(device, word)
        elif word.get("type") == "event":
            self._publishing.event(device, word)

    def announce(self, tenant: str, word: dict[str, Any], *, place: str | None, device: str | None = None) -> None:
        """Tell what happened at a place, or in all of the organisation."""
        self._screens.announce(tenant, word, place=place, device=device)
        if word.get("type") == "alert" and place is not None:
            self._publishing.alert(tenant, place, word)

    def changed(self, tenant: str) -> None:
        """Show a tenant's screens anew."""
        self._screens.changed(tenant)
