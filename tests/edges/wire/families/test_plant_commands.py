"""What a plant-care Pi is told to do: it asks, does it, and tells what became of it."""

from typing import Any

import httpx
import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, posted
from tests.edges.wire.families.test_plant import AT, added, signed_in


async def asked(product: Product, device: str, method: str, **params: Any) -> Any:
    return await posted(product, f"/devices/{device}/commands", method=method, params=params or None)


async def polled(pi: httpx.AsyncClient) -> list[Any]:
    answer = await pi.get(f"{AT}/commands")
    assert answer.status_code == 200, answer.text
    told: list[Any] = answer.json()
    return told


async def acked(pi: httpx.AsyncClient, command: str, status: str = "acked", **feedback: Any) -> httpx.Response:
    """Tell what became of a command as the client does."""
    body = {"command_id": command, "status": status, "feedback": feedback or None}
    return await pi.post(f"{AT}/commands/ack", json=body)


async def now(product: Product, command: Any) -> Any:
    await product.house.oversight.followers.caught_up()
    return await product.get(f"/commands/{command['id']}")


async def reported(product: Product, device: str) -> Any:
    await product.house.oversight.followers.caught_up()
    return (await product.get(f"/devices/{device}"))["attributes"]["reported"]


async def test_a_command_is_fetched_once_done_and_told(product: Product) -> None:
    made = await added(product)
    device, ids = made["device"]["id"], made["credentials"]["actuator_ids"]
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        assert (await pi.get(f"{AT}/commands")).content == b"[]"
        command = await asked(product, device, "pulse", duration_s=20)
        (told,) = await polled(pi)
        when = told.pop("created_at")
        assert when.endswith("+00:00")
        wanted = {"command": "pulse", "payload": {"duration": 20}, "actuator_id": ids["pump"]}
        assert told == {"id": command["id"], **wanted}
        assert (await now(product, command))["stage"] == "acknowledged"
        assert await polled(pi) == []
        feedback = {"actuator": "pump", "state": "pulse", "observed_at": "2027-01-15T08:00:00+00:00"}
        answer = await acked(pi, command["id"], **feedback)
        assert answer.status_code == 200
        assert answer.json()["status"] == "acked"
        assert answer.json()["id"] == command["id"]
        assert answer.json()["message"].startswith('{"actuator":"pump"')
    after = await now(product, command)
    assert (after["stage"], after["result"]) == ("succeeded", feedback)
    assert await reported(product, device) == {"pump": "pulse"}


@pytest.mark.parametrize(
    ("method", "params", "verb", "actuator", "payload"),
    [
        ("lamp.on", {}, "on", "lamp", None),
        ("pump.pulse", {"duration": 5, "why": "dry"}, "pulse", "pump", {"duration": 5, "why": "dry"}),
        ("off", {}, "off", "pump", None),
        ("off", {"actuator": "lamp"}, "off", "lamp", None),
    ],
)
async def test_each_way_of_asking_reaches_what_it_means(
    product: Product, method: str, params: dict[str, Any], verb: str, actuator: str, payload: Any
) -> None:
    made = await added(product)
    device, ids = made["device"]["id"], made["credentials"]["actuator_ids"]
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        command = await asked(product, device, method, **params)
        (told,) = await polled(pi)
        assert (told["command"], told["actuator_id"], told["payload"]) == (verb, ids[actuator], payload)
        assert (await acked(pi, command["id"])).json()["message"] is None
    assert await reported(product, device) == {actuator: verb}


async def test_what_failed_has_failed_and_tells_why(product: Product) -> None:
    made = await added(product)
    device = made["device"]["id"]
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        stuck, silent = await asked(product, device, "pump.on"), await asked(product, device, "lamp.on")
        assert len(await polled(pi)) == 2
        assert (await acked(pi, stuck["id"], "failed", error="the valve is stuck")).status_code == 200
        assert (await acked(pi, silent["id"], "sent")).status_code == 200
        assert (await now(product, silent))["stage"] == "acknowledged"
        assert (await acked(pi, silent["id"], "failed")).status_code == 200
        after = [await now(product, each) for each in (stuck, silent)]
    assert [each["stage"] for each in after] == ["failed", "failed"]
    assert after[0]["error"] == "the valve is stuck"
    assert "failed" in after[1]["error"]
    assert await reported(product, device) == {}


async def test_what_a_planter_cannot_be_told_fails_at_once(product: Product) -> None:
    made = await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        dance = await asked(product, made["device"]["id"], "dance")
        lights = await asked(product, made["device"]["id"], "lamp.pulse")
        assert [each["command"] for each in await polled(pi)] == ["pulse"]
        assert (await now(product, lights))["stage"] == "acknowledged"
    after = await now(product, dance)
    assert after["stage"] == "failed"
    assert "pump.pulse" in after["error"]


async def test_a_planter_hears_and_answers_its_own_commands_only(product: Product) -> None:
    made, other = await added(product), await added(product)
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        command = await asked(product, other["device"]["id"], "pump.on")
        assert await polled(pi) == []
        for strange in (command["id"], "22222222-2222-2222-2222-222222222222", "?"):
            answer = await acked(pi, strange)
            assert (answer.status_code, answer.content) == (404, b'{"detail":"Command not found"}')
        assert (await acked(pi, command["id"], "danced")).status_code == 422
        assert (await pi.post(f"{AT}/commands/ack", json={})).status_code == 422
    assert (await now(product, command))["stage"] == "queued"


async def test_commands_wait_while_a_planter_is_away_and_end_in_time(product: Product, clock: Any) -> None:
    made = await added(product)
    command = await posted(product, f"/devices/{made['device']['id']}/commands", method="pump.on", ttl_s=30)
    clock.at += 31_000_000
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        assert await polled(pi) == []
    assert command["stage"] == "queued"
