"""Which control unit asks, and which outlets are its own."""

from collections.abc import Sequence

from verger.base.errors import Missing, Unknown
from verger.domain.devices.addresses import Addressed
from verger.domain.enrolments.model import Admitted
from verger.edges.wire.dialects import outlet
from verger.edges.wire.families.call import Call
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.outlet_shapes import NO_CENTRAL, is_central, name_of
from verger.edges.wire.families.rounds import Line


def door(call: Call) -> Admitted:
    """Return the door of a call; raise Unknown."""
    if call.door is None:
        raise Unknown("Authentication required")
    return call.door


def told(desk: Desk, call: Call, unit: str) -> None:
    """Know that a unit told its breaker."""
    desk.rounds.told(_line(call), unit, desk.people.stories.clock.now())


async def asks(desk: Desk, call: Call) -> list[Addressed]:
    """Return the unit that asks for its focus, or all that may where that cannot be told."""
    device = desk.rounds.asks(_line(call), desk.people.stories.clock.now())
    found = [each for each in centrals(desk, call) if each.device == device]
    return found or await here(desk, call)


async def here(desk: Desk, call: Call) -> list[Addressed]:
    """Return the units that may speak here: those that did lately, else the only one at the place of the enrolment."""
    units = centrals(desk, call)
    if len(units) < 2:
        return units
    spoke = desk.rounds.at(_line(call), desk.people.stories.clock.now())
    if known := [each for each in units if each.device in spoke]:
        return known
    mine = await _below(desk, call, units)
    return mine if len(mine) == 1 else []


async def outlets(desk: Desk, call: Call, units: Sequence[Addressed]) -> list[Addressed]:
    """Return the outlets that some units serve: those behind them, and those behind none at their enrolment's place.

    Where nobody can tell which unit it is, the latter alone: a unit stores each that it hears of, in eight places.
    """
    found = [each for each in desk.meetings.members(door(call), outlet.NAME) if name_of(each)]
    there, mine = {each.device for each in centrals(desk, call)}, {each.device for each in units}
    if len(there) < 2:
        return found
    loose = await _below(desk, call, [each for each in found if each.gateway not in there])
    return [each for each in found if each.gateway in mine or each in loose]


async def foreign(desk: Desk, call: Call, found: Addressed) -> bool:
    """Whether an outlet stands behind another unit than the one that surely speaks here: that cannot reach it."""
    gateway = None if found.gateway is None else desk.meetings.addressed(found.gateway)
    if gateway is None or not is_central(gateway):
        return False
    units = await here(desk, call)
    return len(units) == 1 and units[0].device != gateway.device


def centrals(desk: Desk, call: Call) -> list[Addressed]:
    """Return the control units of a tenant, the newest first."""
    return [each for each in desk.meetings.members(door(call), outlet.NAME) if is_central(each)]


async def units_of(desk: Desk, call: Call, found: Addressed | None = None) -> list[Addressed]:
    """Return the units that may serve an outlet: its own, else those at the place of a call; raise Missing for none."""
    units = centrals(desk, call)
    if not units:
        raise Missing(NO_CENTRAL)
    own = [each for each in units if found is not None and each.device == found.gateway]
    return own or await _below(desk, call, units) or units


def _line(call: Call) -> Line:
    admitted = door(call)
    return (admitted.tenant, *sorted(each.id for each in admitted.enrolments), call.address)


async def _below(desk: Desk, call: Call, found: list[Addressed]) -> list[Addressed]:
    """Return those of some devices that are at the places of the enrolments of a call, or below them."""
    stories, admitted = desk.people.stories, door(call)
    tree = (await stories.places.tree(admitted.tenant)).places
    roots = {each.place for each in admitted.enrolments}

    def below(device: str) -> bool:
        known = stories.kept.registry.known(device)
        place: str | None = known.place if known else None
        while place is not None and place not in roots:
            place = tree[place].parent if place in tree else None
        return place is not None

    return [each for each in found if below(each.device)]
