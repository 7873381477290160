"""What holds for every route: failures, limits, addresses, and what is told to nobody."""

from typing import Any

import httpx
import pytest
from litestar import get
from structlog.testing import capture_logs

from tests.edges.api.conftest import HERE, Ask, visitor
from tests.people import Household
from verger.base.clock import HeldClock
from verger.base.errors import Busy, Fault, Refused, Stale
from verger.base.proxies import Proxies
from verger.base.settings import Settings
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api import errors
from verger.edges.api.app import build
from verger.edges.api.given import FromQuery, System


@get("/boom")
async def boom() -> None:
    raise RuntimeError("the password is hunter2")


@get("/busy")
async def busy() -> None:
    raise Busy("The disk is full.", 30)


@get("/need")
async def need(metric: FromQuery[str], points: FromQuery[int] = 500) -> str:
    return metric * points


@pytest.fixture
def app(system: System) -> Any:
    return build(system, [boom, busy, need])


@pytest.fixture
def mine(ask: Ask, house: Household) -> httpx.AsyncClient:
    return ask(house.tokens[Role.viewer])


async def test_a_failure_is_a_problem_whose_detail_says_what_to_do(mine: httpx.AsyncClient) -> None:
    answer = await mine.get("/members/nobody")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "No such member.",
        "errors": [],
    }


async def test_what_nobody_expected_is_logged_and_not_told(mine: httpx.AsyncClient) -> None:
    with capture_logs() as logged:
        answer = await mine.get("/boom")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert [(line["event"], line["path"]) for line in logged] == [("request failed", "/api/v1/boom")]


async def test_busy_says_when_to_try_again(mine: httpx.AsyncClient) -> None:
    answer = await mine.get("/busy")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert answer.json()["detail"] == "The disk is full."


async def test_parameters_are_refused_by_name(mine: httpx.AsyncClient) -> None:
    lacking = await mine.get("/need")
    assert (lacking.status_code, lacking.json()["errors"]) == (422, [{"field": "metric", "message": "This is needed."}])
    wrong = await mine.get("/need?metric=t&points=few")
    assert wrong.json()["errors"] == [{"field": "points", "message": "This should be a whole number."}]


async def test_no_such_address_and_no_such_method_are_told(mine: httpx.AsyncClient) -> None:
    assert (await mine.get("/nowhere")).status_code == 404
    wrong = await mine.put("/me", json={})
    assert wrong.status_code == 405
    assert "GET" in wrong.headers["allow"]
    assert "PATCH" in wrong.json()["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"name":"x"}', "text/plain", 415),
        (b'{"name":"x"}', "", 415),
        (b'{"name":"x"}', "application/x-www-form-urlencoded", 415),
        (b'{"name":"x"}', "application/merge-patch+json", 200),
        (b'{"name":"x"}', "Application/JSON; charset=utf-8", 200),
        (b"{", "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b'{"name":"\xff"}', "application/json", 422),
        (b'{"name":"\\ud800"}', "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"", "application/json", 422),
        (b'{"name":"' + b"x" * (1 << 20) + b'"}', "application/json", 413),
    ],
)
async def test_bodies_are_taken_or_refused(mine: httpx.AsyncClient, body: bytes, kind: str, status: int) -> None:
    answer = await mine.patch("/me", content=body, headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_caller_may_send_so_many_requests_a_second(
    tenancy: Tenancy, clock: HeldClock, house: Household
) -> None:
    system = System(settings=Settings(api_burst=5, api_per_s=100), clock=clock, tenancy=tenancy)
    client = visitor(build(system), base=f"{HERE}/api/v1")

    async def ask_as(role: Role) -> httpx.Response:
        return await client.get("/me", headers={"Authorization": f"Bearer {house.tokens[role]}"})

    assert [(await ask_as(Role.viewer)).status_code for _ in range(6)] == [200] * 5 + [429]
    assert (await ask_as(Role.viewer)).headers["retry-after"] == "1"
    assert (await ask_as(Role.owner)).status_code == 200
    clock.advance(0.03)
    assert [(await ask_as(Role.viewer)).status_code for _ in range(4)] == [200] * 3 + [429]


async def test_answers_are_kept_out_of_caches(mine: httpx.AsyncClient) -> None:
    for path in ("/me", "/nowhere", "/boom"):
        answer = await mine.get(path)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_expected_failure_has_a_status() -> None:
    assert errors.status_of(Stale("x")) == 412
    kinds, known = [Refused], set(errors.STATUS)
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert known.intersection(kind.__mro__)


async def test_several_faults_are_told_at_once() -> None:
    faults = (Fault("a", "A."), Fault("b", "B."))
    assert errors.problem(422, "Two things.", faults).content.errors == faults


@pytest.fixture
def behind_proxy(tenancy: Tenancy, clock: HeldClock, house: Household) -> httpx.AsyncClient:
    assert house.tenant
    system = System(settings=Settings(api_burst=1), clock=clock, tenancy=tenancy, proxies=Proxies(["10.0.0.0/8"]))
    return visitor(build(system), "10.0.0.1")


async def test_behind_a_trusted_proxy_each_address_is_its_own(behind_proxy: httpx.AsyncClient) -> None:
    async def state(forwarded: str) -> int:
        return (await behind_proxy.get("/health", headers={"X-Forwarded-For": forwarded})).status_code

    assert await state("198.51.100.1") == 200
    assert await state("198.51.100.1") == 429
    assert await state("made up, 198.51.100.1, 10.2.3.4") == 429
    assert await state("198.51.100.1, 198.51.100.2") == 200
