"""Codes of CottagePilot's sensors that nobody adopted: anew for whoever lost it, gone with what they knocked at."""

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, posted, stranger, waiting
from tests.edges.wire.families.test_cottage import TEMP, boot, latest, provisioned, reading, readings, told
from verger.base.clock import MINUTE, HeldClock
from verger.edges.wire.mqtt.packets import PubAck, Publish


async def test_a_sensor_that_lost_its_code_before_it_was_adopted_gets_a_new_one(
    product: Product, clock: HeldClock
) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    await told(product, key, code, 20, 40)
    fresh = await provisioned(product, key)
    assert fresh != code, "a code that was shown once is told to nobody again"
    async with stranger(product, key, level=5) as old:
        await boot(old)
        answer = await old.ask(Publish("sensors/data", reading(TEMP, 99, code), 1, 1))
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x99
    await told(product, key, fresh, 22, 44)
    (pending,) = await waiting(product)
    device = (await posted(product, f"/pending-devices/{pending['id']}/adopt"))["device"]["id"]
    assert await readings(product, device, "temperature") == [20, 21.5, 21.5, 22]
    clock.at += MINUTE
    await told(product, key, fresh, 23, 46)
    assert await latest(product, device) == {"temperature": 23, "humidity": 46}


@pytest.mark.parametrize("what", ["enrolments", "places"])
async def test_the_code_of_a_sensor_goes_with_the_enrolment_it_knocked_at(product: Product, what: str) -> None:
    place = (await posted(product, "/places", name="Shed"))["id"]
    made = await posted(product, "/enrolments", dialect="cottage", place=place)
    code = await provisioned(product, made["key"])
    await told(product, made["key"], code, 20, 40)
    assert len(await waiting(product)) == 1
    gone = made["id"] if what == "enrolments" else place
    assert (await product.owner.delete(f"/{what}/{gone}")).status_code == 204
    assert await waiting(product) == []
    kept = product.house.stores.enrolled
    pairings = type(kept.pairings)(product.house.stores.db, product.house.stores.secret)
    await pairings.fill()
    assert (kept.pairings.holder("cottage", code), pairings.holder("cottage", code)) == (None, None)
    key = (await enrolled(product, "cottage"))["key"]
    assert await provisioned(product, key) != code
    assert len(await waiting(product)) == 1
