"""Strangers: who comes without a credential that holds waits for the answer, ever longer."""

from hashlib import blake2b
from ipaddress import IPv6Address, ip_address

from verger.base.patience import Patience


class Strangers:
    """Those who wait to be refused, at most `most` at once; a known device never waits."""

    def __init__(self, patience: Patience, most: int = 1_000) -> None:
        """Share a memory of failures with other doors."""
        self.waiting = 0
        self._patience, self._most = patience, most

    def knock(self, address: str, token: str, *more: str) -> float | None:
        """Count a failure, of `more` keys too; return the seconds until its answer, or None when too many wait."""
        keys = [f"address {_network(address)}", *more]
        if token:
            keys.append(f"token {blake2b(token.encode(errors='replace'), digest_size=12).hexdigest()}")
        wait = self._patience.failed(*keys)
        if self.waiting >= self._most:
            return None
        self.waiting += 1
        return wait

    def leave(self) -> None:
        """Make room for another, for each `knock` that was to be answered."""
        self.waiting -= 1


def _network(address: str) -> str:
    """Return what one household has of an address: all of IPv4, half of IPv6."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return address
