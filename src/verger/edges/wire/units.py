"""Control units in our own network, told at once what is to be done; only at addresses that the operator wrote down."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any
from urllib.parse import urlencode

import structlog
from msgspec import Struct

from verger.base.errors import Busy, Refused
from verger.base.work import every
from verger.domain.devices.addresses import Addressed, Addresses
from verger.domain.devices.outlets import NAME, outlet_id
from verger.domain.telemetry.model import Ack, Attributes, Heard, Said
from verger.edges.wire.dialects import outlet
from verger.edges.wire.dialects.native import Ask, Order, Wanted

WAY = "lan"
_PATIENCE_S = 3.0
_AGAIN_S = 30.0  # how soon a breaker is told its limit again that it was not told yet
_MOST_WAITING = 64
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}

log = structlog.get_logger()

Post = Callable[[str, Mapping[str, str], bytes], Awaitable[None]]
"""Posts to an address; raises Refused unless it was taken."""
Put = Callable[[Heard], Awaitable[Any]]
Owed = Callable[[Addressed], Awaitable[Any]]
"""Returns the limit that is desired of a unit's breaker and that it was not told, None where there is none."""


class _Call(Struct, frozen=True):
    """What a unit is told, and what is known once it has taken it."""

    device: str
    path: str
    form: dict[str, str]
    said: tuple[Said, ...]


class Units:
    """Tells units; what one has taken it has, and no more: its relays prove the rest.

    What fails waits for its poll, but for the limit of its breaker, which no poll fetches: that is told again.
    """

    def __init__(
        self,
        units: Mapping[str, str],
        addresses: Addresses,
        post: Post,
        put: Put,
        has: Callable[[str, int], None],
        owed: Owed,
    ) -> None:
        """Know the addresses, such as 192.168.1.20:80, of some units by the ids of their devices.

        `put` keeps what is known of a device by then; `has` learns that it has a command, before that can be read.
        """
        self._owed = owed
        self._units, self._addresses = dict(units), addresses
        self._post, self._put, self._has = post, put, has
        self._waiting = {unit: asyncio.Queue[_Call](_MOST_WAITING) for unit in units}

    def loops(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Return what tells each unit, one thing after the other, and what looks whether that was told."""
        return *(self._tell(unit) for unit in self._units), every(_AGAIN_S, self.remind)

    async def remind(self) -> None:
        """Tell each unit once more which limit is desired of its breaker, where it was not told."""
        for unit in self._units:
            known = self._addresses.of(unit)
            if known is None or known.dialect != NAME or not self._waiting[unit].empty():
                continue
            call = _desired(known, await self._owed(known), whole=True)
            if call is not None and not self._waiting[unit].full():
                self._waiting[unit].put_nowait(call)

    async def _tell(self, unit: str) -> None:
        while True:
            call = await self._waiting[unit].get()
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._post(f"http://{self._units[unit]}{call.path}", _FORM, urlencode(call.form).encode())
            except (Refused, TimeoutError) as why:
                log.info("a control unit was not told directly", unit=unit, why=str(why) or "It did not answer.")
                continue
            for said in call.said:
                if isinstance(said, Ack):
                    self._has(call.device, said.number)
            await self._keep(Heard(call.device, call.said))

    async def _keep(self, heard: Heard) -> None:
        try:
            await self._put(heard)
        except Busy:
            log.warning("what a control unit has taken could not be kept", device=heard.device)

    # as a way of the dispatch

    def deliver(self, device: str, order: Order, qos: int = 1) -> bool:
        """Tell the unit of an outlet, or a unit itself; whether it is on its way."""
        known = self._addresses.of(device)
        if known is None or known.dialect != NAME:
            return False
        unit = known.device if known.device in self._units else known.gateway or ""
        call = _call(known, order, whole=unit == known.device) if unit in self._units else None
        if call is None or self._waiting[unit].full():
            return False
        self._waiting[unit].put_nowait(call)
        return True

    def drop(self, device: str) -> None:
        """Hold no connection to anybody."""

    async def kept(self) -> None:
        """Return: what does not reach a unit is found by its poll."""


def _call(known: Addressed, order: Order, *, whole: bool) -> _Call | None:
    """Return what a unit is told of an outlet, or, as a `whole`, of its breaker; None for what it does not know."""
    if isinstance(order, Wanted):
        return _desired(known, order.values.get("threshold"), whole=whole)
    name, told = outlet_id(known.address), outlet.order(order) if isinstance(order, Ask) else None
    if name is None or told is None or not isinstance(order, Ask):
        return None
    ack = Ack(order.number, WAY)
    if told["command"] == "set_threshold":
        return _threshold(known.device, name, told["value"], ack)
    form = {"device_id": name, "command": told["command"], "socket": told["socket"]}
    return _Call(known.device, "/api/ext/relay", form, (ack,)) if told["socket"] else None


def _desired(known: Addressed, value: Any, *, whole: bool) -> _Call | None:
    name = outlet_id(known.address)
    if whole and isinstance(value, int) and not isinstance(value, bool) and value > 0:
        said = (Attributes({"threshold": value}),)
        return _Call(known.device, f"/api/breaker/threshold?value={value}", {}, said)
    return _threshold(known.device, name, value) if name and outlet.is_threshold(value) else None


def _threshold(device: str, name: str, value: int, *more: Said) -> _Call:
    form = {"device_id": name, "value": str(value)}
    return _Call(device, "/api/ext/threshold", form, (*more, Attributes({"threshold": value})))
