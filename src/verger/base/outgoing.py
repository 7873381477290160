"""The one door to the outside: which addresses may be called, so that nobody reaches inner machines through us."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from verger.base.errors import Refused


class Outgoing:
    """Lets calls through to public addresses, and to networks that the operator has listed."""

    def __init__(self, networks: Sequence[str] = ()) -> None:
        """Allow some networks besides."""
        self._networks = tuple(ip_network(network) for network in networks)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return where a host may be called, as numbers; raise Refused when it is unknown or may not be.

        Call what is returned and not the name again, which might mean something else by then.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise Refused(f"There is no host {host}; check its name.") from None
        numbers = list(dict.fromkeys(str(each[4][0]) for each in found))
        for number in numbers:
            if not self._allowed(number):
                raise Refused(
                    f"{host} is at {number}, which is not public; an operator may allow it by VERGER_OUTGOING_NETWORKS."
                )
        return numbers

    def _allowed(self, number: str) -> bool:
        address: IPv4Address | IPv6Address = ip_address(number.partition("%")[0])
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address.sixtofour or address
        if any(address.version == network.version and address in network for network in self._networks):
            return True
        return address.is_global and not address.is_multicast
