"""Signing in with a family's words: as slow for who guesses, and as well kept, as on Verger's own pages."""

from http.cookies import SimpleCookie

import pytest

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client
from tests.people import PASSWORD

ME = "aino@example.test"
DOORS = [
    ("/compat/cottage/login/", "username", 400),
    ("/compat/plant/auth/login", "email", 401),
    ("/compat/farm/api/auth/login", "email", 401),
]


@pytest.fixture
def waits(product: Product, monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """Note how long is to be waited, instead of waiting."""
    told: list[float | None] = []
    strangers = product.house.families.strangers
    knock = strangers.knock

    def note(address: str, token: str, *more: str) -> float:
        told.append(knock(address, token, *more))
        return 0.0

    monkeypatch.setattr(strangers, "knock", note)
    return told


@pytest.mark.parametrize(("path", "who", "status"), DOORS)
async def test_an_account_is_guessed_at_ever_more_slowly_from_wherever(
    product: Product, waits: list[float | None], path: str, who: str, status: int
) -> None:
    for number in range(4):
        async with client(product, f"198.51.100.{number}") as guesser:
            answer = await guesser.post(path, json={who: ME.upper(), "password": "no"})
            assert answer.status_code == status
    assert waits == [0.25, 0.5, 1, 2]
    assert product.house.patience.failed(f"account:{ME}") == 4, "the API's own sign-in counts with them"
    async with client(product, "198.51.100.99") as owner:
        assert (await owner.post(path, json={who: ME, "password": PASSWORD})).status_code == 200
    assert product.house.patience.failed(f"account:{ME}") == 0.25


@pytest.mark.parametrize("path", [path for path, who, _ in DOORS if "plant" not in path])
@pytest.mark.parametrize("secure", [True, False])
async def test_the_cookie_is_kept_as_that_of_verger_s_own_pages(product: Product, path: str, *, secure: bool) -> None:
    base = HERE.replace("http:", "https:") if secure else HERE
    async with visitor(product.app, "198.51.100.9", base) as browser:
        family = await browser.post(path, json={"username": ME, "email": ME, "password": PASSWORD})
        own = await browser.post("/api/v1/auth/login", json={"email": ME, "password": PASSWORD})
    told = [dict(next(iter(SimpleCookie(each.headers["set-cookie"]).values()))) for each in (family, own)]
    assert told[0] == told[1]
    assert bool(told[0]["secure"]) is secure
    assert int(told[0]["max-age"]) > 86_400
