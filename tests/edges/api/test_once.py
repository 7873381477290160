"""POST under an Idempotency-Key."""

import asyncio
from typing import Any

import httpx
import pytest
from litestar import post
from msgspec import Struct

from tests.edges.api.conftest import Ask
from tests.people import Household
from verger.base.clock import HeldClock
from verger.base.errors import Busy, Conflict
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.app import build
from verger.edges.api.given import Given, JSONBody, System

KEY = {"Idempotency-Key": "6b7e"}


class Wish(Struct):
    """How the deed shall end."""

    end: str = "well"


class Deeds:
    """Counts how often a route took effect, which can be held."""

    def __init__(self) -> None:
        self.done = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()


@post("/deeds")
async def do(data: JSONBody[Wish], deeds: Given[Deeds]) -> dict[str, int]:
    deeds.begun.set()
    await deeds.go.wait()
    if data.end == "clash":
        raise Conflict("It clashes.")
    if data.end == "busy":
        raise Busy("Not now.", 7)
    deeds.done += 1
    if data.end == "badly":
        raise RuntimeError("boom")
    return {"done": deeds.done}


@pytest.fixture
def deeds() -> Deeds:
    return Deeds()


@pytest.fixture
def app(system: System, deeds: Deeds) -> Any:
    return build(system, [do], deeds=deeds)


@pytest.fixture
def mine(ask: Ask, house: Household) -> httpx.AsyncClient:
    return ask(house.tokens[Role.manager])


async def test_sent_again_it_is_answered_again_and_done_once(mine: httpx.AsyncClient, deeds: Deeds) -> None:
    first = await mine.post("/deeds", json={}, headers=KEY)
    again = await mine.post("/deeds", json={}, headers=KEY)
    assert (first.status_code, first.json()) == (again.status_code, again.json()) == (201, {"done": 1})
    assert again.headers["content-type"] == first.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert deeds.done == 1


async def test_a_secret_shown_once_is_shown_again_under_its_key(mine: httpx.AsyncClient) -> None:
    first = await mine.post("/api-keys", json={"name": "k"}, headers=KEY)
    again = await mine.post("/api-keys", json={"name": "k"}, headers=KEY)
    assert first.json() == again.json()
    assert again.headers["etag"] == '"1"'
    assert len((await mine.get("/api-keys")).json()["items"]) == 1


async def test_without_a_key_it_is_done_each_time(mine: httpx.AsyncClient) -> None:
    assert [(await mine.post("/deeds", json={})).json()["done"] for _ in range(2)] == [1, 2]


async def test_another_request_under_the_key_is_refused(mine: httpx.AsyncClient, house: Household) -> None:
    await mine.post("/deeds", json={}, headers=KEY)
    for other in (
        mine.post("/deeds", json={"end": "else"}, headers=KEY),
        mine.post("/deeds?x=1", json={}, headers=KEY),
        mine.post("/api-keys", json={}, headers=KEY),
        mine.post("/deeds", json={}, headers=KEY | {"Verger-Tenant": house.tenant}),
    ):
        answer = await other
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


async def test_the_same_key_of_somebody_else_is_another(ask: Ask, house: Household, deeds: Deeds) -> None:
    for role in (Role.viewer, Role.owner):
        await ask(house.tokens[role]).post("/deeds", json={}, headers=KEY)
    assert deeds.done == 2


async def test_twins_wait_for_the_first_and_get_its_answer(mine: httpx.AsyncClient, deeds: Deeds) -> None:
    deeds.go.clear()
    twins = [asyncio.create_task(mine.post("/deeds", json={}, headers=KEY)) for _ in range(3)]
    await deeds.begun.wait()
    deeds.go.set()
    assert [(await twin).json() for twin in twins] == [{"done": 1}] * 3


async def test_what_was_refused_had_no_effect_and_may_be_tried_again(mine: httpx.AsyncClient, deeds: Deeds) -> None:
    for end, status in (("clash", 409), ("busy", 503)):
        assert (await mine.post("/deeds", json={"end": end}, headers=KEY)).status_code == status
    assert (await mine.post("/deeds", json={}, headers=KEY)).json() == {"done": 1}
    assert deeds.done == 1


async def test_what_failed_unexpectedly_is_not_done_twice(mine: httpx.AsyncClient, deeds: Deeds) -> None:
    for _ in range(2):
        assert (await mine.post("/deeds", json={"end": "badly"}, headers=KEY)).status_code == 500
    assert deeds.done == 1


async def test_an_attempt_cut_short_by_a_stop_is_told(mine: httpx.AsyncClient, deeds: Deeds) -> None:
    deeds.go.clear()
    cut = asyncio.create_task(mine.post("/deeds", json={}, headers=KEY))
    await deeds.begun.wait()
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    answer = await mine.post("/deeds", json={}, headers=KEY)
    assert (answer.status_code, "cut short" in answer.json()["detail"]) == (409, True)


async def test_the_answer_is_given_though_it_cannot_be_kept(
    mine: httpx.AsyncClient, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(tenancy.answers, "keep", full)
    assert (await mine.post("/deeds", json={}, headers=KEY)).json() == {"done": 1}


async def test_a_day_later_the_key_is_fresh(mine: httpx.AsyncClient, clock: HeldClock) -> None:
    await mine.post("/deeds", json={}, headers=KEY)
    clock.advance(24 * 3600)
    assert (await mine.post("/deeds", json={}, headers=KEY)).json() == {"done": 2}


async def test_keys_have_a_form_and_bodies_a_limit(mine: httpx.AsyncClient) -> None:
    for key in ("", "x" * 256, "t\tab"):
        assert (await mine.post("/deeds", json={}, headers={"Idempotency-Key": key})).status_code == 422
    assert (await mine.post("/deeds", json={"end": "x" * (1 << 20)}, headers=KEY)).status_code == 413
