"""Adopting: a stranger becomes a device, and what it said while it waited becomes its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec import Struct, structs

from verger.base.clock import Clock, moment
from verger.base.errors import Conflict, Fault, Invalid, Missing
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.domain.devices import plants
from verger.domain.devices.families import FAMILIES, called, identity
from verger.domain.devices.model import Device
from verger.domain.enrolments.model import Pairing, Stranger
from verger.domain.places.model import Place
from verger.domain.telemetry.model import Heard
from verger.flows.codes import CODE_WINDOW
from verger.flows.enrolled import Enrolled
from verger.flows.provisioning import Provisioning
from verger.flows.relaying import Takes
from verger.flows.waiting import unpacked

log = structlog.get_logger()

_SHORTEST = 4
_LONGEST = 200


class Adopted(Struct, frozen=True):
    """A stranger that is a device now, and the access token that it may use besides its family's own words."""

    device: Device
    proof: str


class Tree(Struct, frozen=True):
    """Devices that were adopted at once, and the places that were made for them."""

    devices: list[Device]
    places: list[Place]


@dataclass(frozen=True)
class Adopting:
    """What people do with strangers; `inbound` is where words become history."""

    enrolled: Enrolled
    provisioning: Provisioning
    inbound: Takes
    clock: Clock

    async def page(self, tenant: str, asked: Asked) -> Page[Stranger]:
        """Return a page of strangers, the newest first."""
        return await self.enrolled.strangers.page(tenant, asked)

    async def waiting(self, tenant: str, dialect: str, address: str) -> str | None:
        """Return the id of the stranger that has an address in its family."""
        return self.enrolled.waiting.get((tenant, dialect, identity(dialect, address)))

    async def dismiss(self, tenant: str, stranger: str) -> None:
        """Forget a stranger and its code; should it knock again, it begins anew. Raise Missing."""
        found = await self.enrolled.strangers.get(tenant, stranger)
        await self.enrolled.strangers.forget(tenant, stranger, adopted=False)
        key = self.enrolled.forget(tenant, stranger)
        self.enrolled.roll.count(found.enrolment, -1)
        if key is not None:
            await self.enrolled.pairings.forget(key)

    async def adopt(self, tenant: str, stranger: str, wish: dict[str, Any]) -> Adopted:
        """Make a device of a stranger, with what people know of it; raise Missing, Invalid or Conflict."""
        found = await self.enrolled.strangers.get(tenant, stranger)
        known = {"name": called(found.dialect, found.address), "place": found.place} | wish
        device = Device(
            id=new_id(),
            dialect=found.dialect,
            address=found.address,
            gateway=known.pop("gateway", None) or self._gateway(tenant, found),
            channels=known.pop("channels", None) or found.channels,
            created_at=moment(self.clock.now()),
            **known,
        )
        device, proof = await self.provisioning.add(tenant, device)
        await self.finish(tenant, found, device)
        return Adopted(device, proof)

    def _gateway(self, tenant: str, found: Stranger) -> str | None:
        """Return the device that speaks for a stranger, if it is known."""
        if not found.gateway:
            return None
        addresses = self.provisioning.kept.addresses
        known = addresses.find(tenant, found.dialect, identity(found.dialect, found.gateway))
        return None if known is None else known.device

    async def finish(self, tenant: str, found: Stranger, device: Device) -> None:
        """Let what a stranger said become the history of its device, and forget the stranger."""
        self.enrolled.forget(tenant, found.id)
        store, last = self.enrolled.strangers, 0
        while words := await store.words(found.id, last):
            said = [Heard(device.id, unpacked(body, found.channels, device.channels)) for _, body in words]
            await self.inbound.take(said)
            last = words[-1][0]
        await store.forget(tenant, found.id, adopted=True)

    async def go_on(self) -> None:
        """Finish, at start, what a crash cut short: strangers that are devices already."""
        for tenant, name, stranger in await self.enrolled.strangers.everything():
            dialect, _, rest = name.partition(" ")
            known = self.provisioning.kept.addresses.find(tenant, dialect, rest)
            if known is not None:
                device = await self.provisioning.kept.devices.get(tenant, known.device)
                await self.finish(tenant, await self.enrolled.strangers.get(tenant, stranger), device)

    async def adopt_all(self, tenant: str, prefix: str, place: str) -> Tree:
        """Adopt all strangers whose address or path begins so, each where it says it stands, below a place.

        Places that are there already, by their kind and name, are used; raise Missing when nobody waits.
        """
        await self.provisioning.check_place(tenant, place)
        found = [each for each in await self.enrolled.strangers.all(tenant) if _begins(each, prefix)]
        if not found:
            raise Missing("No device waits whose address begins so.")
        made: list[Place] = []
        devices = []
        for stranger in sorted(found, key=lambda each: bool(each.gateway)):
            where = place
            for kind, name in stranger.path:
                where = await self._place(tenant, where, kind, name, made)
            devices.append((await self.adopt(tenant, stranger.id, {"place": where})).device)
        return Tree(devices, made)

    async def _place(self, tenant: str, parent: str, kind: str, name: str, made: list[Place]) -> str:
        tree = await self.provisioning.places.tree(tenant)
        for each in tree.places.values():
            if each.parent == parent and each.kind == kind and each.name == name:
                return each.id
        zone = tree.places[parent].timezone
        fresh = Place(
            id=new_id(), name=name, kind=kind, parent=parent, timezone=zone, created_at=moment(self.clock.now())
        )
        made.append(await self.provisioning.places.add(tenant, fresh))
        self.provisioning.screens.changed(tenant)
        return fresh.id

    # devices that are added by hand, and codes

    async def add(
        self, tenant: str, device: Device, secret: str | None = None, certificate: str | None = None
    ) -> tuple[Device, str]:
        """Take a new device in, as by `Provisioning.add`; of a family, a secret is what it says in its own words."""
        if device.dialect == plants.NAME and certificate is None:
            device, secret = plants.fitted(device), secret or plants.fresh_secret()
        if secret is None or device.dialect not in FAMILIES or device.address is None:
            added, proof = await self.provisioning.add(tenant, device, secret, certificate)
        else:
            shortest = plants.SHORTEST_SECRET if device.dialect == plants.NAME else _SHORTEST
            if not shortest <= len(secret) <= _LONGEST or not secret.isprintable():
                sentence = f"A secret has {shortest} to {_LONGEST} characters."
                raise Invalid(sentence, [Fault("secret", sentence)])
            added, _ = await self.provisioning.add(tenant, device, None, certificate)
            key = (tenant, device.dialect, identity(device.dialect, device.address))
            await self.enrolled.pairings.put(key, Pairing(secret=secret, proven=True))
            proof = secret
        await self._welcome(tenant, added)
        return added, proof

    async def _welcome(self, tenant: str, device: Device) -> None:
        """Let a device that was added by hand have what it said as a stranger."""
        if device.address is None:
            return
        stranger = self._waits(tenant, device.dialect, identity(device.dialect, device.address))
        if stranger is not None:
            await self.finish(tenant, await self.enrolled.strangers.get(tenant, stranger), device)

    def _waits(self, tenant: str, dialect: str, name: str) -> str | None:
        """Return the stranger of an identity, or the only one that it is where a person left the farm out."""
        waiting = self.enrolled.waiting
        if (exact := waiting.get((tenant, dialect, name))) is not None:
            return exact
        mine = {key[2]: each for key, each in waiting.items() if key[:2] == (tenant, dialect)}
        found = [each for other, each in mine.items() if called(dialect, other) == name]
        return found[0] if len(found) == 1 else None

    async def renew(self, tenant: str, device: str, certificate: str | None = None) -> tuple[Device, str]:
        """Give a device a new proof, as `Provisioning.renew` does, or a new secret to sign in with; the old ends."""
        found = await self.provisioning.kept.devices.get(tenant, device)
        key = await self._key(tenant, device)
        if key is None or certificate is not None or found.dialect != plants.NAME:
            return found, await self.provisioning.renew(tenant, device, certificate)
        await self.enrolled.pairings.put(key, Pairing(secret=plants.fresh_secret(), proven=True))
        pairing = self.enrolled.pairings.get(key)
        return found, pairing.secret if pairing else ""

    async def pairing(self, tenant: str, device: str) -> Pairing | None:
        """Return how a device is known in its family's words; its secret is nobody's business. Raise Missing."""
        key = await self._key(tenant, device)
        return None if key is None else self.enrolled.pairings.get(key)

    async def open(self, tenant: str, device: str) -> Pairing:
        """Let a device have a new code that says it has none, for ten minutes; raise Missing or Conflict."""
        key = await self._key(tenant, device)
        pairing = None if key is None else self.enrolled.pairings.get(key)
        if key is None or pairing is None:
            raise Conflict("This device has no code yet; it gets its first one as soon as it asks.")
        until = moment(self.clock.now() + CODE_WINDOW)
        after = structs.replace(pairing, open_until=until, asked_at=None)
        await self.enrolled.pairings.put(key, after)
        return after

    async def _key(self, tenant: str, device: str) -> tuple[str, str, str] | None:
        found = await self.provisioning.kept.devices.get(tenant, device)
        if found.address is None or found.dialect not in FAMILIES:
            return None
        return tenant, found.dialect, identity(found.dialect, found.address)


def _begins(stranger: Stranger, prefix: str) -> bool:
    names = [name for _, name in stranger.path]
    told = [part for pair in stranger.path for part in pair]
    own = called(stranger.dialect, stranger.address)
    ways: Sequence[str] = (
        stranger.address,
        "/".join([*names, own]),
        "/".join([*told, "device", own]),
    )
    return any(way.startswith(prefix) for way in ways)
