"""Members and the last owner."""

import asyncio

import pytest

from tests.people import Household
from verger.base.errors import Conflict, Forbidden, Missing, Refused, Stale
from verger.base.pages import Asked
from verger.domain.tenancy.model import Caller, Role
from verger.domain.tenancy.tenancy import Tenancy


async def someone(tenancy: Tenancy, house: Household, role: Role) -> Caller:
    return await tenancy.caller(house.tokens[role])


async def test_members_are_listed_and_searched(tenancy: Tenancy, house: Household, neighbour: Household) -> None:
    assert neighbour.tenant
    listed = await tenancy.members.page(house.tenant, Asked(sort="name"))
    assert [member.name for member in listed.items] == ["Aino", "Mökki's manager", "Mökki's member", "Mökki's viewer"]
    assert [member.name for member in (await tenancy.members.page(house.tenant, Asked(q="AIN"))).items] == ["Aino"]


async def test_the_last_owner_stays(tenancy: Tenancy, house: Household) -> None:
    owner = await someone(tenancy, house, Role.owner)
    with pytest.raises(Conflict, match="last owner"):
        await tenancy.members.change(owner, owner.who.id, Role.viewer)
    with pytest.raises(Conflict, match="last owner"):
        await tenancy.members.remove(owner, owner.who.id)


async def test_of_two_owners_who_leave_at_once_one_stays(tenancy: Tenancy, house: Household) -> None:
    first = await someone(tenancy, house, Role.owner)
    await tenancy.members.change(first, house.people[Role.manager], Role.owner)
    second = await someone(tenancy, house, Role.manager)
    left = await asyncio.gather(
        *(tenancy.members.remove(each, each.who.id) for each in (first, second)), return_exceptions=True
    )
    assert sum(isinstance(each, Refused) for each in left) == 1


async def test_a_manager_may_change_lesser_roles_only(tenancy: Tenancy, house: Household) -> None:
    manager = await someone(tenancy, house, Role.manager)
    changed = await tenancy.members.change(manager, house.people[Role.viewer], Role.member)
    assert (changed.role, changed.version) == (Role.member, 2)
    with pytest.raises(Forbidden):
        await tenancy.members.change(manager, house.people[Role.viewer], Role.owner)
    with pytest.raises(Forbidden):
        await tenancy.members.change(manager, house.people[Role.owner], Role.viewer)
    with pytest.raises(Forbidden):
        await tenancy.members.remove(manager, house.people[Role.owner])


async def test_anybody_may_leave_but_not_send_others_away(tenancy: Tenancy, house: Household) -> None:
    viewer = await someone(tenancy, house, Role.viewer)
    with pytest.raises(Forbidden):
        await tenancy.members.remove(viewer, house.people[Role.member])
    await tenancy.members.remove(viewer, viewer.who.id)
    with pytest.raises(Missing):
        await tenancy.members.get(house.tenant, viewer.who.id)


async def test_a_change_meant_for_another_version_is_refused(tenancy: Tenancy, house: Household) -> None:
    owner = await someone(tenancy, house, Role.owner)
    with pytest.raises(Stale):
        await tenancy.members.change(owner, house.people[Role.viewer], Role.member, expected=7)
    with pytest.raises(Stale):
        await tenancy.members.remove(owner, house.people[Role.viewer], expected=7)


async def test_anothers_members_are_not_there(tenancy: Tenancy, house: Household, neighbour: Household) -> None:
    owner = await someone(tenancy, house, Role.owner)
    stranger = neighbour.people[Role.viewer]
    for attempt in (
        tenancy.members.get(house.tenant, stranger),
        tenancy.members.change(owner, stranger, Role.member),
        tenancy.members.remove(owner, stranger),
    ):
        with pytest.raises(Missing):
            await attempt
