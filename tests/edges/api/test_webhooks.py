"""Webhooks of rules over the API: which addresses may be written, and who sees what signs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import Product, opened_product
from tests.people import PASSWORD
from tests.recorded import Record
from verger.base.clock import HeldClock
from verger.domain.tenancy.model import Role

SPAN = {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00Z"}


@pytest_asyncio.fixture
async def product(tmp_path: Path, clock: HeldClock) -> AsyncIterator[Product]:
    async with opened_product(tmp_path / "data", clock) as opened:
        yield opened


def written(product: Product, url: str) -> dict[str, Any]:
    when = {"metric": "t", "is": "below", "value": 3}
    return {"name": "Frost", "place": product.place["id"], "when": when, "then": [{"webhook": {"url": url}}]}


def refused(answer: httpx.Response) -> bool:
    """Tell whether the address was refused with a sentence that says what to do."""
    told = answer.json()
    fields = [fault["field"].removeprefix("rule.") for fault in told.get("errors", ())]
    return answer.status_code == 422 and fields == ["then[0].webhook.url"] and "choose another" in told["detail"]


@asynccontextmanager
async def member_of(product: Product) -> AsyncIterator[httpx.AsyncClient]:
    """Give the client of somebody who reads rules and writes none."""
    tenancy, tenant = product.house.stores.tenancy, (await product.get("/me"))["tenant"]["id"]
    user = await tenancy.users.add(tenant, Role.member, "Onni", "onni@example.test", PASSWORD)
    async with visitor(product.app, base=f"{HERE}/api/v1") as member:
        member.headers["Authorization"] = f"Bearer {await tenancy.sessions.open(user.id, tenant)}"
        yield member


async def test_an_inner_address_is_refused_however_a_rule_is_written(product: Product) -> None:
    owner, inner = product.owner, written(product, "http://169.254.169.254/latest")
    assert refused(await owner.post("/rules", json=inner))
    assert refused(await owner.post("/rules/test", json={"rule": inner, **SPAN}))
    kept = await owner.post("/rules", json=written(product, "https://hook.example.org/x"))
    assert kept.status_code == 201
    rule = f"/rules/{kept.json()['id']}"
    assert refused(await owner.patch(rule, json={"then": [{"webhook": {"url": "http://[::1]:8000/"}}]}))
    assert (await owner.patch(rule, json={"enabled": False})).status_code == 200


async def test_managers_see_what_signs_and_renew_it(product: Product, record: Record) -> None:
    first = await product.get("/webhooks/secret")
    assert first["secret"].startswith("whsec_")
    assert await product.get("/webhooks/secret") == first
    second = (await product.owner.post("/webhooks/secret/renew", json={})).json()
    assert (second["secret"] != first["secret"], second["previous_until"] is not None) == (True, True)
    third = (await product.owner.post("/webhooks/secret/renew", json={"at_once": True})).json()
    assert (third["secret"] not in (first["secret"], second["secret"]), third["previous_until"]) == (True, None)
    record("signing.json", second | {"secret": "whsec_c2VjcmV0"})
    async with member_of(product) as member:
        assert (await member.get("/webhooks/secret")).status_code == 403
        assert (await member.post("/webhooks/secret/renew", json={})).status_code == 403


async def test_what_a_rule_calls_is_tried_at_once_and_tells_whether_it_was_taken(product: Product) -> None:
    written_so = written(product, "https://nobody.invalid/token-7731")
    written_so["then"].append({"task": {"title": "Look"}})
    rule = f"/rules/{(await product.owner.post('/rules', json=written_so)).json()['id']}"
    answer = await product.owner.post(f"{rule}/webhooks/test")
    assert answer.status_code == 200, answer.text
    [tried] = answer.json()["items"]
    assert (tried["action"], tried["url"], tried["delivered"]) == (0, "https://nobody.invalid/…", False)
    assert tried["error"]
    await product.owner.patch(rule, json={"then": [{"task": {"title": "Look"}}]})
    assert (await product.owner.post(f"{rule}/webhooks/test")).status_code == 409
    async with member_of(product) as member:
        assert (await member.post(f"{rule}/webhooks/test")).status_code == 403


async def test_who_writes_no_rules_sees_neither_a_whole_address_nor_what_it_is_sent(product: Product) -> None:
    secret = written(product, "https://nobody.invalid/token-7731?key=token-7731")
    secret["then"][0]["webhook"]["body"] = {"api_key": "token-7731"}
    rule = f"/rules/{(await product.owner.post('/rules', json=secret)).json()['id']}"
    await product.say("telemetry", {"t": 1})
    paths = (rule, "/rules", f"{rule}/runs")
    async with member_of(product) as member:
        for path in paths:
            answer = await member.get(path)
            assert "https://nobody.invalid/…" in answer.text, path
            assert "token-7731" not in answer.text, path
    assert all(["token-7731" in (await product.owner.get(path)).text for path in paths])
