"""What counters of treatment machines know: rules hear of it, and service falls due by it."""

from typing import Any

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, posted, stranger
from tests.edges.wire.families.test_ozone import MAC, adopted, boot, events, pressed, say, status
from verger.base.clock import MINUTE, HeldClock


async def judged(product: Product, path: str) -> list[Any]:
    """Return what there is once rules have judged what was booked."""
    await product.house.oversight.followers.caught_up()
    await product.house.automation.tick()
    items: list[Any] = (await product.get(path))["items"]
    return items


async def test_rules_hear_of_a_gap_and_not_that_it_was_filled(product: Product, clock: HeldClock) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    rule = {"name": "Lost", "place": product.place["id"], "when": {"event": "gap"}}
    async with stranger(product, key) as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(15))
        device = await adopted(product)
        await posted(product, "/rules", **rule, then=[{"alert": {"severity": "warning", "message": "Not told"}}])
        clock.at += MINUTE
        await say(machine, f"telemetry/status/{MAC}", status(17, at="2027-01-15 10:01:00"))
        (alert,) = await judged(product, "/alerts")
        assert (alert["message"], alert["device"], alert["count"]) == ("Not told", device, 1)
        await say(machine, f"telemetry/events/{MAC}", pressed("BASIC", "2027-01-15 10:00:30"))
        told = [each["data"] for each in await events(product, device, "gap")]
        assert sorted(each["count"] for each in told) == [-1, 2]
        (alert,) = await judged(product, "/alerts")
        assert alert["count"] == 1


async def test_service_falls_due_by_the_number_of_treatments_and_by_the_date(
    product: Product, clock: HeldClock
) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    place = product.place["id"]
    async with stranger(product, key) as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(98))
        device = await adopted(product)
        many = {"metric": "count_basic", "device": device, "is": "above", "value": 99}
        await posted(
            product, "/rules", name="By count", place=place, when=many, then=[{"task": {"title": "Service it"}}]
        )
        date = {"schedule": "0 11 16 1,4,7,10 *"}
        then = [{"task": {"title": "Look after the machines"}}]
        await posted(product, "/rules", name="By date", place=place, when=date, then=then)
        clock.at += MINUTE
        await say(machine, f"telemetry/status/{MAC}", status(100, at="2027-01-15 10:01:00"))
        assert [each["title"] for each in await judged(product, "/tasks")] == ["Service it"]
        clock.at += 25 * 60 * MINUTE
        titles = [each["title"] for each in await judged(product, "/tasks")]
        assert sorted(titles) == ["Look after the machines", "Service it"]
