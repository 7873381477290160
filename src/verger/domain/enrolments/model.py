"""An enrolment, who is let in by it, and a stranger that knocked there."""

import re
from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from msgspec import Struct

from verger.base.errors import Fault, Invalid

KIND = "ve"
MOST_DEVICES = 100_000
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"),
        *("fc00::/7", "fe80::/10", "::1/128"),
    )
)

Network = IPv4Network | IPv6Network


class Enrolment(Struct, frozen=True, kw_only=True):
    """Where devices of one dialect get in that have no credential: new ones until a time, and only so many.

    They are found by its key, which is shown once, by a client certificate, by the port they come to, or by the
    network they come from. `let_in` counts those that came.
    """

    id: str
    dialect: str
    place: str
    open_until: datetime
    max_devices: int = 20
    networks: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()
    port: int | None = None
    let_in: int = 0
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse an enrolment that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    @property
    def ranges(self) -> tuple[Network, ...]:
        """Return the networks, to be reckoned with."""
        return tuple(ip_network(text) for text in self.networks)


def _faults(enrolment: Enrolment) -> Iterable[Fault]:
    if not 1 <= enrolment.max_devices <= MOST_DEVICES:
        yield Fault("max_devices", f"Let in 1 to {MOST_DEVICES} devices.")
    for text in enrolment.networks:
        try:
            ip_network(text)
        except ValueError:
            yield Fault("networks", f"{text[:60]} is no network; write one such as 192.168.1.0/24.")
    for print_ in enrolment.certificates:
        if not _FINGERPRINT.fullmatch(print_):
            yield Fault("certificates", "A certificate is named by its SHA-256 fingerprint: 64 hexadecimal digits.")
    if enrolment.port is not None and not 1 <= enrolment.port <= 65_535:
        yield Fault("port", "A port is a number from 1 to 65535.")


def inside(network: Network, ranges: Iterable[Network]) -> bool:
    """Whether a network lies within one of some ranges."""
    return any(_within(network, each) for each in ranges)


def private(network: Network) -> bool:
    """Whether a network lies within the ranges that nobody can reach from outside."""
    return inside(network, _PRIVATE)


def _within(network: Network, outer: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(outer, IPv4Network):
        return network.subnet_of(outer)
    if isinstance(network, IPv6Network) and isinstance(outer, IPv6Network):
        return network.subnet_of(outer)
    return False


class Admitted(Struct, frozen=True):
    """Whom a door lets in: devices of a tenant, through some of its enrolments, or `device` alone by its own secret."""

    tenant: str
    enrolments: tuple[Enrolment, ...] = ()
    device: str | None = None

    def enrolment(self, dialect: str) -> Enrolment | None:
        """Return the enrolment that a dialect is spoken in here; of several the one that is open longest."""
        fitting = [each for each in self.enrolments if each.dialect == dialect]
        return max(fitting, key=lambda each: each.open_until, default=None)

    def speaks(self, dialect: str) -> bool:
        """Whether a dialect is spoken here."""
        return self.device is not None or any(each.dialect == dialect for each in self.enrolments)


class Stranger(Struct, frozen=True, kw_only=True):
    """A physical device that knocked and that nobody adopted yet.

    `sample` is what it said last, by metric; `channels` are the metrics of its own ids; `path` the places that it says
    it stands in, each [kind, name], outermost first; `readings` how many are kept for it. `asks`: it wants a new code.
    """

    id: str
    dialect: str
    address: str
    enrolment: str
    place: str
    gateway: str | None = None
    path: tuple[tuple[str, str], ...] = ()
    channels: dict[str, str] = {}
    sample: dict[str, Any] = {}
    readings: int = 0
    first_seen: datetime
    last_seen: datetime


class Pairing(Struct, frozen=True, kw_only=True):
    """The secret that a device was given or brought along, by which it is known in its family's own words.

    `proven`: it spoke with it. `open_until`: a device that says it has none gets a new one until then; `asked_at`:
    when it said so in vain.
    """

    secret: str
    proven: bool = False
    open_until: datetime | None = None
    asked_at: datetime | None = None
