"""Power outlets behind a central control unit: how both are called, and what an outlet can be told."""

import re
from collections.abc import Mapping
from typing import Any

from verger.base.errors import Fault
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


BREAKER_METRIC = "current_ma"
BREAKER_MA = 15_000
"""What a control unit measures at its breaker, and how much that may be unless people say otherwise."""
MOST_BREAKER_MA = 1_000_000
THRESHOLD = "threshold"
"""The attribute that says how much may flow, in mA: through a socket, or through the breaker of a unit."""


def breaker_limit(reported: Mapping[str, Any], desired: Mapping[str, Any]) -> int:
    """Return how much may flow through a breaker: what people desire, else what its unit was told, else the usual."""
    for told in (desired.get(THRESHOLD), reported.get(THRESHOLD)):
        if told is not None and _is_limit(told, MOST_BREAKER_MA):
            return int(told)
    return BREAKER_MA


def wrong_threshold(address: str, desired: Mapping[str, Any]) -> Fault | None:
    """Return what is wrong with the threshold that is desired of an outlet or a unit, None where it may be."""
    told, most = desired.get(THRESHOLD), MOST_BREAKER_MA if is_central(address) else MOST_MA
    if told is None or _is_limit(told, most):
        return None
    return Fault(f"attributes.desired.{THRESHOLD}", f"Give the threshold in mA, as a whole number of 1 to {most:,}.")


def _is_limit(told: Any, most: int) -> bool:
    return isinstance(told, int) and not isinstance(told, bool) and 0 < told <= most


def central(ccu_id: str) -> str:
    """Return the address of a central control unit, whose ids are those of outlets as well."""
    return CENTRAL + identity(NAME, ccu_id)


def is_central(address: str) -> bool:
    """Whether an address is that of a control unit."""
    return address.upper().startswith(CENTRAL)


def outlet_id(address: str) -> str | None:
    """Return the id by which a central control unit calls an outlet, None for what is none."""
    name = identity(NAME, address)
    return name if _ID.fullmatch(name) else None
