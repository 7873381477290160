"""The one door to the outside: which addresses may be called, so that nobody reaches inner machines through us."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from verger.base.errors import Fault, Invalid, Refused
from verger.base.lookups import Lookups

_PUBLIC = ip_network("2000::/3")
_TRANSLATED = ip_network("64:ff9b::/96")  # IPv4 as networks that speak IPv6 alone write it (RFC 6052)
_OF_CLOUDS = {ip_address("168.63.129.16")}  # public by its number, and yet the inside of a cloud


class Outgoing:
    """Lets calls through to public addresses, and to networks that the operator has listed."""

    def __init__(self, networks: Sequence[str] = (), *, public: bool = True, lookups: Lookups | None = None) -> None:
        """Allow some networks besides what is `public`, or these alone; names are told by `lookups`."""
        self._networks, self._public = tuple(ip_network(network) for network in networks), public
        self.lookups = lookups or Lookups()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return where a host may be called, as numbers; raise Refused when it is unknown or may not be.

        Call what is returned and not the name again, which might mean something else by then.
        """
        numbers = await self.lookups.find(host, port)
        for number in numbers:
            if not self._allowed(number):
                raise Refused(
                    f"{host} is at {number}, which is not public; an operator may allow it by VERGER_OUTGOING_NETWORKS."
                )
        return numbers

    def objection(self, url: str) -> str | None:
        """Return why an address can never be called, None when it may be; what a name means is told by calling it."""
        parts = parts_of(url)
        host = "" if parts is None else parts.hostname or ""
        number = _number(host)
        if number is None or self._allowed(number):
            return None
        return f"{host} is not public: choose another, or have an operator allow it by VERGER_OUTGOING_NETWORKS."

    def _allowed(self, number: str) -> bool:
        address: IPv4Address | IPv6Address = ip_address(number.partition("%")[0])
        if isinstance(address, IPv6Address):
            address = _within(address)
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        if not self._public or (isinstance(address, IPv6Address) and address not in _PUBLIC):
            return False
        return address.is_global and not address.is_multicast and address not in _OF_CLOUDS


def checked(url: str, field: str = "url") -> str:
    """Return an address over HTTP; raise Invalid when it is none."""
    parts = parts_of(url)
    sentence = ""
    if parts is None or parts.scheme not in ("http", "https"):
        sentence = "Write a whole address such as https://example.org/hook."
    elif parts.username is not None or parts.password is not None:
        sentence = "Leave user and password out of the address."
    if sentence:
        raise Invalid(sentence, [Fault(field, sentence)])
    return url


def discreet(url: str) -> str:
    """Return as much of an address as tells which it is, and nobody how to use it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


def parts_of(url: str) -> SplitResult | None:
    """Return the parts of an address with a host, None when it is none."""
    try:
        parts = urlsplit(url)
        fine = bool(parts.hostname) and parts.port != 0 and url.isascii() and all(letter > " " for letter in url)
    except ValueError:
        return None
    return parts if fine else None


def _within(address: IPv6Address) -> IPv4Address | IPv6Address:
    """Return the address of version 4 that is meant by one of version 6, if it means one."""
    if address in _TRANSLATED:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or address


def _number(host: str) -> str | None:
    """Return the number that a host is written as, in any way that systems understand; None for a name."""
    host = host.rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    try:
        return str(ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))  # 127.1, 0x7f000001, 2130706433
    except OSError:
        return None
