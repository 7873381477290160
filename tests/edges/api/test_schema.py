"""What the API tells of itself."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.edges.api.conftest import Ask, visitor
from verger.edges.api import schema
from verger.edges.api.tidy import renamed, tidied


@pytest.fixture
async def told(ask: Ask) -> dict[str, Any]:
    answer = await ask().get("/openapi.json")
    return dict(json.loads(answer.content))


async def test_failures_are_told_of_every_route(told: dict[str, Any]) -> None:
    for operations in told["paths"].values():
        for operation in operations.values():
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
            assert "400" not in operation["responses"]


async def test_what_needs_a_caller_names_both_ways_of_being_one(told: dict[str, Any]) -> None:
    assert told["security"] == [{"bearer": []}, {"cookie": []}]
    assert told["components"]["securitySchemes"]["cookie"]["name"] == "verger_session"
    assert "security" not in told["paths"]["/api/v1/me"]["get"]
    assert told["paths"]["/api/v1/auth/login"]["post"]["security"] == []


async def test_headers_are_told_where_they_count(told: dict[str, Any]) -> None:
    def headers(method: str, path: str) -> set[str]:
        operation = told["paths"][f"/api/v1{path}"][method]
        return {each["name"] for each in operation.get("parameters", []) if each["in"] == "header"}

    assert headers("post", "/api-keys") == {"Verger-Tenant", "Idempotency-Key"}
    assert headers("delete", "/api-keys/{key}") == {"Verger-Tenant", "If-Match"}
    assert headers("get", "/setup") == set()


async def test_answers_are_whole_and_bodies_may_leave_out_what_has_a_default(told: dict[str, Any]) -> None:
    schemas = told["components"]["schemas"]
    assert schemas["ApiKeyPage"]["required"] == ["items", "next"]
    assert schemas["NewKey"]["required"] == ["name"]
    assert schemas["Problem"]["required"] == ["detail", "errors", "status", "title", "type"]


async def test_nothing_leads_nowhere(told: dict[str, Any]) -> None:
    text = json.dumps(told)
    for name in {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert name in told["components"]["schemas"]


async def test_the_page_of_the_docs_comes_from_here(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "BUILT", tmp_path)
    assert "not built" in (await visitor(app).get("/api/docs")).text
    (tmp_path / "docs.html").write_text("<title>API</title>")
    answer = await visitor(app).get("/api/docs")
    assert answer.text == "<title>API</title>"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_tidying_leaves_what_says_something() -> None:
    noisy = {
        "deprecated": False,
        "maximum": 500.0,
        "oneOf": [{"type": "string"}],
        "properties": {"deprecated": {"type": "boolean"}, "half": {"maximum": 0.5}},
        "parameters": [{"schema": {"oneOf": [{"type": "integer"}, {"type": "null"}]}}],
    }
    assert tidied(noisy) == {
        "type": "string",
        "maximum": 500,
        "properties": {"deprecated": {"type": "boolean"}, "half": {"maximum": 0.5}},
        "parameters": [{"schema": {"type": "integer"}}],
    }


def test_generic_names_read_well() -> None:
    assert renamed('"#/components/schemas/Page_verger.domain.x.ApiKey_"') == '"#/components/schemas/ApiKeyPage"'
