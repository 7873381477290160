"""API keys over HTTP."""

from tests.edges.api.conftest import Ask
from tests.people import Household
from tests.recorded import Record
from verger.base.clock import HeldClock
from verger.domain.tenancy.model import Role


async def test_keys_are_as_recorded(ask: Ask, house: Household, record: Record) -> None:
    mine = ask(house.tokens[Role.owner])
    made = [
        (await mine.post("/api-keys", json={"name": "export"})).json(),
        (await mine.post("/api-keys", json={"name": "watch", "scopes": ["metrics"]})).json(),
    ]
    assert (await ask(made[0]["token"]).get("/me")).status_code == 200
    record("api_keys.json", {"made": made, "listed": (await mine.get("/api-keys")).json()})


async def test_the_secret_is_shown_once(ask: Ask, house: Household) -> None:
    mine = ask(house.tokens[Role.owner])
    made = (await mine.post("/api-keys", json={"name": "export"})).json()
    assert made["token"].startswith("vk_")
    read = await mine.get(f"/api-keys/{made['id']}")
    assert "token" not in read.json()
    assert made["token"] not in (await mine.get("/api-keys")).text


async def test_a_key_is_ended_at_once(ask: Ask, house: Household) -> None:
    mine = ask(house.tokens[Role.owner])
    made = (await mine.post("/api-keys", json={"name": "export"})).json()
    at = f"/api-keys/{made['id']}"
    assert (await mine.delete(at, headers={"If-Match": '"2"'})).status_code == 412
    assert (await mine.delete(at, headers={"If-Match": '"1"'})).status_code == 204
    assert (await ask(made["token"]).get("/me")).status_code == 401
    assert (await mine.get(at)).status_code == 404
    assert (await mine.delete(at)).status_code == 404


async def test_nobody_makes_a_key_above_themselves(ask: Ask, house: Household) -> None:
    for role, wanted, status in (
        (Role.manager, "owner", 403),
        (Role.manager, "manager", 201),
        (Role.member, "viewer", 403),
        (Role.owner, "owner", 201),
    ):
        answer = await ask(house.tokens[role]).post("/api-keys", json={"name": "k", "role": wanted})
        assert answer.status_code == status, (role, wanted)


async def test_choices_are_named(ask: Ask, house: Household) -> None:
    answer = await ask(house.tokens[Role.owner]).post(
        "/api-keys", json={"name": "k", "role": "king", "scopes": ["all"]}
    )
    assert {each["field"]: each["message"] for each in answer.json()["errors"]} == {
        "role": "This is one of viewer, member, manager, owner.",
        "scopes[0]": "This is one of metrics.",
    }


async def test_pages_stay_right_while_keys_come_and_go(ask: Ask, house: Household, clock: HeldClock) -> None:
    mine = ask(house.tokens[Role.owner])
    for number in range(5):
        clock.advance(1)
        await mine.post("/api-keys", json={"name": f"key {number}"})
    first = (await mine.get("/api-keys?limit=2")).json()
    await mine.post("/api-keys", json={"name": "in between"})
    await mine.delete(f"/api-keys/{first['items'][1]['id']}")
    second = (await mine.get("/api-keys", params={"limit": 2, "cursor": first["next"]})).json()
    third = (await mine.get("/api-keys", params={"limit": 2, "cursor": second["next"]})).json()
    names = [item["name"] for page in (first, second, third) for item in page["items"]]
    assert names == ["key 4", "key 3", "key 2", "key 1", "key 0"]
    assert third["next"] is None


async def test_lists_are_sorted_and_searched_as_asked(ask: Ask, house: Household) -> None:
    mine = ask(house.tokens[Role.owner])
    for name in ("pear", "Apple", "100 %", "plum"):
        await mine.post("/api-keys", json={"name": name})

    async def names(**asked: str) -> list[str]:
        return [item["name"] for item in (await mine.get("/api-keys", params=asked)).json()["items"]]

    assert await names(sort="name") == ["100 %", "Apple", "pear", "plum"]
    assert await names(sort="-name", limit="2") == ["plum", "pear"]
    assert await names(q="PL", sort="name") == ["Apple", "plum"]
    assert await names(q="%") == ["100 %"]


async def test_a_list_asked_for_wrongly_is_refused_by_field(ask: Ask, house: Household) -> None:
    mine = ask(house.tokens[Role.owner])
    await mine.post("/api-keys", json={"name": "a"})
    await mine.post("/api-keys", json={"name": "b"})
    cursor = (await mine.get("/api-keys?limit=1")).json()["next"]
    for asked, field in (
        ({"limit": "0"}, "limit"),
        ({"limit": "501"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"sort": "color"}, "sort"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": "bm8"}, "cursor"),
        ({"cursor": cursor, "sort": "name"}, "cursor"),
        ({"q": "x" * 201}, "q"),
    ):
        answer = await mine.get("/api-keys", params=asked)
        assert answer.status_code == 422, asked
        assert [each["field"] for each in answer.json()["errors"]] == [field]
