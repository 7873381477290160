"""Sessions."""

import pytest

from tests.people import Household, quick_tenancy
from verger.base.clock import DAY, SECOND, HeldClock
from verger.base.db import Database
from verger.base.errors import Forbidden, Missing, Unknown
from verger.base.secrets import digest
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy

DAY_S = DAY / SECOND


async def test_a_session_says_who_where_and_as_what(tenancy: Tenancy, house: Household) -> None:
    caller = await tenancy.caller(house.tokens[Role.member])
    assert (caller.who.id, caller.tenant, caller.role) == (house.people[Role.member], house.tenant, Role.member)


async def test_a_session_survives_a_restart(db: Database, clock: HeldClock, house: Household) -> None:
    assert (await quick_tenancy(db, clock).caller(house.tokens[Role.owner])).tenant


async def test_the_token_itself_is_not_kept(db: Database, house: Household) -> None:
    async with db.reading() as connection:
        kept = [row.digest for row in await connection.exec_driver_sql("SELECT digest FROM session")]
    assert digest(house.tokens[Role.owner]) in kept
    assert house.tokens[Role.owner] not in kept


async def test_a_session_ends_a_month_after_its_last_use(tenancy: Tenancy, house: Household, clock: HeldClock) -> None:
    for _ in range(3):
        clock.advance(29 * DAY_S)
        assert (await tenancy.caller(house.tokens[Role.owner])).tenant
    clock.advance(30 * DAY_S)
    with pytest.raises(Unknown, match="sign in again"):
        await tenancy.caller(house.tokens[Role.owner])


async def test_ended_sessions_are_purged(tenancy: Tenancy, house: Household, clock: HeldClock, db: Database) -> None:
    clock.advance(29 * DAY_S)
    await tenancy.caller(house.tokens[Role.owner])
    clock.advance(2 * DAY_S)
    await tenancy.purge()
    async with db.reading() as connection:
        assert len((await connection.exec_driver_sql("SELECT digest FROM session")).all()) == 1


async def test_signing_out_ends_one_session_once(tenancy: Tenancy, house: Household) -> None:
    other = await tenancy.sessions.open(house.people[Role.owner])
    assert await tenancy.sessions.end(digest(other))
    assert not await tenancy.sessions.end(digest(other))
    assert (await tenancy.caller(house.tokens[Role.owner])).tenant


async def test_a_made_up_token_is_nobody(tenancy: Tenancy, house: Household) -> None:
    assert house.tenant
    for token in ("vs_made-up", "vk_made-up", "made up", ""):
        with pytest.raises(Unknown):
            await tenancy.caller(token)


async def test_the_tenant_last_used_is_remembered(tenancy: Tenancy, house: Household, neighbour: Household) -> None:
    owner, token = house.people[Role.owner], house.tokens[Role.owner]
    await tenancy.users.join(neighbour.tenant, owner, Role.viewer)
    assert (await tenancy.caller(token)).tenant == house.tenant
    assert (await tenancy.caller(token, neighbour.tenant)).role is Role.viewer
    assert (await tenancy.caller(token)).tenant == neighbour.tenant
    assert (await tenancy.caller(await tenancy.sessions.open(owner))).tenant == neighbour.tenant


async def test_anothers_tenant_is_not_there(tenancy: Tenancy, house: Household, neighbour: Household) -> None:
    for tenant in (neighbour.tenant, "no such tenant"):
        with pytest.raises(Missing):
            await tenancy.caller(house.tokens[Role.owner], tenant)


async def test_whoever_belongs_nowhere_is_told_so(tenancy: Tenancy, house: Household) -> None:
    viewer = await tenancy.caller(house.tokens[Role.viewer])
    await tenancy.members.remove(viewer, viewer.who.id)
    with pytest.raises(Forbidden, match="ask an owner"):
        await tenancy.caller(house.tokens[Role.viewer])


async def test_a_look_is_no_use_of_a_session_and_fails_once_it_has_ended(tenancy: Tenancy, house: Household) -> None:
    token = house.tokens[Role.viewer]
    assert (await tenancy.look(token, house.tenant)).role is Role.viewer
    await tenancy.sessions.end(digest(token))
    with pytest.raises(Unknown):
        await tenancy.look(token, house.tenant)
