"""Answers to control units of power outlets and to their people, to the blank."""

from typing import Any

from verger.base.errors import Missing
from verger.domain.devices import outlets
from verger.domain.devices.addresses import Addressed
from verger.domain.devices.families import identity
from verger.domain.devices.outlets import outlet_id
from verger.edges.wire.dialects import outlet
from verger.edges.wire.families.call import Reply
from verger.edges.wire.families.desk import Desk

NO_CENTRAL = "No CCU registered"


def told(status: int = 200, *, success: bool = True, **more: Any) -> Reply:
    """Answer as the firmware finds it: success first, one blank after each colon and comma."""
    return Reply(status, outlet.text({"success": success, **more}))


def relays(reported: dict[str, Any]) -> dict[str, bool]:
    """Return how the relays of an outlet stand, as far as it told; off where it did not."""
    return {name: reported.get(name) is True for name in ("relay_a", "relay_b")}


def limit(reported: dict[str, Any], desired: dict[str, Any]) -> int:
    """Return the threshold of an outlet: the one that is desired, else what it was told last, else 0."""
    threshold = desired.get("threshold", reported.get("threshold"))
    return int(threshold) if outlet.is_threshold(threshold) else 0


def name_of(found: Addressed) -> str | None:
    """Return the id of an outlet, None for a control unit."""
    return outlet_id(found.address)


def is_central(found: Addressed) -> bool:
    """Whether this is a control unit."""
    return outlets.is_central(found.address)


def of_tenant(desk: Desk, tenant: str) -> list[Addressed]:
    """Return the outlets and control units of a tenant, the newest first."""
    addresses = desk.people.stories.kept.addresses
    found = (addresses.of(each) for each in sorted(addresses.all_of(tenant, outlet.NAME), reverse=True))
    return [each for each in found if each is not None]


def outlet_of(desk: Desk, tenant: str, name: str, unknown: str) -> Addressed:
    """Return the outlet of a tenant that has an id; raise Missing."""
    found = desk.people.stories.kept.addresses.find(tenant, outlet.NAME, identity(outlet.NAME, name))
    if found is None or name_of(found) is None:
        raise Missing(unknown)
    return found


def central_of(desk: Desk, tenant: str) -> Addressed:
    """Return the newest control unit of a tenant; raise Missing."""
    found = next((each for each in of_tenant(desk, tenant) if is_central(each)), None)
    if found is None:
        raise Missing(NO_CENTRAL)
    return found
