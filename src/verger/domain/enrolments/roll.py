"""The roll: every enrolment, by all that a device can be found by; in memory, so that knocking costs little."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, ip_address

from msgspec import structs

from verger.base.secrets import digest
from verger.domain.enrolments.model import Admitted, Enrolment, Network


class Roll:
    """Who is let in by what; names, networks, certificates and ports of two tenants never meet."""

    def __init__(self) -> None:
        """Know of no enrolment."""
        self._all: dict[str, tuple[str, str, Enrolment]] = {}  # by id: tenant, key hash, enrolment
        self._keys: dict[str, str] = {}
        self._ranges: dict[str, tuple[Network, ...]] = {}

    def put(self, tenant: str, key_hash: str, enrolment: Enrolment) -> None:
        """Know a new or changed enrolment."""
        self._all[enrolment.id] = tenant, key_hash, enrolment
        self._ranges[enrolment.id] = enrolment.ranges
        self._keys[key_hash] = enrolment.id

    def change(self, enrolment: Enrolment) -> None:
        """Know that an enrolment changed, if it is still there; how many it let in stays as it is known here."""
        if known := self._all.get(enrolment.id):
            let_in = known[2].let_in
            self._ranges[enrolment.id] = enrolment.ranges
            self._all[enrolment.id] = known[0], known[1], structs.replace(enrolment, let_in=let_in)

    def count(self, enrolment: str, more: int) -> None:
        """Know that more were let in."""
        if known := self._all.get(enrolment):
            after = structs.replace(known[2], let_in=max(0, known[2].let_in + more))
            self._all[enrolment] = known[0], known[1], after

    def forget(self, enrolment: str) -> None:
        """Know an enrolment no longer."""
        if known := self._all.pop(enrolment, None):
            self._keys.pop(known[1], None)
            self._ranges.pop(enrolment, None)

    def get(self, enrolment: str) -> tuple[str, Enrolment] | None:
        """Return the tenant of an enrolment and what it is now."""
        known = self._all.get(enrolment)
        return None if known is None else (known[0], known[2])

    def everything(self) -> Iterator[tuple[str, Enrolment]]:
        """Return (tenant, enrolment) of all."""
        for tenant, _, enrolment in self._all.values():
            yield tenant, enrolment

    @property
    def empty(self) -> bool:
        """Whether there is no enrolment."""
        return not self._all

    # whom they let in

    def by_key(self, key: str) -> Admitted | None:
        """Return whom a key lets in."""
        found = self._all.get(self._keys.get(digest(key), ""))
        return None if found is None else Admitted(found[0], (found[2],))

    def by_certificate(self, fingerprint: str) -> Admitted | None:
        """Return whom a certificate lets in."""
        return _joined(pair for pair in self.everything() if fingerprint in pair[1].certificates)

    def by_port(self, port: int) -> Admitted | None:
        """Return whom a port lets in, by the enrolments that name it."""
        return _joined(pair for pair in self.everything() if pair[1].port == port)

    def by_address(self, address: str) -> Admitted | None:
        """Return whom a TCP peer address lets in."""
        try:
            parsed = ip_address(address.partition("%")[0])
        except ValueError:
            return None
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return _joined(pair for pair in self.everything() if any(parsed in each for each in self._ranges[pair[1].id]))

    def taken(self, tenant: str, wanted: Enrolment) -> Iterator[str]:
        """Return the fields of an enrolment by which devices could not be told from those of another tenant."""
        for other, enrolment in self.everything():
            if other != tenant and wanted.networks and _overlap(wanted.ranges, enrolment.ranges):
                yield "networks"
            if other != tenant and not {*wanted.certificates}.isdisjoint(enrolment.certificates):
                yield "certificates"
            if other != tenant and wanted.port is not None and wanted.port == enrolment.port:
                yield "port"


def _overlap(one: Iterable[Network], other: tuple[Network, ...]) -> bool:
    return any(a.version == b.version and a.overlaps(b) for a in one for b in other)


def _joined(found: Iterable[tuple[str, Enrolment]]) -> Admitted | None:
    """Return the enrolments of one tenant as one door."""
    tenant, several = "", []
    for owner, enrolment in found:
        if not tenant or owner == tenant:
            tenant = owner
            several.append(enrolment)
    return Admitted(tenant, tuple(several)) if several else None
