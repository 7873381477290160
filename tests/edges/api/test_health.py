"""Health, readiness and metrics."""

import dataclasses
from typing import Any

import pytest
from prometheus_client import Counter

from tests.edges.api.conftest import LOCAL, Ask, visitor
from tests.people import Household
from verger import __version__
from verger.base.errors import Busy
from verger.domain.tenancy.model import Role
from verger.edges.api.app import build
from verger.edges.api.given import System


async def fine() -> str:
    return "ok"


async def full() -> str:
    raise Busy("The disk is full; make room.")


async def broken() -> str:
    raise RuntimeError("hunter2")


async def test_it_lives(app: Any) -> None:
    answer = await visitor(app).get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("checks", "status"), [({}, 200), ({"log": fine}, 200), ({"log": full, "jobs": broken, "db": fine}, 503)]
)
async def test_readiness_names_what_fails(system: System, checks: dict[str, Any], status: int) -> None:
    ready = System(settings=system.settings, clock=system.clock, tenancy=system.tenancy, checks=checks)
    answer = await visitor(build(ready), *LOCAL).get("/ready")
    said = answer.json()
    assert (answer.status_code, said["version"], set(said["checks"])) == (status, __version__, set(checks))
    if status == 503:
        assert said["checks"]["log"] == "The disk is full; make room."
        assert "hunter2" not in answer.text


async def test_a_warning_is_told_and_fails_nothing(system: System) -> None:
    warnings = {"disk": full, "backup": fine}
    warned = System(
        settings=system.settings, clock=system.clock, tenancy=system.tenancy, checks={"log": fine}, warnings=warnings
    )
    answer = await visitor(build(warned), *LOCAL).get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "version": __version__,
        "checks": {"log": "ok"},
        "warnings": {"disk": "The disk is full; make room."},
    }


async def test_only_who_runs_this_verger_learns_why_something_fails(
    system: System, house: Household, neighbour: Household
) -> None:
    checks, warnings = {"log": full, "db": fine}, {"bridges": full}
    app = build(dataclasses.replace(system, checks=checks, warnings=warnings))
    why = "The disk is full; make room."
    for token, knows in ((None, False), (neighbour.tokens[Role.owner], False), (house.tokens[Role.viewer], True)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await visitor(app).get("/ready", headers=headers)
        said = answer.json()
        assert (answer.status_code, said["status"], said["checks"]["db"]) == (503, "failing", "ok")
        assert (said["checks"]["log"] == why, said["warnings"]) == (knows, {"bridges": why} if knows else {})
        assert said["checks"]["log"] != "ok"


async def test_figures_are_for_nobody_of_another_organisation(ask: Ask, app: Any, neighbour: Household) -> None:
    owner = ask(neighbour.tokens[Role.owner])
    key = (await owner.post("/api-keys", json={"name": "m", "scopes": ["metrics"]})).json()["token"]
    assert (await visitor(app).get("/metrics", headers={"Authorization": f"Bearer {key}"})).status_code == 403


async def test_figures_are_for_the_machine_and_keys_with_the_scope(app: Any, ask: Ask, house: Household) -> None:
    owner = ask(house.tokens[Role.owner])
    key = (await owner.post("/api-keys", json={"name": "m", "scopes": ["metrics"]})).json()["token"]
    plain = (await owner.post("/api-keys", json={"name": "p", "role": "owner"})).json()["token"]
    here = visitor(app, "127.0.0.1", "http://localhost:8000")
    assert (await here.get("/metrics")).status_code == 200
    for token, status in ((None, 401), (key, 200), (plain, 403), (house.tokens[Role.owner], 403), ("vk_x", 401)):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        assert (await visitor(app).get("/metrics", headers=headers)).status_code == status
    assert (await here.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})).status_code == 401
    assert (await visitor(app, "127.0.0.1", "http://evil.example").get("/metrics")).status_code == 401


async def test_figures_are_prometheus_text(system: System, app: Any) -> None:
    Counter("readings", "Readings kept", registry=system.metrics).inc(3)
    answer = await visitor(app, "127.0.0.1", "http://localhost").get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "readings_total 3.0" in answer.text
