"""Members over HTTP."""

from tests.edges.api.conftest import Ask
from tests.people import Household
from tests.recorded import Record
from verger.domain.tenancy.model import Role


async def test_members_are_as_recorded(ask: Ask, house: Household, record: Record) -> None:
    record("members.json", (await ask(house.tokens[Role.viewer]).get("/members?sort=name")).json())


async def test_a_role_is_changed(ask: Ask, house: Household) -> None:
    at = f"/members/{house.people[Role.viewer]}"
    changed = await ask(house.tokens[Role.manager]).patch(at, json={"role": "member"})
    assert (changed.json()["role"], changed.headers["etag"]) == ("member", '"2"')
    stale = await ask(house.tokens[Role.manager]).patch(at, json={"role": "viewer"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412


async def test_the_last_owner_stays(ask: Ask, house: Household) -> None:
    owner, at = ask(house.tokens[Role.owner]), f"/members/{house.people[Role.owner]}"
    for answer in (await owner.patch(at, json={"role": "viewer"}), await owner.delete(at)):
        assert (answer.status_code, "last owner" in answer.json()["detail"]) == (409, True)


async def test_whoever_is_sent_away_is_out_at_once(ask: Ask, house: Household) -> None:
    assert (await ask(house.tokens[Role.owner]).delete(f"/members/{house.people[Role.member]}")).status_code == 204
    assert (await ask(house.tokens[Role.member]).get("/members")).status_code == 403
