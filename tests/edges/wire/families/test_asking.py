"""What people ask beyond all reason, in families' words: it is bounded or refused, and nothing fails of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, posted
from verger.edges.wire.families.call import time_asked, whole

BIG = "9" * 5_000
MAC = "3C:8A:1F:A4:3E:C4"
ASKED: list[tuple[str, str, int]] = [
    ("GET", f"cottage/sensors/?page={BIG}", 404),
    ("GET", "cottage/sensors/?page=0", 404),
    ("GET", f"farm/api/notifications?limit={BIG}", 200),
    ("GET", f"farm/api/sensor-history?limit={BIG}", 200),
    ("GET", "farm/api/sensor-history?from=0001-01-01T00:00:00%2B14:00", 400),
    ("GET", "farm/api/sensor-history?to=0001-01-01T00:00:00", 400),
    ("GET", "farm/api/sensor-history?to=9999-12-31T23:59:59-14:00", 400),
    ("GET", f"plant/alerts?limit={BIG}", 200),
    ("GET", "ozone/api/events/?days=0000019999999", 400),
    ("GET", f"ozone/api/events/?days={BIG}", 400),
    ("GET", f"ozone/api/export/?device_id={MAC}&days=0000019999999", 400),
    ("GET", f"ozone/api/events/recent/?limit={BIG}", 200),
    ("GET", "cottage/sensor-data/?timestamp_after=0001-01-01T00:00:00%2B14:00", 400),
    ("POST", "cottage/sensors/claim_sensor/", 400),
]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("0", 1),
        ("00000000000000000000000007", 7),
        ("500", 500),
        ("501", 500),
        (BIG, 500),
        ("", 100),
        ("-3", 100),
        ("1.5", 100),
        ("٣", 100),
        ("many", 100),
    ],
)
def test_a_whole_number_is_bounded(text: str, number: int) -> None:
    assert whole(text, 1, 500, 100) == number


def test_a_time_that_is_asked_for_has_a_zone_and_is_within_reach() -> None:
    assert time_asked("2026-01-31T12:00:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert time_asked("2026-01-31T12:00:00 02:00").utcoffset() is not None
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "yesterday", ""):
        with pytest.raises(ValueError, match=r"."):
            time_asked(text)


@pytest.mark.parametrize(("method", "path", "status"), ASKED)
async def test_what_is_beyond_all_reason_is_bounded_or_refused(
    product: Product, method: str, path: str, status: int
) -> None:
    await posted(product, "/devices", name="Bay", place=product.place["id"], dialect="ozone", address=MAC)
    token = product.owner.headers["Authorization"].partition(" ")[2]
    word = "Token" if path.startswith("cottage") else "Bearer"
    with structlog.testing.capture_logs() as noted:
        async with client(product) as one:
            headers = {"Authorization": f"{word} {token}"}
            answer: Any = await one.request(
                method, f"/compat/{path}", headers=headers, content=b"[]" if method == "POST" else b""
            )
    assert answer.status_code == status, answer.text[:200]
    assert [each for each in noted if each["log_level"] == "error"] == []


async def test_a_threshold_of_five_thousand_digits_is_none(product: Product) -> None:
    await posted(product, "/devices", name="Bench", place=product.place["id"], dialect="outlet", address="FE")
    async with client(product) as one:
        headers = {"Authorization": product.owner.headers["Authorization"]}
        answer = await one.post("/compat/outlet/api/commands/FE/set_threshold/", data={"value": BIG}, headers=headers)
    assert answer.status_code == 400
