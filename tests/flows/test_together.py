"""Many devices asked at once, those that drift told again, and everything in a place turned off."""

import asyncio
from typing import Any

import pytest

from tests.edges.api.product import Product, opened_product
from tests.flows.conftest import House
from verger.base.clock import HeldClock, moment
from verger.domain.commands.model import Command, Stage
from verger.domain.devices.model import DeviceType
from verger.domain.telemetry.model import Ack, Attributes, Heard, Told, empty
from verger.flows.commanding import Wish
from verger.flows.desiring import Desiring
from verger.flows.repairing import Repairing

PLUG = {
    "key": "plug",
    "name": "Plug",
    "capabilities": [
        {"method": "relay", "params": {"on": {"type": "boolean"}}, "off": {"on": False}},
        {"method": "ring", "params": {"times": {"low": 1, "high": 3, "default": 1}}},
    ],
}


async def made(product: Product, name: str, kind: str | None) -> str:
    body = {"name": name, "place": product.place["id"], "type": kind}
    return str((await product.owner.post("/devices", json=body)).json()["device"]["id"])


def steps(product: Product) -> "asyncio.Queue[tuple[str, Command]]":
    """Return what tells of each step of a command, and whose it is."""
    told: asyncio.Queue[tuple[str, Command]] = asyncio.Queue()
    product.house.stores.commands.told.append(lambda tenant, command: told.put_nowait((tenant, command)))
    return told


async def test_a_place_is_turned_off_as_one_action_once_it_is_confirmed(tmp_path: Any, clock: HeldClock) -> None:
    async with opened_product(tmp_path, clock) as product:
        assert (await product.owner.post("/device-types", json=PLUG)).status_code == 201
        plugs = [await made(product, f"Plug {number}", "plug") for number in range(2)]
        off = f"/places/{product.place['id']}/off"
        plan = await product.get(off)
        assert [(order["device"], order["params"]) for order in plan["orders"]] == [
            (each, {"on": False}) for each in plugs
        ]
        assert [left["device"] for left in plan["left_out"]] == [product.device["id"]]
        refused = await product.owner.post(off, json={})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "confirm")

        told = steps(product)
        begun = (await product.owner.post(off, json={"confirm": True, "ttl_s": 5})).json()
        (tenant, first), _ = await told.get(), await told.get()
        await product.house.inlet.put(Heard(first.device, (Ack(first.number, "answer", answered=True, result="ok"),)))
        await told.get()
        clock.advance(6)
        product.house.grounds.outbound.go_on()
        await product.house.grounds.errands.outcome(tenant, begun["id"])
        ended = await product.get(f"/jobs/{begun['id']}")
        assert (ended["state"], ended["done"], ended["total"]) == ("done", 2, 2)
        assert ended["result"]["stages"] == {"succeeded": 1, "expired": 1}
        assert [each["stage"] for each in ended["result"]["unanswered"]] == ["expired"]
        found = await product.get(f"/commands?batch={ended['result']['batch']}")
        assert len(found["items"]) == 2


async def test_all_of_a_device_is_turned_off_and_one_order_replaces_no_other(tmp_path: Any, clock: HeldClock) -> None:
    channels = {"channel": {"type": "string", "one_of": ["a", "b"]}}
    panel = {"key": "panel", "name": "Panel", "capabilities": [{"method": "off", "params": channels}]}
    async with opened_product(tmp_path, clock) as product:
        assert (await product.owner.post("/device-types", json=panel)).status_code == 201
        device, told = await made(product, "Panel", "panel"), steps(product)
        begun = (await product.owner.post(f"/places/{product.place['id']}/off", json={"confirm": True})).json()
        for _ in range(2):
            await told.get()
        asked = (await product.get(f"/devices/{device}/commands"))["items"]
        assert sorted((each["params"]["channel"], each["stage"]) for each in asked) == [
            ("a", "queued"),
            ("b", "queued"),
        ]
        await product.owner.post(f"/jobs/{begun['id']}/cancel")


async def test_what_has_gone_since_it_was_planned_is_left_out_and_stops_no_other(
    tmp_path: Any, clock: HeldClock
) -> None:
    async with opened_product(tmp_path, clock) as product:
        await product.owner.post("/device-types", json=PLUG)
        goes, stays = [await made(product, f"Plug {number}", "plug") for number in range(2)]
        together, told, wish = product.house.grounds.together, steps(product), Wish(method="ring")
        tenant = (await product.get("/me"))["tenant"]["id"]
        plan = await together.selected(tenant, [goes, stays], wish)
        assert (await product.owner.delete(f"/devices/{goes}")).status_code in {200, 204}
        begun = await together.begin(tenant, plan, wish, "user:ann")
        _, command = await told.get()
        await product.house.inlet.put(Heard(stays, (Ack(command.number, "answer", answered=True),)))
        await product.house.grounds.errands.outcome(tenant, begun.id)
        result = (await product.get(f"/jobs/{begun.id}"))["result"]
        assert result["stages"] == {"succeeded": 1}
        assert result["left_out"] == [{"device": goes, "why": "It has gone since."}]


async def test_a_place_is_asked_as_far_as_it_can_and_called_off(tmp_path: Any, clock: HeldClock) -> None:
    async with opened_product(tmp_path, clock) as product:
        await product.owner.post("/device-types", json=PLUG)
        plug = await made(product, "Plug", "plug")
        everything = {"method": "ring", "place": product.place["id"], "params": {"times": 2}}
        bad = await product.owner.post("/commands", json=everything | {"params": {"times": 4}})
        assert (bad.status_code, bad.json()["detail"]) == (422, "times is a number from 1 to 3.")
        stranger = await product.owner.post("/commands", json={"method": "ring", "devices": ["nobody"]})
        assert stranger.json()["errors"][0]["field"] == "devices[0]"
        assert (await product.owner.post("/commands", json={"method": "ring"})).status_code == 422

        told = steps(product)
        begun = (await product.owner.post("/commands", json=everything)).json()
        await told.get()
        assert (await product.owner.post(f"/jobs/{begun['id']}/cancel")).json()["state"] == "cancelled"
        command = (await product.get(f"/devices/{plug}/commands"))["items"][0]
        assert (command["stage"], command["params"]) == (Stage.cancelled, {"times": 2})


@pytest.mark.parametrize(("repairs", "told"), [(["mode"], 1), ([], 0)])
async def test_what_drifts_is_desired_again_if_the_type_says_so(house: House, repairs: list[str], told: int) -> None:
    made_at = moment(house.clock.now())
    await house.kept.types.add(house.tenant, DeviceType(key="fan", name="Fan", repairs=repairs, created_at=made_at))
    device = (await house.add(type="fan")).id
    await Desiring(house.kept, house.wire, house.screens, house.clock, 9).desire(
        house.tenant, device, {"mode": "low", "light": 1}
    )
    house.wire.desired.clear()
    repairing = Repairing(house.kept, house.wire, house.clock)

    async def report(values: dict[str, Any]) -> None:
        record = empty(house.clock.now())
        said = (Told(house.tenant, device, Attributes(values, house.clock.now())),)
        await repairing.take(type(record)(record.received_at, record.series, record.at, record.value, said))

    await report({"mode": "low", "light": 2})
    assert house.wire.desired == []
    await report({"mode": "high"})
    await report({"mode": "high"})  # a moment later it has not given in: it is not told over and over
    assert house.wire.desired == [(device, {"mode": "low"}, ())] * told
    house.clock.advance(61)
    await report({"mode": "high"})
    assert len(house.wire.desired) == 2 * told
