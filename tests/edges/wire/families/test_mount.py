"""Who is refused at a family's mount: in the family's own shape, however many they are."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client


@pytest.fixture
def crowded(product: Product) -> Iterator[Product]:
    """Have as many wait to be refused as may."""
    strangers = product.house.families.strangers
    strangers.waiting += 1_000
    yield product
    strangers.waiting -= 1_000


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/compat/outlet/api/devices/", "message"),
        ("/t/ve_made-up/api/devices/", "detail"),
        ("/t/ve_made-up/compat/outlet/api/devices/", "message"),
        ("/compat/plant/devices", "detail"),
    ],
)
async def test_of_too_many_strangers_the_last_are_turned_away_at_once(crowded: Product, path: str, key: str) -> None:
    async with client(crowded) as one:
        answer = await one.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    assert answer.json()[key].startswith("Too many callers")


async def test_a_socket_of_too_many_is_closed_at_once(crowded: Product) -> None:
    said: list[Any] = []

    async def connect() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def keep(message: Any) -> None:
        said.append(message)

    scope = {
        "type": "websocket",
        "path": "/t/ve_made-up/ws",
        "headers": [],
        "query_string": b"",
        "client": ("1.2.3.4", 1),
    }
    await crowded.app(scope, connect, keep)
    assert said == [{"type": "websocket.close", "code": 1013}]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("compat/outlet/api/commands/FE/", b'{"success": false, "message": "This enrolment is not known here."}'),
        ("compat/ozone/api/device/1/commands/", b'{"detail":"This enrolment is not known here."}'),
    ],
)
async def test_a_key_that_is_not_known_is_refused_in_the_words_of_the_family_that_is_named(
    product: Product, path: str, body: bytes
) -> None:
    async with client(product) as one:
        answer = await one.get(f"/t/ve_made-up/{path}")
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (401, "application/json", body)
        unnamed = await one.get("/t/ve_made-up/api/devices/")
    assert (unnamed.status_code, unnamed.headers["content-type"]) == (401, "application/problem+json")
