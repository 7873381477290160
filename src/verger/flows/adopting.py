"""Adopting: a stranger becomes a device, and what it said while it waited becomes its history."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from msgspec import Struct, structs

from verger.base.clock import Clock, moment
from verger.base.errors import Busy, Conflict, Fault, Invalid, Missing, Refused
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.domain.devices import plants
from verger.domain.devices.families import FAMILIES, called, identity
from verger.domain.devices.model import Device
from verger.domain.enrolments.model import Pairing, Stranger
from verger.domain.places.model import Place, Tree
from verger.domain.telemetry.model import Heard
from verger.flows.codes import CODE_WINDOW, fresh, guarded
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


class NotAdopted(Struct, frozen=True):
    """A stranger that waits on, and why it could not be adopted."""

    id: str
    address: str
    message: str


class ManyAdopted(Struct, frozen=True):
    """Devices that were adopted at once, the places that were made for them, and those that could not be adopted."""

    devices: list[Device]
    places: list[Place]
    refused: list[NotAdopted]


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
        if (there := await self._there(tenant, found.dialect, identity(found.dialect, found.address))) is not None:
            await self.finish(tenant, found, there)
            raise Conflict("It is connected already; what it said while it waited is in its history now.")
        device, proof = await self.provisioning.add(tenant, self._device(tenant, found, wish))
        await self.finish(tenant, found, device)
        return Adopted(device, proof)

    def _device(self, tenant: str, found: Stranger, wish: dict[str, Any]) -> Device:
        """Return the device that a stranger is to be; raise Invalid."""
        known = {"name": called(found.dialect, found.address), "place": found.place} | wish
        return Device(
            id=new_id(),
            dialect=found.dialect,
            address=found.address,
            gateway=known.pop("gateway", None) or self._gateway(tenant, found),
            channels=known.pop("channels", None) or found.channels,
            created_at=moment(self.clock.now()),
            **known,
        )

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
            device = await self._there(tenant, dialect, rest)
            if device is not None:
                await self.finish(tenant, await self.enrolled.strangers.get(tenant, stranger), device)

    async def _there(self, tenant: str, dialect: str, name: str) -> Device | None:
        """Return the device that a stranger is already, as after a crash, None for one that only waits."""
        known = self.provisioning.kept.addresses.find(tenant, dialect, name)
        return None if known is None else await self.provisioning.kept.devices.get(tenant, known.device)

    async def adopt_all(self, tenant: str, prefix: str, place: str) -> ManyAdopted:
        """Adopt all strangers whose address or path begins so, each where it says it stands, below a place.

        Places that are there already, by their kind and name, are used. One that cannot be adopted waits on, leaves no
        place behind, and is told with the reason. Raise Missing when nobody waits, Invalid or Busy when none can be.
        """
        await self.provisioning.check_place(tenant, place)
        found = [each for each in await self.enrolled.strangers.all(tenant) if _begins(each, prefix)]
        if not found:
            raise Missing("No device waits whose address begins so.")
        done, order = ManyAdopted([], [], []), sorted(found, key=lambda each: bool(each.gateway))
        for number, stranger in enumerate(order):
            try:
                done.devices.append(await self._placed(tenant, stranger, place, done.places))
            except Busy as busy:
                if not done.devices:
                    raise
                done.refused.extend(NotAdopted(each.id, each.address, str(busy)) for each in order[number:])
                break
            except Refused as refused:
                done.refused.append(NotAdopted(stranger.id, stranger.address, str(refused)))
        if not done.devices:
            faults = [Fault(each.address, each.message) for each in done.refused]
            raise Invalid("None of them could be adopted: see what is wrong with each.", faults)
        return done

    async def _placed(self, tenant: str, stranger: Stranger, place: str, made: list[Place]) -> Device:
        """Adopt a stranger where it says it stands below a place; nothing is made for one that cannot be."""
        name = identity(stranger.dialect, stranger.address)
        if (there := await self._there(tenant, stranger.dialect, name)) is not None:
            await self.finish(tenant, stranger, there)
            return there
        await self.provisioning.check(tenant, self._device(tenant, stranger, {"place": place}))
        where, wanted = self._planned(await self.provisioning.places.tree(tenant), place, stranger.path)
        for each in wanted:
            made.append(await self.provisioning.places.add(tenant, each))
            self.provisioning.screens.changed(tenant)
        return (await self.adopt(tenant, stranger.id, {"place": where})).device

    def _planned(self, tree: Tree, place: str, path: tuple[tuple[str, str], ...]) -> tuple[str, list[Place]]:
        """Return where a path leads to below a place, and the places that are to be made for it; raise Invalid."""
        wanted: list[Place] = []
        for kind, name in path:
            inside = (
                each for each in tree.places.values() if (each.parent, each.kind, each.name) == (place, kind, name)
            )
            there = next(inside, None)
            if there is None:
                zone, now = tree.places[place].timezone, moment(self.clock.now())
                there = Place(id=new_id(), name=name, kind=kind, parent=place, timezone=zone, created_at=now)
                tree = Tree([*tree.places.values(), there])
                tree.check(there)
                wanted.append(there)
            place = there.id
        return place, wanted

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
        key, pairings = await self._key(tenant, device), self.enrolled.pairings
        pairing = None if key is None else pairings.get(key)
        shut = key is not None and guarded(self.provisioning.kept, key, pairing)
        if key is None or (pairing is None and not shut):
            raise Conflict("This device has no code yet; it gets its first one as soon as it asks.")
        until = moment(self.clock.now() + CODE_WINDOW)
        after = structs.replace(pairing or fresh(pairings, key), open_until=until, asked_at=None)
        if shut:  # any other is told its code anyway
            await pairings.put(key, after)
        return after

    async def _key(self, tenant: str, device: str) -> tuple[str, str, str] | None:
        found = await self.provisioning.kept.devices.get(tenant, device)
        if found.address is None or found.dialect not in FAMILIES:
            return None
        return tenant, found.dialect, identity(found.dialect, found.address)


def _begins(stranger: Stranger, prefix: str) -> bool:
    """Whether an address, or a path by whole levels, begins so: F1 is not the beginning of F10/D."""
    return any(
        way.startswith(prefix) and (not prefix or "/" not in way or _is_whole(way, prefix)) for way in _ways(stranger)
    )


def _is_whole(way: str, prefix: str) -> bool:
    return prefix.endswith("/") or way[len(prefix) :][:1] in {"", "/"}


def _ways(stranger: Stranger) -> Iterator[str]:
    """Give the ways of saying who a stranger is: its address, and its path with and without the kinds of places."""
    own = called(stranger.dialect, stranger.address)
    yield stranger.address
    yield "/".join([*(name for _, name in stranger.path), own])
    yield "/".join([*(part for pair in stranger.path for part in pair), "device", own])
