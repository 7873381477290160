"""Treatment machines, unchanged: what each generation of their firmware sends, to the byte, over real sockets."""

from typing import Any

import httpx

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from tests.people import PASSWORD
from verger.base.clock import HOUR, MINUTE, HeldClock
from verger.domain.tenancy.model import Role
from verger.edges.wire.mqtt.packets import PubAck, Publish, SubAck

MAC = "3C:8A:1F:A4:3E:C4"
STATUS = (
    '{"device_id":"%s","timestamp":"%s","type":"status","data":{"basic_count":%d,"standard_count":%d,'
    '"premium_count":%d,"wifi_connected":true,"rtc_available":%s}}'
)
EVENT = '{"device_id":"%s","timestamp":"%s","type":"event","data":{"event_type":"%s","count":1}}'
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NOW = "2027-01-15 10:00:00"  # 8:00 in UTC, the time of the held clock


def status(basic: int, standard: int = 8, premium: int = 3, at: str = NOW) -> bytes:
    """Return what the firmware sends every minute; without a clock it says so."""
    body = STATUS % (MAC, at, basic, standard, premium, "false" if at == "RTC_UNAVAILABLE" else "true")
    assert len(body) < 256 - len(MAC) - len("telemetry/status/") - 7
    return body.encode()


def pressed(kind: str, at: str = NOW) -> bytes:
    """Return what the firmware sends when a button is pressed."""
    return (EVENT % (MAC, at, kind)).encode()


async def boot(device: Device) -> None:
    """Connect, listen to commands and tell the status at once, as the firmware does."""
    assert (await device.begin()).reason == 0
    assert isinstance(await device.ask(subscribe(f"telemetry/commands/{MAC}")), SubAck)


async def say(device: Device, topic: str, body: bytes) -> None:
    """Send a message; it is on disk on return, which a machine does not wait for."""
    await device.say(Publish(topic, body, 1, 7))
    assert isinstance(await device.hear(), PubAck)


async def adopted(product: Product, name: str = "Machine 1") -> str:
    """Adopt the one that waits."""
    (pending,) = await waiting(product)
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name=name, place=product.place["id"])
    device: str = made["device"]["id"]
    return device


async def latest(product: Product, device: str) -> dict[str, float]:
    await product.house.oversight.followers.caught_up()
    return {metric: each["value"] for metric, each in (await product.get(f"/devices/{device}/latest")).items()}


async def events(product: Product, device: str, kind: str = "treatment") -> list[Any]:
    await product.house.oversight.followers.caught_up()
    items: list[Any] = (await product.get(f"/devices/{device}/events?kind={kind}&sort=at"))["items"]
    return items


async def test_a_machine_waits_is_adopted_and_counts_its_treatments(product: Product, clock: HeldClock) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key, f"OzonTelemetry_{MAC}") as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(15))
        await say(machine, f"telemetry/events/{MAC}", pressed("BASIC"))
        (pending,) = await waiting(product)
        assert (pending["address"], pending["sample"]["count_basic"]) == (MAC, 15)
        device = await adopted(product)
        clock.at += MINUTE
        await say(machine, f"telemetry/events/{MAC}", pressed("PREMIUM", "2027-01-15 10:00:30"))
        await say(machine, f"telemetry/status/{MAC}", status(16, premium=4, at="2027-01-15 10:01:00"))
        told = await events(product, device)
        assert [each["kind"] for each in told] == ["treatment.basic", "treatment.premium"]
        assert told[1]["at"] == "2027-01-15T08:00:30Z"
        assert await latest(product, device) == {"count_basic": 16, "count_standard": 8, "count_premium": 4}
        reported = (await product.get(f"/devices/{device}"))["attributes"]["reported"]
        counters = {"basic": 16, "standard": 8, "premium": 4}
        assert reported == {"wifi_connected": True, "rtc_available": True, "current_counters": counters}
        assert await events(product, device, "gap") == []


async def test_a_machine_without_a_clock_loses_nothing(product: Product, clock: HeldClock) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key) as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(1, at="RTC_UNAVAILABLE"))
        device = await adopted(product)
        for _ in range(2):
            clock.at += MINUTE
            await say(machine, f"telemetry/events/{MAC}", pressed("BASIC", "RTC_UNAVAILABLE"))
        told = await events(product, device, "treatment.basic")
        assert [each["at"][:19] for each in told] == ["2027-01-15T08:01:00", "2027-01-15T08:02:00"]


async def test_a_command_reaches_a_machine_that_never_answers(product: Product) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key) as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(1))
        device = await adopted(product)
        await say(machine, f"telemetry/status/{MAC}", status(1))
        command = await posted(product, f"/devices/{device}/commands", method="hello", params={"a": 1}, one_way=True)
        order = await next_message(machine)
        assert order.topic == f"telemetry/commands/{MAC}"
        assert order.body == b'{"id":%d,"command":"hello","params":{"a":1}}' % command["number"]


async def test_the_words_of_its_readme_are_heard_and_a_test_of_the_way_comes_back(product: Product) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    flat = b'{"device_id":"M1","timestamp":"2027-01-15T07:59:00Z","count_basic":5,"count_standard":2,"count_premium":0'
    async with stranger(product, key) as machine:
        await machine.begin()
        await say(machine, "ozon/device/M1/heartbeat", flat + b"}")
        await say(machine, "ozon/device/M1/event", flat + b',"event_type":"STANDARD"}')
        device = await adopted(product)
        (told,) = await events(product, device)
        assert (told["kind"], told["at"]) == ("treatment.standard", "2027-01-15T07:59:00Z")
        assert (await latest(product, device))["count_basic"] == 5
        await machine.say(Publish("test/ozon_telemetry", b'{"any":1}'))
        echo = await next_message(machine)
        assert (echo.topic, echo.body) == ("test/ozon_telemetry", b'{"any":1}')


async def test_a_machine_speaks_for_itself_and_listens_to_its_own_commands(product: Product) -> None:
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key, level=5) as machine:
        await machine.begin()
        for filter_ in ("telemetry/commands/+", "telemetry/commands/#", "telemetry/status/1"):
            granted = await machine.ask(subscribe(filter_))
            assert isinstance(granted, SubAck)
            assert granted.reasons == (0x87,)
        for topic, body in (
            ("telemetry/status/112233445566", status(1)),
            (f"telemetry/status/{MAC}", b"[1]"),
            (f"telemetry/status/{MAC}", b"{"),
        ):
            answer = await machine.ask(Publish(topic, body, 1, 9))
            assert isinstance(answer, PubAck)
            assert answer.reason == 0x99
        await say(machine, "telemetry/status/3c8a1fa43ec4", status(1))
    assert len(await waiting(product)) == 1


# the first generation over HTTP


async def test_forms_are_heard_at_both_addresses_in_all_three_ways(product: Product, clock: HeldClock) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    form = f"mode=BASIC&macaddr={MAC}&type1=0&type2=0&type3=0&count1=4&count2=0&count3=9&timestamp=2027-01-15 09:59:58"
    async with client(product) as machine:
        answer = await machine.post(f"{at}/api/iot/", content=form.replace(" ", "+"), headers=FORM)
        assert (answer.status_code, list(answer.json())) == (200, ["status", "id"])
        assert answer.content.startswith(b'{"status":"ok","id":')
        status = {"mode": "status", "macaddr": MAC, "count1": "5", "rtc_available": "false", "sd_available": "true"}
        assert (await machine.post(f"{at}/iot/", json=status)).status_code == 200
        files = {name: (None, value) for name, value in (status | {"count1": "6", "mode": "odd"}).items()}
        assert (await machine.post(f"{at}/api/iot/", files=files)).status_code == 200
        assert (await machine.post(f"{at}/api/ingest/", data=status | {"count1": "6"})).content == b'{"status":"ok"}'
        assert (await machine.get(f"{at}/")).json()["service"] == "ozontelemetry"
        missing = await machine.post(f"{at}/api/iot/", content="mode=BASIC", headers=FORM)
        assert (missing.status_code, missing.content) == (400, b'{"detail":"macaddr required"}')
        assert (await machine.post("/compat/ozone/api/iot/", content=form, headers=FORM)).status_code == 401
        device = await adopted(product)
        clock.at += MINUTE
        for _ in range(2):
            await machine.post(f"{at}/api/iot/", content=form.replace("BASIC", "PREMIUM"), headers=FORM)
    told = await events(product, device)
    assert [(each["kind"], each["at"], each["data"]) for each in told] == [
        ("treatment.basic", "2027-01-15T07:59:58Z", {"counter": 4}),
        ("treatment.premium", "2027-01-15T07:59:58Z", {"counter": 9}),
    ]
    reported = (await product.get(f"/devices/{device}"))["attributes"]["reported"]
    flags = {"wifi_connected": True, "rtc_available": False, "sd_card_available": True}
    assert reported == flags | {"current_counters": {"basic": 6, "standard": 0, "premium": 9}}
    assert (await latest(product, device))["count_basic"] == 6


# the successor


async def shaken(machine: httpx.AsyncClient, at: str, mac: str = MAC) -> Any:
    """Shake hands, and send the token from now on."""
    answer = await machine.post(f"{at}/api/handshake/", json={"mac": mac, "firmware": "1.0.0-sim"})
    assert answer.status_code == 200, answer.text
    machine.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return answer.json()


def treated(kind: str, counter: int, **more: Any) -> dict[str, Any]:
    """Return what the successor tells of a treatment."""
    number = f"{MAC}-{kind[0]}{0:03}{120:08}{counter:06}"
    told = {"device_id": MAC, "firmware": "1.0.0-sim", "event_id": number, "event": "treatment", "treatment": kind}
    counters = {"basic": counter, "standard": 0, "premium": 0}
    return told | {"counter": counter, "ts": NOW, "current_counters": counters} | more


async def test_the_successor_shakes_hands_and_tells_each_treatment_once(product: Product, clock: HeldClock) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as machine:
        first = await shaken(machine, at)
        assert list(first) == ["device_id", "token", "assigned"]
        assert (first["device_id"], len(first["token"]), first["assigned"]) == (MAC, 32, False)
        answer = await machine.post(f"{at}/api/device/events/", json=treated("BASIC", 1))
        assert answer.content == b'{"ack":true,"event_id":"%s-B00000000120000001"}' % MAC.encode()
        assert await shaken(machine, at) == first
        device = await adopted(product)
        assert await shaken(machine, at) == first | {"assigned": True}
        clock.at += MINUTE
        for _ in range(2):
            again = treated("BASIC", 2, ts="2027-01-15T08:00:40Z")
            assert (await machine.post(f"{at}/api/events/", json=again)).json()["ack"]
            assert (await machine.post("/compat/ozone/api/events/", json=again)).json()["ack"]
        told = await events(product, device)
        assert [each["data"]["counter"] for each in told] == [1, 2]
        assert (await latest(product, device))["count_basic"] == 2
        for wrong in ({"event_id": ""}, {"event": "x"}, {"treatment": "GOLD"}, {"counter": "many"}):
            assert (await machine.post(f"{at}/api/events/", json=treated("BASIC", 3) | wrong)).status_code == 400
        assert (await machine.post(f"{at}/api/handshake/", json={})).json() == {"detail": "mac required"}
        machine.headers["Authorization"] = "Bearer made-up"
        answer = await machine.post(f"{at}/api/events/", json=treated("BASIC", 3))
        assert (answer.status_code, answer.content) == (401, b'{"detail":"Unauthorized"}')
        assert (await machine.get(f"{at}/api/device/{MAC}/commands/")).status_code == 401


async def test_the_successor_polls_the_most_urgent_first_and_tells_what_became_of_it(
    product: Product, clock: HeldClock
) -> None:
    at = (await enrolled(product, "ozone"))["url"]
    async with client(product) as machine:
        await shaken(machine, at)
        polling = f"{at}/api/device/{MAC}/commands/"
        assert (await machine.get(polling)).json()["count"] == 0
        await machine.post(f"{at}/api/events/", json=treated("BASIC", 1))
        device = await adopted(product)
        path = f"/devices/{device}/commands"
        slow = await posted(product, path, method="SYNC_TIME", ttl_s=86_400)
        params = {"priority": "critical", "description": "Counted by hand", "all": True}
        urgent = await posted(product, path, method="RESET_COUNTERS", params=params, ttl_s=86_400)
        clock.at += 23 * HOUR
        told = (await machine.get(polling)).json()
        assert list(told) == ["commands", "count", "device_id", "timestamp"]
        assert [each["command_type"] for each in told["commands"]] == ["RESET_COUNTERS", "SYNC_TIME"]
        first = told["commands"][0]
        assert (first["priority"], first["payload"], first["description"]) == (
            "critical",
            {"all": True},
            "Counted by hand",
        )
        assert (await machine.get(polling)).json()["commands"] == []
        done = {"success": True, "message": "reset", "timestamp": 5, "current_counters": {"basic": 0}}
        answer = await machine.post(f"{polling}{first['command_id']}/", json=done)
        expected = b'{"status":"updated","command_id":"%s","success":true}' % first["command_id"].encode()
        assert (answer.status_code, answer.content) == (200, expected)
        failed = {"success": False, "message": "no network", "timestamp": 6}
        await machine.post(f"{polling}{told['commands'][1]['command_id']}/", json=failed)
        assert (await machine.post(f"{polling}none/", json=done)).status_code == 404
        await product.house.oversight.followers.caught_up()
        assert (await product.get(f"/commands/{urgent['id']}"))["stage"] == "succeeded"
        kept = await product.get(f"/commands/{slow['id']}")
        assert (kept["stage"], kept["error"]) == ("failed", "no network")
        assert (await latest(product, device))["count_basic"] == 0


async def test_two_tenants_have_the_same_machine_and_nothing_crosses(product: Product) -> None:
    mine = (await enrolled(product, "ozone"))["url"]
    tenancy = product.house.stores.tenancy
    tenant = await tenancy.users.add_tenant("Far", "UTC")
    user = await tenancy.users.add(tenant.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    there = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant.id)}"}
    place = (await product.owner.post("/places", json={"name": "Far"}, headers=there)).json()
    body = {"dialect": "ozone", "place": place["id"]}
    theirs = (await product.owner.post("/enrolments", json=body, headers=there)).json()["url"]
    async with client(product) as one, client(product) as other:
        ours, far = await shaken(one, mine), await shaken(other, theirs)
        assert ours["token"] != far["token"]
        assert (await one.post(f"{mine}/api/events/", json=treated("BASIC", 1))).status_code == 200
        assert (await one.post(f"{theirs}/api/events/", json=treated("BASIC", 1))).status_code == 401
        device = await adopted(product)
        command = await posted(product, f"/devices/{device}/commands", method="GET_STATUS", ttl_s=86_400)
        assert (await other.get(f"{theirs}/api/device/{MAC}/commands/")).json()["commands"] == []
        answer = await other.post(f"{mine}/api/device/{MAC}/commands/{command['number']}/", json={"success": True})
        assert answer.status_code == 401
        assert len(await events(product, device)) == 1
