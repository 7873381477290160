"""Where a request comes from, believing only the proxies that the operator named."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from msgspec import Struct

Headers = Iterable[tuple[bytes, bytes]]

_FORWARDING = frozenset(
    {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip", b"via"}
)


class Whence(Struct, frozen=True):
    """Where a request comes from: its address, the scheme and host it was sent to, and whether it was forwarded."""

    address: str
    scheme: str
    host: str
    forwarded: bool

    @property
    def is_loopback(self) -> bool:
        """Tell whether it was sent on this machine and by nobody's hand but the sender's."""
        address = _address(self.address)
        return not self.forwarded and address is not None and address.is_loopback


class Proxies:
    """The proxies whose forwarding headers are believed."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        """Believe the proxies in these networks."""
        self._networks = [ip_network(network) for network in networks]

    def whence(self, peer: str, scheme: str, headers: Headers) -> Whence:
        """Return where a request comes from; `peer` is the address at the other end of its connection."""
        given = {name.lower(): value.decode("latin-1") for name, value in headers}
        host, forwarded = given.get(b"host", ""), not _FORWARDING.isdisjoint(given)
        if not forwarded or not self._trusted(peer):
            return Whence(peer, scheme, host, forwarded)
        hops = [hop.strip() for hop in given.get(b"x-forwarded-for", "").split(",") if hop.strip()]
        # The last hop that is no proxy of ours: anything before it could have been made up.
        address = next((hop for hop in reversed(hops) if not self._trusted(hop)), peer)
        said = given.get(b"x-forwarded-proto", "").rsplit(",", 1)[-1].strip().lower()
        return Whence(
            address=str(_address(address) or peer),
            scheme=said if said in {"http", "https"} else scheme,
            host=given.get(b"x-forwarded-host", host).rsplit(",", 1)[-1].strip(),
            forwarded=True,
        )

    def _trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
