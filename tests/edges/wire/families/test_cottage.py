"""A sensor of CottagePilot, unchanged: what its firmware says and what it can read, over real sockets."""

import json

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock
from verger.domain.tenancy.model import Role
from verger.edges.wire.mqtt.packets import ConnAck, Disconnect, PubAck, Publish, SubAck
from verger.edges.wire.mqtt.reasons import Reason

TEMP, HUM = "ESP8266_12F_005_PROD_Temp", "ESP8266_12F_005_PROD_Hum"


def reading(sensor: str, value: float, code: str) -> bytes:
    """Return what the firmware sends: one sensor, two decimals, no blanks."""
    return b'{"sensors":[{"sensor_id":"%s","sensor_data":%.2f}],"code":"%s"}' % (sensor.encode(), value, code.encode())


async def boot(device: Device) -> None:
    """Connect and subscribe as the firmware does."""
    assert (await device.begin()).reason == 0
    for sensor in (TEMP, HUM):
        assert isinstance(await device.ask(subscribe(f"sensors/provision/{sensor}")), SubAck)


def code_in(message: Publish) -> str:
    """Return the code as the firmware finds it."""
    assert len(message.topic) + len(message.body) + 7 <= 256
    assert message.body.startswith(b'{"status": "provisioned", "code": "')
    code: str = json.loads(message.body)["code"]
    assert len(code) == 8
    assert int(code, 16) >= 0
    return code


async def provisioned(product: Product, key: str) -> str:
    """Boot for the first time; return the one code that both sensors were told."""
    async with stranger(product, key) as device:
        await boot(device)
        await device.say(Publish("sensors/data", reading(TEMP, 21.5, "nan")))
        first = await next_message(device)
        await device.say(Publish("sensors/data", reading(HUM, 40.1, "nan")))
        second = await next_message(device)
        assert (first.topic, second.topic) == (f"sensors/provision/{TEMP}", f"sensors/provision/{HUM}")
        assert not first.retain
        assert code_in(first) == code_in(second)
        await device.say(Disconnect())
        return code_in(first)


async def told(product: Product, key: str, code: str, temp: float, hum: float) -> None:
    """Wake up, say what is measured, and sleep; each is on disk once it is acknowledged."""
    async with stranger(product, key) as device:
        await boot(device)
        for packet_id, (sensor, value) in enumerate(((TEMP, temp), (HUM, hum)), 1):
            await device.say(Publish("sensors/data", reading(sensor, value, code), 1, packet_id))
            assert isinstance(await device.hear(), PubAck)
        await device.say(Disconnect())
    await product.house.oversight.followers.caught_up()


async def latest(product: Product, device: str) -> dict[str, float]:
    values = await product.get(f"/devices/{device}/latest")
    return {metric: each["value"] for metric, each in values.items()}


async def readings(product: Product, device: str, metric: str) -> list[float]:
    await product.house.oversight.followers.caught_up()
    page = await product.get(
        f"/devices/{device}/readings?metric={metric}&from=2026-01-01T00:00:00Z&to=2090-01-01T00:00:00Z"
    )
    return sorted(each["value"] for each in page["items"])


async def test_a_sensor_lives_its_whole_life_unchanged(product: Product, clock: HeldClock) -> None:
    enrolment = await enrolled(product, "cottage")
    code = await provisioned(product, enrolment["mqtt_username"])
    (pending,) = await waiting(product)
    assert pending["address"] == TEMP
    assert pending["sample"] == {"temperature": 21.5, "humidity": 40.1}
    clock.at += 10 * MINUTE
    await told(product, enrolment["mqtt_username"], code, 22.35, 41)
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Hall", place=product.place["id"])
    device = made["device"]["id"]
    assert made["device"]["channels"] == {TEMP: "temperature", HUM: "humidity"}
    assert await waiting(product) == []
    assert await readings(product, device, "temperature") == [21.5, 22.35]
    assert await readings(product, device, "humidity") == [40.1, 41]
    clock.at += 10 * MINUTE
    await told(product, enrolment["mqtt_username"], code, 4.25, 60.5)
    assert await latest(product, device) == {"temperature": 4.25, "humidity": 60.5}


async def test_a_code_is_told_again_until_it_is_proven_and_to_nobody_else(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    async with stranger(product, key) as eavesdropper:
        await boot(eavesdropper)
        code = await provisioned(product, key)
        assert await provisioned(product, key) == code
        await told(product, key, code, 20, 40)
        (pending,) = await waiting(product)
        device = (await posted(product, f"/pending-devices/{pending['id']}/adopt"))["device"]["id"]
        async with stranger(product, key) as asking:
            await boot(asking)
            await asking.say(Publish("sensors/data", reading(TEMP, 1, "nan"), 1, 1))
            assert isinstance(await asking.hear(), PubAck)
        assert isinstance(await eavesdropper.ask(subscribe(f"sensors/provision/{TEMP}")), SubAck)
    assert (await latest(product, device))["temperature"] == 20


async def test_an_adopted_sensor_gets_a_new_code_only_in_a_window(product: Product, clock: HeldClock) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    await told(product, key, code, 20, 40)
    (pending,) = await waiting(product)
    device = (await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Hall"))["device"]["id"]
    async with stranger(product, key, level=5) as asking:
        await boot(asking)
        answer = await asking.ask(Publish("sensors/data", reading(TEMP, 1, "nan"), 1, 1))
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x99
    await product.house.stores.kept.remarks.write()
    state = await product.get(f"/devices/{device}/code")
    assert state["asked_at"]
    assert "asks for a new code" in (await product.get(f"/devices/{device}/log"))["items"][0]["message"]
    await posted(product, f"/devices/{device}/code")
    fresh = await provisioned(product, key)
    assert fresh != code
    clock.at += MINUTE
    await told(product, key, fresh, 5, 50)
    assert await latest(product, device) == {"temperature": 5, "humidity": 50}
    async with stranger(product, key, level=5) as old:
        await boot(old)
        answer = await old.ask(Publish("sensors/data", reading(TEMP, 99, code), 1, 1))
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x99


async def test_a_window_closes_after_ten_minutes(product: Product, clock: HeldClock) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    await told(product, key, code, 20, 40)
    (pending,) = await waiting(product)
    device = (await posted(product, f"/pending-devices/{pending['id']}/adopt"))["device"]["id"]
    await posted(product, f"/devices/{device}/code")
    clock.at += 11 * MINUTE
    async with stranger(product, key, level=5) as late:
        await boot(late)
        answer = await late.ask(Publish("sensors/data", reading(TEMP, 1, "nan"), 1, 1))
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x99


async def test_without_an_enrolment_nobody_is_let_in(product: Product) -> None:
    async with stranger(product, None) as device:
        answer = await device.begin()
        assert isinstance(answer, ConnAck)
        assert answer.reason == 5
    async with stranger(product, "ve_made-up", level=5) as device:
        assert (await device.begin()).reason == 0x87


async def test_equal_client_ids_live_side_by_side(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    async with stranger(product, key, "same") as one, stranger(product, key, "same") as other:
        await boot(one)
        await boot(other)
        for device in (one, other):
            answer = await device.ask(Publish("sensors/data", reading(TEMP, 20, "0badcafe"), 1, 9))
            assert isinstance(answer, PubAck)


async def test_a_sensor_speaks_its_own_words_only(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    async with stranger(product, key, level=5) as device:
        await boot(device)
        answer = await device.ask(Publish("v1/devices/me/telemetry", b'{"a":1}', 1, 1))
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x90
        answer = await device.ask(Publish("sensors/data", b'{"sensors":[]}', 1, 2))
        assert isinstance(answer, PubAck)
        assert answer.reason == 0x99
        granted = await device.ask(subscribe("sensors/data"))
        assert isinstance(granted, SubAck)
        assert granted.reasons == (0x87,)


async def test_answers_come_in_the_order_of_the_messages(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    await told(product, key, code, 20, 40)
    (pending,) = await waiting(product)
    await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Hall")
    async with stranger(product, key, level=5) as device:
        await boot(device)
        first, last = reading(TEMP, 21, code), reading(HUM, 41, code)
        said = [("sensors/data", first), ("sensors/data", b"?"), ("elsewhere", b""), ("sensors/data", last)]
        await device.say(*(Publish(topic, body, 1, number) for number, (topic, body) in enumerate(said, 1)))
        answers = [await device.hear() for _ in said]
    assert [(each.packet_id, each.reason) for each in answers if isinstance(each, PubAck)] == [
        (1, 0),
        (2, Reason.PAYLOAD_FORMAT_INVALID),
        (3, Reason.TOPIC_NAME_INVALID),
        (4, 0),
    ]


async def test_two_tenants_have_the_same_sensor_and_nothing_crosses(product: Product) -> None:
    mine = (await enrolled(product, "cottage"))["key"]
    tenancy = product.house.stores.tenancy
    tenant = await tenancy.users.add_tenant("Far", "UTC")
    user = await tenancy.users.add(tenant.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
    there = {"Authorization": f"Bearer {await tenancy.sessions.open(user.id, tenant.id)}"}
    place = (await product.owner.post("/places", json={"name": "Far"}, headers=there)).json()
    body = {"dialect": "cottage", "place": place["id"]}
    theirs = (await product.owner.post("/enrolments", json=body, headers=there)).json()["key"]
    my_code, their_code = await provisioned(product, mine), await provisioned(product, theirs)
    assert my_code != their_code
    await told(product, mine, my_code, 1, 1)
    await told(product, theirs, their_code, 2, 2)
    (ours,) = await waiting(product)
    (other,) = (await product.owner.get("/pending-devices", headers=there)).json()["items"]
    assert (ours["sample"]["temperature"], other["sample"]["temperature"]) == (1, 2)
    assert (await product.owner.post(f"/pending-devices/{other['id']}/adopt", json={})).status_code == 404
    device = (await posted(product, f"/pending-devices/{ours['id']}/adopt", name="Hall"))["device"]["id"]
    await told(product, theirs, their_code, 3, 3)
    assert await readings(product, device, "temperature") == [1, 21.5]


async def test_the_older_sensors_speak_over_http(product: Product) -> None:
    enrolment = await enrolled(product, "cottage")
    both = (
        '{"sensors":[{"sensor_id":"A1_Temp","sensor_data":21.50},{"sensor_id":"A1_Hum","sensor_data":40.10}],"code":%s}'
    )
    async with client(product) as device:
        url = enrolment["url"] + "/sensors/create_sensor/"
        code = (await device.post(url, content=both % '"nan"')).json()["code"]
        answer = await device.post(enrolment["url"] + "/api/sensors/create_sensor/", content=both % '"nan"')
        assert answer.status_code == 200
        assert answer.content == b'{"status":"success","code":"%s"}' % code.encode()
        again = await device.post(url, content=both % json.dumps(code))
        assert again.json() == {"status": "success", "code": code}
        one = {"sensor_id": "A1_Temp", "code": code, "value": 4.5}
        added = await device.post(enrolment["url"] + "/sensors/anything/add_data/", json=one)
        assert (added.status_code, added.content) == (201, b'{"status":"Success","errors":"None"}')
        wrong = await device.post(enrolment["url"] + "/sensors/anything/add_data/", json=one | {"code": "ffffffff"})
        assert wrong.status_code == 401
        assert (await device.post(url, content=b"{}")).status_code == 400
        assert (await device.post("/compat/cottage/sensors/create_sensor/", content=b"{}")).status_code == 401
        assert (await device.get(enrolment["url"] + "/health/")).content == b"Server is running, 200"
    (pending,) = await waiting(product)
    assert pending["sample"] == {"humidity": 40.1, "temperature": 4.5}


async def test_a_network_is_a_door_of_its_own(product: Product) -> None:
    await enrolled(product, "cottage", networks=["127.0.0.0/8"])
    async with stranger(product, None) as device:
        await boot(device)
        assert isinstance(await device.ask(Publish("sensors/data", reading(TEMP, 20, "0badcafe"), 1, 1)), PubAck)
    assert len(await waiting(product)) == 1
    async with client(product, "127.0.0.1") as near, client(product) as far:
        body = {"sensor_id": TEMP, "code": "0badcafe", "value": 3}
        assert (await near.post("/compat/cottage/sensors/x/add_data/", json=body)).status_code == 201
        assert (await far.post("/compat/cottage/sensors/x/add_data/", json=body)).status_code == 401


async def test_only_so_much_is_remembered_of_a_stranger_that_names_ever_more_sensors(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    async with stranger(product, key) as device:
        await boot(device)
        for turn in range(5):
            names = [f"ESP8266_12F_005_PROD_{turn * 50 + number}" for number in range(50)]
            said = {"sensors": [{"sensor_id": name, "sensor_data": 1} for name in names], "code": code}
            await device.say(Publish("sensors/data", json.dumps(said).encode(), 1, turn + 1))
            assert isinstance(await device.hear(), PubAck)
    [entry] = await waiting(product)
    assert (len(entry["channels"]), len(entry["sample"])) == (200, 50)
    assert "ESP8266_12F_005_PROD_249" in entry["channels"]
