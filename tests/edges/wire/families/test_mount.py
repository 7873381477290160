"""Who is refused at a family's mount: in the family's own shape, however many they are."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled


@pytest.fixture
def crowded(product: Product) -> Iterator[Product]:
    """Have as many wait to be refused as may."""
    strangers = product.house.families.http.strangers
    strangers.waiting += 1_000
    yield product
    strangers.waiting -= 1_000


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/compat/outlet/api/devices/", "message"),
        ("/t/ve_made-up/api/devices/", "detail"),
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
