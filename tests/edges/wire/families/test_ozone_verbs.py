"""Commands of the successor: each of its eight reaches it with what belongs to it, firmware and clock too."""

from typing import Any

import httpx

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled
from tests.edges.wire.families.test_ozone import MAC, adopted, shaken, treated
from tests.edges.wire.families.test_ozone_people import got, person, sent
from verger.edges.wire.families.ozone_orders import TYPES

__all__ = ["person"]
FIRMWARE: dict[str, Any] = {"url": "https://example.org/ozone-1.1.0.bin", "version": "1.1.0"}


async def test_each_of_the_eight_reaches_the_machine_and_is_told_as_done(
    product: Product, person: httpx.AsyncClient
) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as machine:
        await shaken(machine, at)
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 1))).status_code == 200
        await adopted(product)
        for kind in TYPES:
            payload = FIRMWARE if kind == "UPDATE_FIRMWARE" else {}
            await sent(person, f"/api/device/{MAC}/commands/create/", command_type=kind, payload=payload)
        told = (await machine.get(f"{at}/api/device/{MAC}/commands/")).json()["commands"]
        assert [each["command_type"] for each in told] == list(TYPES)
        assert next(each["payload"] for each in told if each["command_type"] == "UPDATE_FIRMWARE") == FIRMWARE
        for each in told:
            path = f"{at}/api/device/{MAC}/commands/{each['command_id']}/"
            answer = await machine.post(path, json={"success": True, "message": "done", "timestamp": 1})
            assert answer.json()["status"] == "updated"
    await product.house.oversight.followers.caught_up()
    shown = (await got(person, f"/api/device/{MAC}/commands/status/"))["commands"]
    assert {each["status"] for each in shown} == {"executed"}
    assert len(TYPES) == len(shown) == 8
