"""Commanding: what people ask of devices, checked, kept, and called off again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from msgspec import Struct

from verger.base.clock import Clock, moment
from verger.base.ids import new_id
from verger.domain.commands.model import TTL_S, Command, cancelled
from verger.domain.commands.store import CommandStore
from verger.domain.devices import boards, outlets
from verger.domain.devices.capabilities import check, check_size, find, proof
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Capability, Device


class Wish(Struct, frozen=True, kw_only=True):
    """What a device shall do, within how many seconds; no answer is awaited of what goes `one_way`."""

    method: str
    params: Any = None
    ttl_s: float = TTL_S
    one_way: bool = False


@dataclass(frozen=True)
class Commanding:
    """Keeps what is asked; sending it is another story."""

    kept: Kept
    store: CommandStore
    clock: Clock

    async def ask(self, tenant: str, device: str, wish: Wish, asked_by: str) -> Command:
        """Ask a device for something and return the command as it is kept; raise Missing or Invalid."""
        command = await self.prepare(tenant, device, wish, asked_by)
        async with self.kept.db.writing() as connection:
            return await self.store.add(connection, tenant, command)

    async def prepare(self, tenant: str, device: str, wish: Wish, asked_by: str) -> Command:
        """Return a command that may be added to the store; raise Missing or Invalid, which names the range."""
        found = await self.kept.devices.get(tenant, device)
        capabilities = None if found.type is None else (await self.kept.types.get(tenant, found.type)).capabilities
        return self.made(found, capabilities, wish, asked_by)

    def made(
        self, device: Device, capabilities: list[Capability] | None, wish: Wish, asked_by: str, batch: str | None = None
    ) -> Command:
        """Return what a device of such capabilities is to be told; one without a type takes any method. Raise Invalid.

        All of one `batch` were asked together.
        """
        now = moment(self.clock.now())
        capabilities = own_capabilities(device, capabilities)
        params, shows, one_way = wish.params, None, wish.one_way
        if capabilities is None:
            check_size(params)
        else:
            capability = find(capabilities, wish.method)
            params = check(capability, params)
            shows, one_way = proof(capability, params), one_way or not capability.answers
        return Command(
            id=new_id(),
            device=device.id,
            method=wish.method,
            params=params,
            asked_by=asked_by,
            asked_at=now,
            expires_at=now + timedelta(seconds=wish.ttl_s),
            one_way=one_way,
            shows=shows,
            batch=batch,
        )

    async def purge(self, days: int) -> None:
        """Forget what was asked so many days ago and has ended."""
        before = moment(self.clock.now()) - timedelta(days=days)
        while await self.store.purge(before):
            pass

    async def cancel(self, tenant: str, command: str, by: str) -> Command:
        """Call a command off that its device does not have yet; raise Missing, or Conflict when it is too late."""
        async with self.kept.db.writing() as connection:
            found = await self.store.find(connection, tenant, command)
            after = cancelled(found, self.clock.now(), by, "It was cancelled before the device had it.")
            return await self.store.change(connection, tenant, after)


def own_capabilities(device: Device, capabilities: list[Capability] | None) -> list[Capability] | None:
    """Return what a device can be told: as its type says, else as its family does; None where neither says it."""
    if capabilities is None and device.dialect == outlets.NAME and device.address:
        return outlets.CAPABILITIES if outlets.outlet_id(device.address) else []
    if capabilities is None and device.dialect == boards.NAME and boards.is_board(device.address or ""):
        return boards.CAPABILITIES
    return capabilities
