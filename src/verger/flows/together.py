"""Together: many devices asked at once, those of a selection or a place, and everything in a place turned off."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Struct, convert, to_builtins

from verger.base.errors import Fault, Invalid
from verger.base.ids import new_id
from verger.domain.commands.model import UNDELIVERED, Command, Stage, cancelled
from verger.domain.devices.capabilities import turns_off
from verger.domain.devices.model import Capability, Device
from verger.domain.errands.errands import CalledOff, Doing, Errands
from verger.domain.errands.model import Errand
from verger.domain.places.store import PlaceStore
from verger.flows.commanding import Commanding, Wish, own_capabilities

KIND = "commands"
MOST = 10_000
_AT_ONCE = 50  # commands a transaction
_LOOK_S = 1.0
_FEW = 100  # commands, of which each answer is shown at once
_SILENT = (Stage.failed, Stage.expired, Stage.cancelled)
_NO_WAY = "Its type does not say how it is turned off."
_NO_TYPE = "It has no type that would say how it is turned off."

Capabilities = dict[str, list[Capability]]


class Asking(Struct, frozen=True):
    """What one device is to be told, by its method and parameters."""

    device: str
    method: str
    params: Any = None


class LeftOut(Struct, frozen=True):
    """A device that is told nothing, and why."""

    device: str
    why: str


class Askings(Struct, frozen=True):
    """Who would be told what, and who is left out."""

    orders: list[Asking]
    left_out: list[LeftOut]


class Unanswered(Struct, frozen=True):
    """A device that did not do it, how far it came, and why."""

    device: str
    command: str
    stage: Stage
    error: str | None


class Outcome(Struct, frozen=True):
    """What became of commands that were asked together; `batch` finds them, `stages` counts them."""

    batch: str
    stages: dict[str, int]
    unanswered: list[Unanswered]
    left_out: list[LeftOut]


class _Given(Struct, frozen=True):
    """What an errand is to do."""

    batch: str
    asked_by: str
    plan: Askings
    ttl_s: float
    one_way: bool = False


class Together:
    """Plans, and asks as long work: how far it is, is how many have answered or can no longer."""

    def __init__(self, commanding: Commanding, places: PlaceStore, errands: Errands) -> None:
        """Know of nothing under way."""
        self.errands = errands
        self._commanding, self._places = commanding, places
        self._moved = asyncio.Event()
        commanding.store.told.append(self._told)

    def _told(self, _tenant: str, command: Command) -> None:
        if command.batch and not command.waits:
            self._moved.set()
            self._moved.clear()

    # who is told what

    async def at_place(self, tenant: str, place: str, wish: Wish) -> Askings:
        """Return who at a place and below it would be told something; raise Missing, or Invalid if nobody can be."""
        devices, capabilities = await self._there(tenant, place)
        orders, left = [], []
        for device in devices:
            can = capabilities.get(device.type or "")
            if device.type is not None and wish.method not in [each.method for each in can or ()]:
                left.append(LeftOut(device.id, f"It cannot do {wish.method}."))
                continue
            self._commanding.made(device, can, wish, "")
            orders.append(Asking(device.id, wish.method, wish.params))
        return _some(Askings(orders, left), f"No device here can do {wish.method[:100]}.")

    async def selected(self, tenant: str, devices: Sequence[str], wish: Wish) -> Askings:
        """Return what some devices would be told; raise Invalid when one of them is not there or cannot do it."""
        found = {device.id: device for device in await self._commanding.kept.devices.at(tenant)}
        capabilities = await self._capabilities(tenant)
        for place, device in enumerate(devices):
            if device not in found:
                raise Invalid("There is no such device.", [Fault(f"devices[{place}]", "Name a device that is there.")])
            self._commanding.made(found[device], capabilities.get(found[device].type or ""), wish, "")
        orders = [Asking(device, wish.method, wish.params) for device in dict.fromkeys(devices)]
        return _some(Askings(orders, []), "Name at least one device.")

    async def off(self, tenant: str, place: str) -> Askings:
        """Return what would turn off everything at a place and below it; raise Missing."""
        devices, capabilities = await self._there(tenant, place)
        orders: list[Asking] = []
        left: list[LeftOut] = []
        for device in devices:
            ways = own_capabilities(device, capabilities.get(device.type or "")) or ()
            own = [Asking(device.id, can.method, params) for can in ways for params in turns_off(can)]
            orders += own
            if not own:
                left.append(LeftOut(device.id, _NO_WAY if device.type else _NO_TYPE))
        return Askings(orders, left)

    async def _there(self, tenant: str, place: str) -> tuple[list[Device], Capabilities]:
        await self._places.get(tenant, place)
        below = (await self._places.tree(tenant)).below(place)
        return await self._commanding.kept.devices.at(tenant, below), await self._capabilities(tenant)

    async def _capabilities(self, tenant: str) -> Capabilities:
        return {kind.key: kind.capabilities for kind in await self._commanding.kept.types.all(tenant)}

    # asking

    async def begin(self, tenant: str, plan: Askings, wish: Wish, asked_by: str) -> Errand:
        """Ask all of a plan within the time of a wish, as long work; raise Invalid when there is nothing to ask."""
        plan = _some(plan, "There is nothing here that can be turned off; say in its device type how.")
        given = _Given(new_id(), asked_by, plan, wish.ttl_s, wish.one_way)
        return await self.errands.begin(tenant, asked_by, KIND, to_builtins(given))

    async def run(self, doing: Doing) -> dict[str, Any]:
        """Ask, and wait until each has answered or its time is over; called off, what no device has is cancelled."""
        given, store = convert(doing.given, _Given), self._commanding.store
        try:
            left = await self._ask(doing, given)
            while True:
                stages, waiting = await store.stages(doing.tenant, given.batch)
                doing.reached(sum(stages.values()) - waiting, len(given.plan.orders))
                if not waiting:
                    silent = await store.of_batch(doing.tenant, given.batch, _SILENT)
                    return dict(to_builtins(_outcome(given, left, stages, silent)))
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._moved.wait()
                if len(given.plan.orders) > _FEW:
                    await asyncio.sleep(_LOOK_S)  # one after the other answers, and to count many takes time
        except CalledOff:
            await self._cancel(doing.tenant, given)
            raise

    async def _ask(self, doing: Doing, given: _Given) -> list[LeftOut]:
        """Keep those commands that are not there yet: after a restart some may be; return who cannot be asked now."""
        kept, store = self._commanding.kept, self._commanding.store
        known = Counter(await store.asked_in(doing.tenant, given.batch))
        fresh = []
        for order in given.plan.orders:  # they were kept in this order
            known[order.device, order.method] -= 1
            if known[order.device, order.method] < 0:
                fresh.append(order)
        devices = {device.id: device for device in await kept.devices.at(doing.tenant)}
        capabilities = await self._capabilities(doing.tenant)
        left = []
        for start in range(0, len(fresh), _AT_ONCE):
            doing.reached(doing.errand.done, len(given.plan.orders))
            async with kept.db.writing() as connection:
                for order in fresh[start : start + _AT_ONCE]:
                    command = self._command(devices.get(order.device), capabilities, order, given)
                    if isinstance(command, str):
                        left.append(LeftOut(order.device, command))
                    else:
                        await store.add(connection, doing.tenant, command)
        return left

    def _command(
        self, device: Device | None, capabilities: Capabilities, order: Asking, given: _Given
    ) -> Command | str:
        """Return what a device is to be told, or why it cannot be, other than when it was planned."""
        if device is None:
            return "It has gone since."
        wish = Wish(method=order.method, params=order.params, ttl_s=given.ttl_s, one_way=given.one_way)
        try:
            can = capabilities.get(device.type or "")
            return self._commanding.made(device, can, wish, given.asked_by, given.batch)
        except Invalid as why:
            return str(why)

    async def _cancel(self, tenant: str, given: _Given) -> None:
        kept, store, now = self._commanding.kept, self._commanding.store, self._commanding.clock.now()
        commands = await store.of_batch(tenant, given.batch, UNDELIVERED)
        for start in range(0, len(commands), _AT_ONCE):
            async with kept.db.writing() as connection:
                for command in commands[start : start + _AT_ONCE]:
                    found = await store.there(connection, tenant, command.id)
                    if found is not None and found.stage in UNDELIVERED:
                        after = cancelled(found, now, given.asked_by, "All that was asked together was called off.")
                        await store.change(connection, tenant, after)


def _some(plan: Askings, sentence: str) -> Askings:
    if not plan.orders:
        raise Invalid(sentence, [Fault("", sentence)])
    if len(plan.orders) > MOST:
        sentence = f"At most {MOST} devices can be asked at once; choose a smaller place."
        raise Invalid(sentence, [Fault("", sentence)])
    return plan


def _outcome(given: _Given, left: list[LeftOut], stages: dict[str, int], silent: Iterable[Command]) -> Outcome:
    unanswered = [Unanswered(command.device, command.id, command.stage, command.error) for command in silent]
    return Outcome(given.batch, stages, unanswered, given.plan.left_out + left)
