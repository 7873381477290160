"""Treatment machines that speak for others: refused, counted, on their log page, and shown to the manager."""

import json

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.families.test_ozone import (
    EVENT,
    FORM,
    MAC,
    NOW,
    adopted,
    boot,
    events,
    say,
    shaken,
    status,
    treated,
)
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from verger.base.clock import MINUTE, HeldClock
from verger.edges.wire.dialects.ozone import FAMILY
from verger.edges.wire.mqtt.packets import PubAck, Publish, SubAck

OTHER = "11:22:33:44:55:66"
LIAR = "A device that speaks ozone and was not adopted"


async def refused(device: Device, topic: str, body: bytes) -> str:
    """Say something and return why it was refused."""
    answer = await device.ask(Publish(topic, body, 1, 9))
    assert isinstance(answer, PubAck)
    assert answer.reason == 0x99
    return answer.properties.reason_string or ""


async def shown(product: Product, device: str | None) -> list[str]:
    """Return what the alerts about lies of a device say, as its managers see them."""
    await product.house.families.desk.meetings.lies.write()  # type: ignore[attr-defined]
    items = (await product.get("/alerts"))["items"]
    return [each["message"] for each in items if each["rule"].startswith("lie") and each["device"] == device]


async def log_page(product: Product, device: str) -> list[tuple[str, int]]:
    await product.house.oversight.kept.remarks.write()
    async with product.house.stores.db.writing():
        """Let what was being written just now be on disk."""
    items = (await product.get(f"/devices/{device}/log"))["items"]
    return [(each["message"], each["count"]) for each in items if each["kind"] == "refused"]


def counted(product: Product) -> float:
    told = [each for each in product.house.oversight.figures() if each.name == "families_lied"]
    assert all(each.labels == {"dialect": "ozone"} for each in told)
    return sum(each.value for each in told)


async def test_a_topic_of_one_machine_and_the_id_of_another_is_refused_and_shown(
    product: Product, clock: HeldClock
) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key, level=5) as machine:
        await boot(machine)
        lie = (EVENT % (OTHER, NOW, "BASIC")).encode()
        why = "A message at its topic gave itself the device_id of another device."
        assert await refused(machine, f"telemetry/events/{MAC}", lie) == why
        assert await waiting(product) == []
        assert await shown(product, None) == [f"{LIAR}: {why}"]
        await say(machine, f"telemetry/status/{MAC}", status(1))
        device = await adopted(product)
        for _ in range(3):
            assert await refused(machine, f"telemetry/events/{MAC}", lie) == why
        assert await events(product, device) == []
        assert counted(product) == 4
        assert await log_page(product, device) == [(f"address: {why}", 3)]
        assert await shown(product, device) == [f"Machine 1: {why}"]
        clock.at += 2 * MINUTE
        assert await refused(machine, f"telemetry/status/{MAC}", lie) == why
        assert await shown(product, device) == [f"Machine 1: {why}"]


async def test_a_connection_of_one_machine_does_not_speak_for_another(product: Product) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key, f"OzonTelemetry_{MAC}", level=5) as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(1))
        device = await adopted(product)
        other = status(1).replace(MAC.encode(), OTHER.encode())
        assert "names another device" in await refused(machine, f"telemetry/status/{OTHER}", other)
        await say(machine, "telemetry/status/3c8a1fa43ec4", status(2))
        assert await waiting(product) == []
        assert counted(product) == 1
        assert await log_page(product, device) == []


@pytest.mark.parametrize("known", [True, False])
async def test_a_connection_of_one_machine_does_not_hear_what_another_is_told(product: Product, *, known: bool) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key, level=5) as machine:
        device = None
        if known:
            await boot(machine)
            await say(machine, f"telemetry/status/{MAC}", status(1))
            device = await adopted(product)
    async with stranger(product, key, f"OzonTelemetry_{OTHER}", level=5) as thief:
        assert (await thief.begin()).reason == 0
        answer = await thief.ask(subscribe(f"telemetry/commands/{MAC}", f"telemetry/commands/{OTHER.lower()}"))
        assert isinstance(answer, SubAck)
        assert tuple(answer.reasons) == (0x87, 1)
        assert counted(product) == 1
        why = "What it is told was listened for on a connection that names another device."
        assert await shown(product, device) == [f"{'Machine 1' if known else LIAR}: {why}"]
    if device is None:
        return
    assert await log_page(product, device) == [(why, 1)]
    async with stranger(product, key, f"OzonTelemetry_{MAC}") as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(1))
        await posted(product, f"/devices/{device}/commands", method="UNLOCK", params={})
        assert json.loads((await next_message(machine)).body)["command"] == "UNLOCK"


async def test_the_token_of_one_machine_does_not_speak_for_another(product: Product) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as one, client(product) as other:
        await shaken(one, at)
        await one.post(f"{at}/api/events/", json=treated("BASIC", 1))
        device = await adopted(product)
        await shaken(other, at, OTHER)
        answer = await one.post(f"{at}/api/events/", json=treated("BASIC", 2, device_id=OTHER))
        assert (answer.status_code, answer.content) == (401, b'{"detail":"Unauthorized"}')
        assert (await one.get(f"/compat/ozone/api/device/{OTHER}/commands/")).status_code == 401
        assert counted(product) == 2
        why = "It spoke under the address of another device, which its credential does not allow."
        assert await log_page(product, device) == [(why, 2)]
        assert await shown(product, device) == [f"Machine 1: {why}"]
        one.headers["Authorization"] = "Bearer made-up"
        assert (await one.get(f"{at}/api/device/{MAC}/commands/")).status_code == 401
        assert counted(product) == 2


@pytest.mark.parametrize(
    ("client_id", "mac"),
    [
        ("OzonTelemetry_3C:8A:1F:A4:3E:C4", MAC),
        ("OzonTelemetry_3c8a1fa43ec4", "3c8a1fa43ec4"),
        ("OzonTelemetry_", ""),
        ("OzonTelemetry_M1", ""),
        ("mqttx_1", ""),
    ],
)
def test_the_client_id_of_the_firmware_names_its_machine(client_id: str, mac: str) -> None:
    assert FAMILY.named(client_id) == mac


async def test_the_code_of_a_machine_is_proven_by_the_first_word_that_brings_it(product: Product) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as machine:
        await shaken(machine, at)
        device = await adopted(product)
        assert (await product.get(f"/devices/{device}/code"))["proven"] is False
        assert (await machine.get(f"/compat/ozone/api/device/{MAC}/commands/")).status_code == 200
        assert (await product.get(f"/devices/{device}/code"))["proven"] is True


@pytest.mark.parametrize("adopts", [True, False])
async def test_a_machine_that_has_shown_its_token_speaks_with_it_alone(product: Product, *, adopts: bool) -> None:
    made = await enrolled(product, "ozone")
    at = made["url"]
    async with client(product) as machine, client(product) as forger:
        await shaken(machine, at)
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 1))).status_code == 200
        device = await adopted(product) if adopts else ""
        form = f"mode=PREMIUM&macaddr={MAC}&count1=1&count2=0&count3=1&timestamp=RTC_UNAVAILABLE"
        answer = await forger.post(f"{at}/api/iot/", content=form, headers=FORM)
        assert answer.status_code == 401
        async with stranger(product, made["key"], level=5) as evil:
            await boot(evil)
            why = await refused(evil, f"telemetry/events/{MAC}", (EVENT % (MAC, NOW, "PREMIUM")).encode())
            assert why.startswith("It came without the code or token that it has shown before")
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 2))).status_code == 200
        device = device or await adopted(product)
        assert [each["kind"] for each in await events(product, device)] == ["treatment.basic"] * 2


async def test_a_token_that_was_shown_is_told_again_only_to_who_brings_it_or_in_its_window(product: Product) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    shake = {"mac": MAC, "firmware": "1.0.0-sim"}
    async with client(product) as machine, client(product) as other:
        first = await shaken(machine, at)
        assert await shaken(other, at) == first, "until it was shown it is told again: the answer may have been lost"
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 1))).status_code == 200
        device = await adopted(product)
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer made-up"}):
            assert (await other.post(f"{at}/api/handshake/", json=shake, headers=headers)).status_code == 401
        assert (await product.get(f"/devices/{device}/code"))["asked_at"] is not None
        assert await shaken(machine, at) == first | {"assigned": True}
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 2))).status_code == 200
        await product.owner.post(f"/devices/{device}/code")
        machine.headers.pop("Authorization")
        assert (await shaken(machine, at))["token"] not in {"", first["token"]}
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 3))).status_code == 200
        old = {"Authorization": f"Bearer {first['token']}"}
        assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 4), headers=old)).status_code == 401
