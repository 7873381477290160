"""Doors: whom enrolments let in, and which devices a family's addresses and secrets mean."""

from datetime import tzinfo

from verger.base.secrets import same
from verger.domain.devices.addresses import Addressed
from verger.domain.devices.families import called, identity
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Admitted
from verger.flows.enrolled import Enrolled

_NOT_ALONE = (
    "It was refused: another organisation has a device with the same address and secret. "
    "Give it a secret of its own, or let it speak at the address of an enrolment."
)


class Doors:
    """Knows by what somebody may come in."""

    def __init__(self, kept: Kept, enrolled: Enrolled) -> None:
        """Know devices and enrolments."""
        self._kept, self._enrolled = kept, enrolled

    def by_key(self, key: str) -> Admitted | None:
        """Return whom an enrolment key lets in."""
        return self._enrolled.roll.by_key(key)

    def by_certificate(self, fingerprint: str) -> Admitted | None:
        """Return whom a certificate lets in that an enrolment names."""
        return self._enrolled.roll.by_certificate(fingerprint) if fingerprint else None

    def by_enrolment(self, enrolment: str) -> Admitted | None:
        """Return whom an enrolment lets in, for a port that was opened for it."""
        found = self._enrolled.roll.get(enrolment)
        return None if found is None else Admitted(found[0], (found[1],))

    def by_port(self, port: int) -> Admitted | None:
        """Return whom a port of a family's own lets in, by the enrolments that name it."""
        return self._enrolled.roll.by_port(port)

    def by_address(self, address: str) -> Admitted | None:
        """Return whom a TCP peer address lets in."""
        return self._enrolled.roll.by_address(address)

    def by_secret(self, dialect: str, address: str, secret: str, door: Admitted | None = None) -> Admitted | None:
        """Return the door of the one device that has this address and proves it with its secret.

        Behind a door only devices of its tenant are looked at. Without one, two tenants' devices that have both in
        common are nobody, and their log pages tell.
        """
        name, found = identity(dialect, address), []
        for each in self._kept.addresses.anywhere(dialect, name):
            pairing = self._enrolled.pairings.get((each.tenant, dialect, name))
            mine = door is None or door.tenant == each.tenant
            if pairing is not None and same(pairing.secret, secret) and mine:
                found.append(each)
        if len(found) > 1:
            for each in found:
                self._kept.remarks.note(each.tenant, each.device, "credential", _NOT_ALONE)
        return Admitted(found[0].tenant, (), found[0].device) if len(found) == 1 else None

    def by_device(self, device: str) -> Admitted | None:
        """Return the door of a device that proved itself by a credential of its own."""
        known = self._kept.addresses.of(device)
        return None if known is None else Admitted(known.tenant, (), device)

    def secret(self, door: Admitted, dialect: str, address: str) -> str | None:
        """Return the secret that a tenant's device has, adopted or not, for a family that tells it again."""
        pairing = self._enrolled.pairings.get((door.tenant, dialect, identity(dialect, address)))
        return None if pairing is None else pairing.secret

    def find(self, door: Admitted, dialect: str, address: str) -> str | None:
        """Return the id of the device that a tenant has under a family's address."""
        known = self._kept.addresses.find(door.tenant, dialect, self._known_as(door.tenant, dialect, address))
        return None if known is None else known.device

    def _known_as(self, tenant: str, dialect: str, address: str) -> str:
        """Return the identity of an address, without its farm where whoever added the device left that out."""
        name = identity(dialect, address)
        short, addresses = called(dialect, name), self._kept.addresses
        if short == name or addresses.find(tenant, dialect, name) or not addresses.find(tenant, dialect, short):
            return name
        return short

    def addressed(self, device: str) -> Addressed | None:
        """Return what a device's family calls it."""
        return self._kept.addresses.of(device)

    def members(self, door: Admitted, dialect: str) -> list[Addressed]:
        """Return all devices of a family that a tenant has, the newest first."""
        addresses = self._kept.addresses
        found = (addresses.of(each) for each in sorted(addresses.all_of(door.tenant, dialect), reverse=True))
        return [each for each in found if each is not None]

    def zone(self, door: Admitted) -> tzinfo:
        """Return the time zone of the place where devices begin that this door lets in."""
        return self._enrolled.zone(door)

    def zone_of(self, door: Admitted, dialect: str, address: str) -> tzinfo:
        """Return the time zone of the place where a device is; that of the door where it, or its place, is too new."""
        device = self.find(door, dialect, address)
        known = None if device is None else self._kept.registry.known(device)
        zone = None if known is None else self._enrolled.zones.get(known.place)
        return zone or self.zone(door)
