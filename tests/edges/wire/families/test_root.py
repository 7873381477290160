"""A family at the root beside Verger's own pages, some of which have the same paths."""

from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client
from verger.edges.wire.families.mount import FamilyHttp

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def asked(path: str, method: str = "GET", **headers: str) -> dict[str, Any]:
    told = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": path, "headers": told}


@pytest.mark.parametrize(
    ("scope", "whose"),
    [
        (asked("/alerts"), "family"),
        (asked("/alerts", accept="*/*"), "family"),
        (asked("/alerts", accept=BROWSER), "page"),
        (asked("/devices/1", accept=BROWSER), "page"),
        (asked("/alerts", accept=BROWSER, authorization="Bearer vs_x"), "family"),
        (asked("/auth/device", "POST", accept=BROWSER), "family"),
        (asked("/t/ve_x/compat/plant/alerts", accept=BROWSER), "family"),
        (asked("/compat/plant/alerts", accept=BROWSER), "family"),
    ],
)
async def test_a_browser_that_opens_an_address_gets_the_page_and_whoever_else_the_family(
    product: Product, scope: dict[str, Any], whose: str
) -> None:
    families = product.house.families
    families.root = "plant"
    assert families.owns(scope) is (whose == "family")


async def test_a_table_that_a_browser_opens_below_api_is_the_family_s(product: Product) -> None:
    families: FamilyHttp = product.house.families
    families.root = "ozone"
    assert families.owns(asked("/api/export/", accept=BROWSER))
    async with client(product) as browser:
        assert (await browser.get("/api/export/", headers={"Accept": BROWSER})).json()["detail"]


async def test_the_page_that_describes_a_family_is_opened_by_browsers_too(product: Product) -> None:
    families: FamilyHttp = product.house.families
    families.root = "farm"
    assert families.owns(asked("/docs/", accept=BROWSER))
    assert not families.owns(asked("/health", accept=BROWSER))
    assert not families.owns(asked("/docs/more", accept=BROWSER))
