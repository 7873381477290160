"""How much one question of analytics may ask: more is refused, counted, and set by whoever runs Verger."""

from pathlib import Path

from tests.edges.api.product import Product, opened_product
from tests.edges.api.test_analytics import AUTUMN, COUNTS, MEASURES, happen, measure, product
from verger.base.clock import HeldClock

__all__ = ["product"]


async def test_too_much_for_one_answer_is_refused(product: Product) -> None:
    await measure(product, "t", (("2026-10-24T10:00:00Z", 20),))
    await happen(product)
    bounds = product.house.grounds.counting.bounds
    bounds.hours, bounds.sums = 100, 3
    for path in (COUNTS, MEASURES):
        answer = await product.owner.get(path, params=AUTUMN | {"metric": "t"})
        assert (answer.status_code, "ask for fewer days" in answer.json()["detail"]) == (422, True)
    assert (await product.owner.get(MEASURES, params=AUTUMN)).status_code == 422
    bounds.days, bounds.kinds = 20, 2
    for path in (COUNTS, MEASURES):
        long = await product.owner.get(path, params=AUTUMN | {"metric": "t"})
        assert (long.status_code, "20 days at most" in long.json()["detail"]) == (422, True)
    short = {"from": "2026-10-24", "to": "2026-10-25"}
    many = await product.owner.get(COUNTS, params=short | {"kind": ["door", "button", "bell"]})
    assert (many.status_code, "2 kinds at most" in many.json()["detail"]) == (422, True)
    assert (await product.owner.get(COUNTS, params=short | {"kind": ["door", "button"]})).status_code == 200
    (figure,) = product.house.grounds.counting.figures()
    assert (figure.name, figure.value, figure.grows) == ("analytics_refused", 5, True)


async def test_how_much_one_question_may_ask_is_set(tmp_path: Path, clock: HeldClock) -> None:
    limits = {"VERGER_ANALYTICS_DAYS": "7", "VERGER_ANALYTICS_KINDS": "3"}
    async with opened_product(tmp_path / "data", clock, limits) as product:
        bounds = product.house.grounds.counting.bounds
        assert (bounds.days, bounds.sums, bounds.kinds, bounds.hours) == (7, 100_000, 3, 1_000_000)
        assert (await product.owner.get(COUNTS, params=AUTUMN)).status_code == 422
        usual = await product.owner.get(COUNTS)  # of a month, unless told otherwise: no more than may be
        assert usual.status_code == 200
