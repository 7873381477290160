"""API keys."""

import pytest

from tests.people import Household
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Forbidden, Missing, Stale, Unknown
from verger.base.pages import Asked
from verger.domain.tenancy.model import ApiKey, Caller, Role, Scope
from verger.domain.tenancy.tenancy import Tenancy


async def someone(tenancy: Tenancy, house: Household, role: Role) -> Caller:
    return await tenancy.caller(house.tokens[role])


def scopes(caller: Caller) -> tuple[Scope, ...]:
    assert isinstance(caller.who, ApiKey)
    return caller.who.scopes


async def test_a_key_speaks_for_its_tenant_with_its_role(tenancy: Tenancy, house: Household) -> None:
    key = await tenancy.keys.add(await someone(tenancy, house, Role.owner), "export", Role.member)
    caller = await tenancy.caller(key.token)
    assert (caller.tenant, caller.role, caller.name) == (house.tenant, Role.member, f"key:{key.id}")


async def test_the_secret_is_neither_kept_nor_shown_again(tenancy: Tenancy, house: Household, db: Database) -> None:
    key = await tenancy.keys.add(await someone(tenancy, house, Role.owner), "export", Role.member)
    async with db.reading() as connection:
        assert key.token not in str((await connection.exec_driver_sql("SELECT * FROM api_key")).all())
    assert not hasattr(await tenancy.keys.get(house.tenant, key.id), "token")


async def test_a_key_is_of_at_most_its_makers_role(tenancy: Tenancy, house: Household) -> None:
    manager = await someone(tenancy, house, Role.manager)
    with pytest.raises(Forbidden, match="owner"):
        await tenancy.keys.add(manager, "all", Role.owner)
    with pytest.raises(Forbidden, match="metrics"):
        await tenancy.keys.add(manager, "watch", Role.viewer, ("metrics",))
    with pytest.raises(Forbidden, match="ask a manager"):
        await tenancy.keys.add(await someone(tenancy, house, Role.member), "own", Role.viewer)


async def test_a_key_made_by_a_key_is_of_at_most_its_role(tenancy: Tenancy, house: Household) -> None:
    first = await tenancy.keys.add(await someone(tenancy, house, Role.owner), "maker", Role.manager)
    maker = await tenancy.caller(first.token)
    with pytest.raises(Forbidden):
        await tenancy.keys.add(maker, "all", Role.owner)
    assert (await tenancy.keys.add(maker, "less", Role.viewer)).made_by == house.people[Role.owner]


async def test_a_key_loses_the_rights_that_its_maker_loses(tenancy: Tenancy, house: Household) -> None:
    owner = await someone(tenancy, house, Role.owner)
    await tenancy.members.change(owner, house.people[Role.manager], Role.owner)
    key = await tenancy.keys.add(await someone(tenancy, house, Role.manager), "all", Role.owner, ("metrics",))
    assert scopes(await tenancy.caller(key.token)) == ("metrics",)
    await tenancy.members.change(owner, house.people[Role.manager], Role.member)
    weaker = await tenancy.caller(key.token)
    assert (weaker.role, scopes(weaker)) == (Role.member, ())
    await tenancy.members.remove(owner, house.people[Role.manager])
    with pytest.raises(Unknown):
        await tenancy.caller(key.token)


async def test_an_ended_key_is_nobody_at_once(tenancy: Tenancy, house: Household) -> None:
    key = await tenancy.keys.add(await someone(tenancy, house, Role.owner), "export", Role.member)
    with pytest.raises(Stale):
        await tenancy.keys.remove(house.tenant, key.id, expected=2)
    await tenancy.keys.remove(house.tenant, key.id, expected=1)
    with pytest.raises(Unknown, match="not known"):
        await tenancy.caller(key.token)


async def test_anothers_key_is_not_there(tenancy: Tenancy, house: Household, neighbour: Household) -> None:
    key = await tenancy.keys.add(await someone(tenancy, house, Role.owner), "export", Role.member)
    with pytest.raises(Missing):
        await tenancy.keys.get(neighbour.tenant, key.id)
    with pytest.raises(Missing):
        await tenancy.keys.remove(neighbour.tenant, key.id)
    with pytest.raises(Missing):
        await tenancy.caller(key.token, neighbour.tenant)
    assert (await tenancy.keys.page(neighbour.tenant, Asked())).items == []


async def test_last_use_is_told_to_the_hour(tenancy: Tenancy, house: Household, clock: HeldClock) -> None:
    key = await tenancy.keys.add(await someone(tenancy, house, Role.owner), "export", Role.member)
    assert key.last_used_at is None
    await tenancy.caller(key.token)
    first = (await tenancy.keys.get(house.tenant, key.id)).last_used_at
    clock.advance(3000)
    await tenancy.caller(key.token)
    assert (await tenancy.keys.get(house.tenant, key.id)).last_used_at == first
    clock.advance(3000)
    await tenancy.caller(key.token)
    assert (await tenancy.keys.get(house.tenant, key.id)).last_used_at != first
