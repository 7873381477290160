"""Signing in and out over HTTP."""

from tests.edges.api.conftest import HERE, Ask, Waits
from tests.people import PASSWORD, Household
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy

RIGHT = {"email": "aino@EXAMPLE.test", "password": PASSWORD}
WRONG = RIGHT | {"password": "wrong horse"}


async def test_signing_in_answers_who_where_and_a_token(ask: Ask, house: Household) -> None:
    answer = await ask().post("/auth/login", json=RIGHT)
    assert answer.status_code == 200
    said = answer.json()
    assert said["user"]["id"] == house.people[Role.owner]
    assert said["tenants"] == [{"id": house.tenant, "name": "Mökki", "timezone": "Europe/Helsinki", "role": "owner"}]
    assert (await ask(said["token"]).get("/me")).status_code == 200


async def test_over_https_the_cookie_is_for_https_only(ask: Ask, house: Household) -> None:
    assert house.tenant
    answer = await ask(base="https://verger.test").post("/auth/login", json=RIGHT)
    assert "Secure" in answer.headers["set-cookie"]


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(ask: Ask, house: Household) -> None:
    assert house.tenant
    wrong = await ask().post("/auth/login", json=WRONG)
    unknown = await ask(peer="203.0.113.6").post("/auth/login", json=WRONG | {"email": "nobody@example.test"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.headers == unknown.headers


async def test_each_failure_is_answered_more_slowly(ask: Ask, house: Household, waits: Waits) -> None:
    assert house.tenant
    for _ in range(9):
        await ask().post("/auth/login", json=WRONG)
    assert waits.seconds == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


async def test_failures_add_up_for_an_account_and_for_an_address(ask: Ask, house: Household, waits: Waits) -> None:
    assert house.tenant
    await ask(peer="203.0.113.1").post("/auth/login", json=WRONG)
    await ask(peer="203.0.113.2").post("/auth/login", json=WRONG)
    await ask(peer="203.0.113.2").post("/auth/login", json=WRONG | {"email": "other@example.test"})
    assert waits.seconds == [0.25, 0.5, 0.5]


async def test_a_right_one_is_never_held_up_by_others_failures(ask: Ask, house: Household, waits: Waits) -> None:
    assert house.tenant
    for _ in range(20):
        await ask().post("/auth/login", json=WRONG)
    waits.seconds.clear()
    assert (await ask().post("/auth/login", json=RIGHT)).status_code == 200
    assert waits.seconds == []


async def test_a_cookie_signs_in_a_page_of_ours_only(ask: Ask, house: Household) -> None:
    assert house.tenant
    browser = ask()
    await browser.post("/auth/login", json=RIGHT)
    assert (await browser.get("/me")).status_code == 200
    refused = {
        "no origin": {},
        "another origin": {"Origin": "https://evil.example"},
        "another port": {"Origin": f"{HERE}:8443"},
        "a frame": {"Origin": "null"},
        "another site": {"Sec-Fetch-Site": "cross-site"},
        "a neighbour": {"Sec-Fetch-Site": "same-site"},
    }
    for why, headers in refused.items():
        answer = await browser.patch("/me", json={"name": "Eve"}, headers=headers)
        assert answer.status_code == 403, why
    for headers in ({"Origin": HERE}, {"Origin": "http://VERGER.test:80"}, {"Sec-Fetch-Site": "same-origin"}):
        assert (await browser.patch("/me", json={"name": "Aino"}, headers=headers)).status_code == 200


async def test_behind_a_proxy_that_speaks_https_for_us_the_page_is_still_ours(ask: Ask, house: Household) -> None:
    assert house.tenant
    browser = ask()
    await browser.post("/auth/login", json=RIGHT)
    answer = await browser.patch("/me", json={"name": "Aino"}, headers={"Origin": "https://verger.test"})
    assert answer.status_code == 200


async def test_a_program_with_a_token_needs_no_origin(ask: Ask, house: Household) -> None:
    answer = await ask(house.tokens[Role.viewer]).patch("/me", json={"name": "V"})
    assert answer.status_code == 200


async def test_a_token_in_the_header_outranks_the_cookie(ask: Ask, house: Household) -> None:
    browser = ask()
    await browser.post("/auth/login", json=RIGHT)
    viewer = {"Authorization": f"Bearer {house.tokens[Role.viewer]}"}
    assert (await browser.get("/me", headers=viewer)).json()["role"] == "viewer"


async def test_signing_out_ends_the_session_and_takes_the_cookie_away(ask: Ask, house: Household) -> None:
    assert house.tenant
    browser = ask()
    token = (await browser.post("/auth/login", json=RIGHT)).json()["token"]
    answer = await browser.post("/auth/logout", headers={"Origin": HERE})
    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await ask(token).get("/me")).status_code == 401
    assert (await ask(token).post("/auth/logout")).status_code == 401
    assert (await ask().post("/auth/logout")).status_code == 401


async def test_a_foreign_page_cannot_sign_you_out(ask: Ask, house: Household) -> None:
    assert house.tenant
    browser = ask()
    await browser.post("/auth/login", json=RIGHT)
    for headers in ({}, {"Origin": "https://evil.example"}):
        assert (await browser.post("/auth/logout", headers=headers)).status_code == 403
    assert (await browser.get("/me")).status_code == 200


async def test_made_up_tokens_are_answered_ever_more_slowly(ask: Ask, house: Household, waits: Waits) -> None:
    for _ in range(3):
        answer = await ask("vs_made-up").get("/me")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert waits.seconds == [0.25, 0.5, 1]
    waits.seconds.clear()
    assert (await ask(house.tokens[Role.viewer]).get("/me")).status_code == 200
    assert (await ask().get("/me")).status_code == 401
    assert waits.seconds == []


async def test_whoever_belongs_nowhere_may_still_sign_in_and_out(ask: Ask, house: Household, tenancy: Tenancy) -> None:
    viewer = await tenancy.caller(house.tokens[Role.viewer])
    await tenancy.members.remove(viewer, viewer.who.id)
    token = house.tokens[Role.viewer]
    refused = await ask(token).get("/me")
    assert (refused.status_code, "ask an owner" in refused.json()["detail"]) == (403, True)
    assert (await ask(token).post("/auth/logout")).status_code == 204
