"""Junk is refused: whatever is sent to whichever route, nothing fails unexpectedly."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.edges.api.whole import Whole, opened

JUNK: list[Any] = ["\x00", "x" * 5000, -1, 2**70, 1e308, None, [None], {"a": {"b": [1]}}, "'; DROP TABLE user; --"]
BODIES = (b"", b"[]", b"null", b'"x"', b"{", b'{"name":1e999}', b'{"name":"\\u0000"}', b"\xff", b"[" * 9999)
PATHS = ("x", "%00", "a" * 201, "%FF", "..%2f", "%C3%A9")
TAGS = ('"', '"99999999999999999999999"', 'W/"1"', "x" * 300)

# They would end what the others need.
LEFT_OUT = {"/auth/logout", "/members/{member}"}

Sent = tuple[str, str, dict[str, Any]]


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    async with opened(tmp_path / "data") as found:
        yield found


async def test_no_junk_makes_a_route_fail(whole: Whole) -> None:
    owner = whole.ask("owner")
    told = json.loads((await owner.get("/openapi.json")).content)
    failed = []
    for method, path, more in junk(whole, told):
        answer = await owner.request(method, path, **more)
        if answer.status_code >= 500:
            failed.append((method, path, more))
    assert failed == []


def junk(whole: Whole, told: dict[str, Any]) -> Iterator[Sent]:
    """Give junk in the path, the query, the headers and the body of every route."""
    for full, operations in told["paths"].items():
        path = full.removeprefix("/api/v1")
        for method, operation in operations.items():
            if path not in LEFT_OUT:
                yield from _junk_paths(method, path)
                if method != "delete":
                    yield from _junk_parameters(method, whole.filled(path), operation)
                    yield from _junk_bodies(method, whole.filled(path), operation, told)


def _junk_paths(method: str, path: str) -> Iterator[Sent]:
    if "{" in path:
        for part in PATHS:
            yield method, re.sub(r"{\w+}", part, path), {"json": {}}


def _junk_parameters(method: str, path: str, operation: dict[str, Any]) -> Iterator[Sent]:
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "query":
            for value in JUNK:
                yield method, path, {"params": {name: value if isinstance(value, str) else json.dumps(value)}}
        if parameter["in"] == "header":
            for tag in TAGS:
                yield method, path, {"headers": {name: tag}, "json": {}}


def _junk_bodies(method: str, path: str, operation: dict[str, Any], told: dict[str, Any]) -> Iterator[Sent]:
    if "requestBody" not in operation:
        return
    for content in BODIES:
        yield method, path, {"content": content, "headers": {"Content-Type": "application/json"}}
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for field in told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]:
        for value in JUNK:
            yield method, path, {"json": {field: value}}
