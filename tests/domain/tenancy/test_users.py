"""People and their organisations."""

import asyncio

import pytest
from argon2 import PasswordHasher

from tests.people import PASSWORD, Household
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Conflict, Invalid, Missing, Stale, Unknown
from verger.domain.tenancy.model import AboutMe, Founding, Role
from verger.domain.tenancy.passwords import Passwords
from verger.domain.tenancy.tenancy import Tenancy
from verger.domain.tenancy.users import Users

FOUNDING = Founding("Farm", "Bea", "bea@example.test", PASSWORD)


async def test_the_first_owner_is_made_once(tenancy: Tenancy) -> None:
    assert not await tenancy.users.any()
    made = await asyncio.gather(*(tenancy.users.found(FOUNDING) for _ in range(3)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in made) == ["Conflict", "Conflict", "tuple"]
    assert await tenancy.users.any()


async def test_founding_takes_a_known_time_zone_and_a_long_enough_password(tenancy: Tenancy) -> None:
    with pytest.raises(Invalid, match="Europe/Helsinki"):
        await tenancy.users.found(Founding("Farm", "Bea", "bea@example.test", PASSWORD, "Mars/Olympus"))
    with pytest.raises(Invalid, match="8 characters"):
        await tenancy.users.found(Founding("Farm", "Bea", "bea@example.test", "short"))
    assert not await tenancy.users.any()


async def test_an_email_address_has_one_account_whatever_its_capitals(tenancy: Tenancy, house: Household) -> None:
    with pytest.raises(Conflict, match="has an account"):
        await tenancy.users.add(house.tenant, Role.viewer, "Other", "AINO@EXAMPLE.TEST", PASSWORD)
    assert (await tenancy.users.prove("aino@example.TEST", PASSWORD)).name == "Aino"


async def test_a_wrong_password_and_an_unknown_address_are_told_alike(tenancy: Tenancy, house: Household) -> None:
    assert house.tenant
    with pytest.raises(Unknown) as wrong:
        await tenancy.users.prove("aino@example.test", "wrong horse")
    with pytest.raises(Unknown) as unknown:
        await tenancy.users.prove("nobody@example.test", "wrong horse")
    assert str(wrong.value) == str(unknown.value)


async def test_a_person_may_be_a_member_of_several(tenancy: Tenancy, house: Household, neighbour: Household) -> None:
    owner = house.people[Role.owner]
    await tenancy.users.join(neighbour.tenant, owner, Role.viewer)
    assert [(each.name, each.role) for each in await tenancy.users.memberships(owner)] == [
        ("Farm", Role.viewer),
        ("Mökki", Role.owner),
    ]
    with pytest.raises(Conflict, match="already"):
        await tenancy.users.join(neighbour.tenant, owner, Role.owner)


async def test_a_new_password_asks_the_current_one_and_ends_other_sessions(tenancy: Tenancy, house: Household) -> None:
    user = house.people[Role.owner]
    elsewhere = await tenancy.sessions.open(user)
    here = await tenancy.caller(house.tokens[Role.owner])
    with pytest.raises(Invalid, match="current password"):
        await tenancy.users.change(user, AboutMe(password="battery staple"), here.session)
    about = AboutMe(password="battery staple", current_password=PASSWORD)
    await tenancy.users.change(user, about, here.session)
    assert (await tenancy.users.prove("aino@example.test", "battery staple")).id == user
    assert (await tenancy.caller(house.tokens[Role.owner])).tenant
    with pytest.raises(Unknown):
        await tenancy.caller(elsewhere)


async def test_a_name_is_changed_once_for_each_version(tenancy: Tenancy, house: Household) -> None:
    user = house.people[Role.owner]
    changed = await tenancy.users.change(user, AboutMe(name=" Aino M "), None, expected=1)
    assert (changed.name, changed.version) == ("Aino M", 2)
    with pytest.raises(Stale):
        await tenancy.users.change(user, AboutMe(name="Eino"), None, expected=1)
    with pytest.raises(Missing):
        await tenancy.users.change("nobody", AboutMe(name="Eino"), None)


async def test_signing_in_renews_a_hash_of_old_parameters(db: Database, clock: HeldClock, house: Household) -> None:
    assert house.tenant
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    users = Users(db, clock, stronger)
    await users.prove("aino@example.test", PASSWORD)
    async with db.reading() as connection:
        found = await connection.exec_driver_sql("SELECT password FROM user WHERE name = 'Aino'")
        assert ",t=2," in found.scalar_one()


async def test_a_tenant_is_found_by_its_id_only(tenancy: Tenancy, house: Household) -> None:
    assert (await tenancy.users.tenant(house.tenant)).timezone == "Europe/Helsinki"
    with pytest.raises(Missing):
        await tenancy.users.tenant("Mökki")
