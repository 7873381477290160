"""Who I am, over HTTP."""

from tests.edges.api.conftest import Ask, Waits
from tests.people import PASSWORD, Household
from tests.recorded import Record
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy


async def test_me_is_as_recorded(ask: Ask, house: Household, record: Record) -> None:
    answer = await ask(house.tokens[Role.owner]).get("/me")
    assert answer.headers["etag"] == '"1"'
    record("me.json", answer.json())


async def test_a_key_is_told_of_itself(ask: Ask, house: Household) -> None:
    made = await ask(house.tokens[Role.owner]).post("/api-keys", json={"name": "export", "role": "member"})
    me = (await ask(made.json()["token"]).get("/me")).json()
    assert (me["user"], me["key"]["name"], me["role"]) == (None, "export", "member")
    assert [each["id"] for each in me["tenants"]] == [house.tenant]
    assert (await ask(made.json()["token"]).patch("/me", json={"name": "x"})).status_code == 403


async def test_me_names_the_tenant_last_used(
    ask: Ask, house: Household, neighbour: Household, tenancy: Tenancy
) -> None:
    await tenancy.users.join(neighbour.tenant, house.people[Role.owner], Role.viewer)
    mine = ask(house.tokens[Role.owner])
    assert (await mine.get("/me")).json()["tenant"]["id"] == house.tenant
    there = (await mine.get("/me", headers={"Verger-Tenant": neighbour.tenant})).json()
    assert (there["tenant"]["id"], there["role"]) == (neighbour.tenant, "viewer")
    assert (await mine.get("/me")).json()["tenant"]["id"] == neighbour.tenant


async def test_a_tenant_that_is_not_mine_is_not_there(ask: Ask, house: Household, neighbour: Household) -> None:
    for tenant in (neighbour.tenant, "nowhere"):
        answer = await ask(house.tokens[Role.owner]).get("/me", headers={"Verger-Tenant": tenant})
        assert answer.status_code == 404


async def test_a_change_names_the_version_it_was_meant_for(ask: Ask, house: Household) -> None:
    mine = ask(house.tokens[Role.viewer])
    changed = await mine.patch("/me", json={"name": "Veikko"}, headers={"If-Match": '"1"'})
    assert (changed.json()["name"], changed.headers["etag"]) == ("Veikko", '"2"')
    for tag in ('"1"', 'W/"2"', '"abc"', "2", '"1", "3"'):
        stale = await mine.patch("/me", json={"name": "Vilho"}, headers={"If-Match": tag})
        assert (stale.status_code, "changed since" in stale.json()["detail"]) == (412, True), tag
    assert (await mine.patch("/me", json={}, headers={"If-Match": "*"})).status_code == 200


async def test_types_are_checked_and_strangers_refused_by_name(ask: Ask, house: Household) -> None:
    answer = await ask(house.tokens[Role.viewer]).patch("/me", json={"name": None, "role": "owner"})
    assert answer.status_code == 422
    assert {each["field"]: each["message"] for each in answer.json()["errors"]} == {
        "name": "This should be text.",
        "role": "There is no such field.",
    }


async def test_a_new_password_asks_the_current_one_ever_more_slowly(ask: Ask, house: Household, waits: Waits) -> None:
    mine = ask(house.tokens[Role.owner])
    for wrong in ({}, {"current_password": "guess"}):
        answer = await mine.patch("/me", json={"password": "battery staple"} | wrong)
        assert answer.json()["errors"][0]["field"] == "current_password"
    assert waits.seconds == [0.25, 0.5]
    right = {"password": "battery staple", "current_password": PASSWORD}
    assert (await mine.patch("/me", json=right)).status_code == 200
    again = {"email": "aino@example.test", "password": "battery staple"}
    assert (await ask().post("/auth/login", json=again)).status_code == 200
