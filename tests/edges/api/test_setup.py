"""The first run over HTTP."""

import asyncio

import httpx
import pytest

from tests.edges.api.conftest import Ask, Waits
from tests.people import PASSWORD
from verger.domain.tenancy.tenancy import Tenancy

FOUNDING = {
    "tenant": "Farm",
    "name": "Bea",
    "email": "bea@example.test",
    "password": PASSWORD,
    "timezone": "Asia/Manila",
}
LOCAL = {"peer": "127.0.0.1", "base": "http://localhost:8000"}


@pytest.fixture
def local(ask: Ask) -> httpx.AsyncClient:
    return ask(**LOCAL)


async def test_at_the_machine_no_code_is_asked(local: httpx.AsyncClient) -> None:
    assert (await local.get("/setup")).json() == {"needed": True, "code_needed": False}
    made = await local.post("/setup", json=FOUNDING)
    assert made.status_code == 201
    assert made.json()["tenant"]["timezone"] == "Asia/Manila"
    assert made.json()["user"]["email"] == "bea@example.test"
    assert made.json()["token"].startswith("vs_")
    assert (await local.get("/setup")).json() == {"needed": False, "code_needed": False}


async def test_the_new_owner_is_signed_in_by_cookie(local: httpx.AsyncClient) -> None:
    made = await local.post("/setup", json=FOUNDING)
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert (await local.get("/me")).json()["role"] == "owner"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"])
async def test_the_names_of_this_machine_are_trusted(ask: Ask, host: str) -> None:
    for peer in ("127.0.0.1", "::1", "127.8.8.8"):
        state = await ask(peer=peer, base=f"http://{host}").get("/setup")
        assert state.json() == {"needed": True, "code_needed": False}


@pytest.mark.parametrize(
    ("peer", "host", "more"),
    [
        ("192.168.1.7", "localhost", {}),
        ("127.0.0.1", "verger.example", {}),
        ("127.0.0.1", "localhost.evil.example", {}),
        ("127.0.0.1", "localhost", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", "localhost", {"Forwarded": "for=127.0.0.1"}),
        ("127.0.0.1", "localhost", {"Via": "1.1 proxy"}),
        ("127.0.0.1", "localhost", {"X-Real-IP": "127.0.0.1"}),
    ],
)
async def test_anybody_else_needs_the_code(
    ask: Ask, tenancy: Tenancy, waits: Waits, peer: str, host: str, more: dict[str, str]
) -> None:
    there = ask(peer=peer, base=f"http://{host}")
    assert (await there.get("/setup", headers=more)).json() == {"needed": True, "code_needed": True}
    for wrong in ({}, {"code": "guess"}):
        refused = await there.post("/setup", json=FOUNDING | wrong, headers=more)
        assert refused.status_code == 403
        assert "printed" in refused.json()["detail"]
    assert waits.seconds == [0.25, 0.5]
    made = await there.post("/setup", json=FOUNDING | {"code": tenancy.first_run.code}, headers=more)
    assert made.status_code == 201


async def test_a_page_from_elsewhere_cannot_do_it_for_you(local: httpx.AsyncClient, tenancy: Tenancy) -> None:
    for origin in ("https://evil.example", "http://localhost:9999", "null"):
        code = {"code": tenancy.first_run.code}
        refused = await local.post("/setup", json=FOUNDING | code, headers={"Origin": origin})
        assert refused.status_code == 403
    assert (await local.post("/setup", json=FOUNDING, headers={"Origin": "http://localhost:8000"})).status_code == 201


async def test_there_is_one_first_owner_however_many_try(ask: Ask) -> None:
    tries = [ask(**LOCAL).post("/setup", json=FOUNDING | {"email": f"p{n}@example.test"}) for n in range(5)]
    made = [each.status_code for each in await asyncio.gather(*tries)]
    assert sorted(made) == [201, 409, 409, 409, 409]


async def test_what_is_wrong_is_told_by_field(local: httpx.AsyncClient) -> None:
    wrong = {"tenant": " ", "name": "Bea", "email": "bea", "password": PASSWORD, "timezones": "UTC"}
    told = (await local.post("/setup", json=wrong)).json()
    assert told["status"] == 422
    assert {each["field"]: each["message"] for each in told["errors"]} == {
        "tenant": "This may not be empty.",
        "email": "This is no e-mail address.",
        "timezones": "There is no such field; did you mean timezone?",
    }
    short = (await local.post("/setup", json=FOUNDING | {"password": "short"})).json()
    assert short["errors"][0]["field"] == "password"


async def test_sent_again_under_its_key_it_signs_in_the_same_owner(local: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "first"}
    first = await local.post("/setup", json=FOUNDING, headers=key)
    again = await local.post("/setup", json=FOUNDING, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["set-cookie"] == first.headers["set-cookie"]
    assert (await local.post("/setup", json=FOUNDING)).status_code == 409


@pytest.mark.parametrize("name", ["Host", "Origin"])
async def test_an_address_that_is_none_is_not_believed_and_breaks_nothing(ask: Ask, name: str) -> None:
    answer = await ask(**LOCAL).post("/setup", json=FOUNDING, headers={name: "http://[" if name == "Origin" else "["})
    assert answer.status_code == 403
