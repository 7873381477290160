"""Power outlets behind a central control unit: how both are called, and what an outlet can be told."""

import re

from verger.domain.devices.families import identity
from verger.domain.devices.model import Capability, Param

NAME = "outlet"
CENTRAL = "CCU-"
MOST_MA = 65_534
"""The greatest current that an outlet tells in 16 bits; one more means an overload."""
_ID = re.compile(r"[0-9A-F]{2,10}")

_SOCKET = {"socket": Param(type="string", one_of=["a", "b"])}
CAPABILITIES = [
    Capability(method="relay_on", params=_SOCKET, shows={"relay_{socket}": True}, answers=False),
    # After a start the unit says false of a relay that it knows nothing of: only a current that is gone proves it off.
    Capability(
        method="relay_off", params=_SOCKET, shows={"relay_{socket}": False, "current_{socket}": 0}, answers=False
    ),
    Capability(
        method="set_threshold",
        params={"value": Param(type="integer", unit="mA", low=1, high=MOST_MA)},
        answers=False,
    ),
    Capability(method="read_sensors", answers=False),
    Capability(method="ping", answers=False),
]
"""What every outlet can be told, whether or not its type says so; only its relays show that something was done."""


BREAKER = {"metric": "current_ma", "limit": 15_000}
"""What a control unit measures at its breaker, and how much that may be unless people say otherwise."""


def central(ccu_id: str) -> str:
    """Return the address of a central control unit, whose ids are those of outlets as well."""
    return CENTRAL + identity(NAME, ccu_id)


def outlet_id(address: str) -> str | None:
    """Return the id by which a central control unit calls an outlet, None for what is none."""
    name = identity(NAME, address)
    return name if _ID.fullmatch(name) else None
