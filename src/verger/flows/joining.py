"""Joining: a device that brings the key and secret of its type is let in by itself."""

from dataclasses import dataclass

from msgspec import structs

from verger.base.clock import Clock, moment
from verger.base.errors import Conflict, Invalid, Missing, Unknown
from verger.base.ids import new_id
from verger.base.secrets import ServerSecret, digest, same
from verger.domain.devices.credentials import basic
from verger.domain.devices.joining import Grant, Joining, JoinKey, Wish
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.flows.presence import Presence
from verger.flows.provisioning import Provisioning

_UNKNOWN = "This key and secret let nobody in; look at the type's page for the ones that hold."


@dataclass(frozen=True)
class Door:
    """Lets devices in that bring what their type was given."""

    kept: Kept
    provisioning: Provisioning
    presence: Presence
    secret: ServerSecret
    clock: Clock
    most: int

    # what people decide

    async def set(self, tenant: str, kind: str, joining: Joining) -> Joining:
        """Keep how the key of a type serves; raise Missing, Invalid or Stale."""
        await self._check(tenant, kind, joining)
        return await self.kept.joining.change(tenant, kind, joining)

    async def renew(self, tenant: str, kind: str, joining: Joining) -> tuple[Joining, JoinKey]:
        """Give a type a fresh key and secret, which cannot be read again; raise Missing or Invalid."""
        await self._check(tenant, kind, joining)
        return await self.kept.joining.renew(tenant, kind, joining, moment(self.clock.now()))

    async def _check(self, tenant: str, kind: str, joining: Joining) -> None:
        await self.kept.types.get(tenant, kind)
        if joining.place is not None:
            await self.provisioning.check_place(tenant, joining.place)
        elif joining.strategy == "new":
            raise Invalid("Say at which place new devices begin.")

    # what devices ask

    async def join(self, wish: Wish) -> Grant:
        """Let a device in and return what it proves itself by; raise Unknown for a wrong key, else Refused."""
        found = await self.kept.joining.of_key(wish.key)
        if found is None or not same(found[3], digest(wish.secret)) or found[2].strategy == "off":
            raise Unknown(_UNKNOWN)
        tenant, kind, joining, _ = found
        if joining.strategy == "new":
            proof = await self._begin(tenant, kind, joining, wish)
        else:
            proof = await self._recognise(tenant, kind, wish)
        if wish.kind == "MQTT_BASIC":
            return Grant(wish.kind, {"clientId": wish.client_id, "userName": wish.username, "password": wish.password})
        return Grant(wish.kind, proof)

    async def _begin(self, tenant: str, kind: str, joining: Joining, wish: Wish) -> str:
        """Make a new device; raise Conflict when its name is taken or there are too many."""
        if self.kept.registry.count(tenant) >= self.most:
            raise Conflict(f"No further device can be made: {self.most} are there, which is the limit.")
        device = Device(
            id=new_id(),
            name=wish.name or f"{kind} {new_id()[-8:]}",
            place=joining.place or "",
            type=kind,
            is_gateway=wish.gateway,
            created_at=moment(self.clock.now()),
        )
        if await self.kept.devices.is_named(tenant, device.name):
            raise Conflict("A device of this name is there already, and cannot be provisioned once more.")
        _, proof = await self.provisioning.add(tenant, device, self._secret(wish), _certificate(wish))
        await self.kept.joining.joined(tenant, device.id, device.created_at)
        return proof

    async def _recognise(self, tenant: str, kind: str, wish: Wish) -> str:
        """Give a device that was added before its credential, once, and only while it has never spoken."""
        known = await self.kept.devices.known_as(tenant, wish.name) if wish.name else None
        device = None if known is None else await self.kept.devices.get(tenant, known)
        if device is None or device.type != kind:
            raise Missing("No device of this name waits to be provisioned.")
        if self.presence.last_seen(device.id) is not None or self.presence.online(device.id):
            raise Conflict("This device has spoken already; give it a new secret by hand.")
        if not await self.kept.joining.joined(tenant, device.id, moment(self.clock.now())):
            raise Conflict("This device was provisioned already; give it a new secret by hand.")
        if wish.gateway and not device.is_gateway:
            await self.provisioning.change(tenant, structs.replace(device, is_gateway=True), {})
        return await self.provisioning.renew(tenant, device.id, _certificate(wish), self._secret(wish))

    def _secret(self, wish: Wish) -> str | None:
        """Return what stands for the token or the password that a device brings along; None when it brings none."""
        if wish.kind == "MQTT_BASIC":
            return basic(self.secret, wish.client_id, wish.username, wish.password)
        return wish.token if wish.kind == "ACCESS_TOKEN" else None


def _certificate(wish: Wish) -> str | None:
    return wish.certificate if wish.kind == "X509_CERTIFICATE" else None
