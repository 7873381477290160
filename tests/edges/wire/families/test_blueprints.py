"""What each family's blueprint makes of that family's own words: alerts, tasks, commands and calculated values."""

import json
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, posted, stranger, waiting
from tests.edges.wire.families.test_cottage import provisioned, told
from tests.edges.wire.families.test_ozone import MAC, boot, pressed, say, status
from tests.edges.wire.families.test_plant import added, signed_in
from tests.edges.wire.families.unit import Unit
from tests.people import PASSWORD
from verger.base.clock import HOUR, MINUTE, SECOND, HeldClock, moment
from verger.edges.wire.mqtt.packets import PubAck, Publish


async def laid(product: Product, name: str) -> None:
    await posted(product, f"/places/{product.place['id']}/blueprint", name=name)


async def caught_up(product: Product) -> None:
    """Wait until all was judged, also what was reckoned from what was heard."""
    for _ in range(3):
        await product.house.oversight.followers.caught_up()


async def alerts(product: Product, state: str = "active") -> dict[str, str]:
    """Return the messages of alerts that are in a state, with how severe they are."""
    await caught_up(product)
    await product.house.automation.save()  # how often each was seen, and how at last
    return {each["message"]: each["severity"] for each in (await product.get(f"/alerts?state={state}"))["items"]}


async def tasks(product: Product) -> dict[str, str]:
    """Return the titles of tasks that rules made, with how pressing they are."""
    items = (await product.get("/tasks"))["items"]
    return {each["title"]: each["priority"] for each in items if each["made_by"].startswith("rule:")}


async def commands(product: Product, device: str) -> list[tuple[str, Any, str]]:
    await caught_up(product)
    items = (await product.get(f"/devices/{device}/commands"))["items"]
    return [(each["method"], each["params"], each["stage"]) for each in items]


async def test_a_freezing_cottage_opens_an_alert_and_asks_somebody_to_check_the_heating(
    product: Product, clock: HeldClock
) -> None:
    await laid(product, "cottage")
    key = (await enrolled(product, "cottage"))["mqtt_username"]
    code = await provisioned(product, key)
    (pending,) = await waiting(product)
    about = {"name": "Hall sensor", "place": product.place["id"], "type": "cottage"}
    await posted(product, f"/pending-devices/{pending['id']}/adopt", **about)
    assert await alerts(product) == {}
    for temperature in (-1, -2):
        clock.at += 10 * MINUTE
        await told(product, key, code, temperature, 60)
    freezing = "Hall sensor in Lake cottage is at -2 °C: water may freeze."
    assert await alerts(product) == {freezing: "critical"}  # one, told with its last value
    assert await tasks(product) == {"Check heating": "urgent"}
    clock.at += 10 * MINUTE
    await told(product, key, code, 8, 60)
    assert await alerts(product) == {}
    for _ in range(38):  # damp for more than six hours
        clock.at += 10 * MINUTE
        await told(product, key, code, 12, 82)
    assert await alerts(product) == {"Hall sensor in Lake cottage has been above 82 % for hours.": "warning"}
    assert "Air Lake cottage" in await tasks(product)


async def test_a_treatment_machine_is_serviced_by_count_and_its_clock_looked_after(
    product: Product, clock: HeldClock
) -> None:
    await laid(product, "ozone")
    key = (await enrolled(product, "ozone"))["key"]
    async with stranger(product, key, f"OzonTelemetry_{MAC}") as machine:
        await boot(machine)
        await say(machine, f"telemetry/status/{MAC}", status(989))
        (pending,) = await waiting(product)
        about = {"name": "Machine 1", "place": product.place["id"], "type": "ozone"}
        device = (await posted(product, f"/pending-devices/{pending['id']}/adopt", **about))["device"]["id"]
        clock.at += MINUTE
        await say(machine, f"telemetry/events/{MAC}", pressed("BASIC"))
        await say(machine, f"telemetry/status/{MAC}", status(989, at="2027-01-15 10:01:00"))
        assert await alerts(product) == {}
        clock.at += MINUTE
        await say(machine, f"telemetry/status/{MAC}", status(990, at="2027-01-15 10:02:00"))
        done = "Machine 1 has done 1001 treatments since its counters began."
        assert await alerts(product) == {done: "warning"}
        assert await tasks(product) == {"Service Machine 1": "high"}
        clock.at += MINUTE
        await say(machine, f"telemetry/status/{MAC}", status(0, 0, 0, "RTC_UNAVAILABLE"))
        lost = "The clock of Machine 1 is lost: its treatments have the time at which they arrive."
        assert await alerts(product) == {lost: "warning"}
        assert "Set the clock of Machine 1" in await tasks(product)
    latest = await product.get(f"/devices/{device}/latest")
    assert (latest["treatments"]["value"], latest["treatments_all_time"]["value"]) == (0, 1)
    asked = await product.owner.post(f"/devices/{device}/commands", json={"method": "SYNC_TIME"})
    assert asked.json()["params"] == {"priority": "normal", "description": ""}


def measured(about: Any, at: Any, soil: float, air: float, water: float) -> dict[str, Any]:
    """Return a batch as the client sends it."""
    ids, values = about["sensor_ids"], {"soil_moisture": soil, "air_temperature": air, "water_level": water}
    return {
        "readings": [
            {"sensor_id": ids[name], "timestamp": at.isoformat(), "value": value} for name, value in values.items()
        ]
    }


async def test_a_planter_is_watered_until_moist_and_never_from_an_empty_reservoir(
    product: Product, clock: HeldClock
) -> None:
    await laid(product, "plant")
    made = await added(product, type="plant")
    device, about = made["device"]["id"], made["credentials"]
    async with client(product) as pi:

        async def say_and_do(soil: float, water: float, air: float = 21) -> int:
            """Sign in, send a batch, fetch the commands and do them; return how many there were."""
            clock.at += 61 * MINUTE
            await signed_in(pi, about)
            body = measured(about, moment(clock.at), soil, air, water)
            assert (await pi.post("/compat/plant/telemetry", json=body)).status_code == 200
            await caught_up(product)
            orders = (await pi.get("/compat/plant/commands")).json()
            for order in orders:
                assert (order["command"], order["payload"]) == ("pulse", {"duration": 20})
                done = {"command_id": order["id"], "status": "acked", "feedback": {"state": "off"}}
                assert (await pi.post("/compat/plant/commands/ack", json=done)).status_code == 200
            return len(orders)

        assert await say_and_do(25, 80) == 1
        assert await say_and_do(50, 80) == 1  # past the minimum, and on until moist
        assert await say_and_do(71, 80) == 0
        assert await say_and_do(50, 80) == 0
        assert await say_and_do(25, 10, 31) == 0
        assert await alerts(product) == {
            "The reservoir of Planter is at 10 %: its pump stays off.": "critical",
            "Planter is at 31 °C, which is too hot.": "warning",
        }
        assert await tasks(product) == {"Fill the reservoir of Planter": "high"}
        assert await say_and_do(25, 90) == 1
    assert {(method, stage) for method, _, stage in await commands(product, device)} == {("pump.pulse", "succeeded")}


async def test_a_planter_with_a_profile_of_its_own_is_watered_by_that_alone(product: Product, clock: HeldClock) -> None:
    first = (await added(product))["credentials"]
    async with client(product) as app:
        who = {"email": "aino@example.test", "password": PASSWORD}
        token = (await app.post("/compat/plant/auth/login", json=who)).json()["access_token"]
        app.headers["Authorization"] = f"Bearer {token}"

        async def profile(about: Any) -> None:
            change = {"soil_moisture_min": 35, "soil_moisture_max": 60}
            path = f"/compat/plant/devices/{about['device_id']}/automation"
            assert (await app.put(path, json=change)).status_code == 200

        await profile(first)
        await laid(product, "plant")
        second = (await added(product, name="Second", type="plant"))["credentials"]
        third = (await added(product, name="Third", type="plant"))["credentials"]
        await profile(second)
        for about, pulses in ((first, 1), (second, 1), (third, 1)):
            async with client(product) as pi:
                await signed_in(pi, about)
                body = measured(about, moment(clock.at), 25, 12, 80)
                assert (await pi.post("/compat/plant/telemetry", json=body)).status_code == 200
                await caught_up(product)
                assert len((await pi.get("/compat/plant/commands")).json()) == pulses
        told = await alerts(product)
        assert sorted(told) == ["Air temperature 12 is too low."] * 1 + ["Third is at 12 °C, which is too cold."]
        assert (await app.delete(f"/compat/plant/devices/{second['device_id']}")).status_code == 204
    rules = {rule["name"]: rule for rule in (await product.get("/rules"))["items"]}
    assert rules["Water"]["not_for"] == [first["device_id"]]


async def test_lamps_of_planters_keep_their_hours(product: Product, clock: HeldClock) -> None:
    await laid(product, "plant")
    made = await added(product, type="plant")
    await posted(product, "/devices", name="Clock", place=product.place["id"])
    clock.at += 12 * HOUR - 2 * MINUTE  # from ten in the morning to two minutes before ten in the evening, in Helsinki
    async with client(product) as pi:
        await signed_in(pi, made["credentials"])
        body = measured(made["credentials"], moment(clock.at), 50, 21, 80)
        assert (await pi.post("/compat/plant/telemetry", json=body)).status_code == 200
        await caught_up(product)
        clock.at += 2 * MINUTE
        await product.house.automation.tick()
        (order,) = (await pi.get("/compat/plant/commands")).json()
    assert (order["command"], order["actuator_id"]) == ("off", made["credentials"]["actuator_ids"]["lamp"])


async def wired(product: Product) -> tuple[str, str]:
    """Set up a control unit with one outlet; return where the unit speaks, and the outlet."""
    await laid(product, "outlet")
    about = {"place": product.place["id"], "dialect": "outlet"}
    unit = {"name": "Unit", "type": "outlet-unit", "address": "CCU-02", "is_gateway": True}
    central = (await posted(product, "/devices", **about, **unit))["device"]["id"]
    bench = {"name": "Bench", "type": "outlet", "address": "FE", "gateway": central}
    device = (await posted(product, "/devices", **about, **bench))["device"]["id"]
    return f"/t/{(await enrolled(product, 'outlet'))['key']}", device


async def test_an_outlet_is_told_of_at_80_percent_and_cut_at_its_limit(product: Product, clock: HeldClock) -> None:
    base, device = await wired(product)
    near, near_all = "Socket A of Bench carries 83.3 % of its limit.", "carries 82 % of what it may."
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        outlet = unit.outlets["FE"]
        outlet.relays = [True, True]

        async def cycle(a: int, breaker: int) -> dict[str, str]:
            outlet.currents, unit.breaker = [a, 500], breaker
            clock.at += 10 * SECOND
            await unit.cycle(background=True)
            return await alerts(product)

        assert await cycle(2000, 11_900) == {}
        assert await cycle(2500, 11_900) == {near: "warning"}
        warned = {near: "warning", f"The main breaker of Lake cottage {near_all}": "warning"}
        assert await cycle(2500, 12_300) == warned
        told = await cycle(3100, 15_300)
        assert {message for message, severity in told.items() if severity == "critical"} == {
            "Socket A of Bench carried 103.3 % of its limit and is cut. Turn it on again once its load is less.",
            "The main breaker of Lake cottage carries 102 % of what it may: turn something off.",
        }
        assert "Spread the load in Lake cottage" in await tasks(product)
        await cycle(3100, 15_300)  # fetches what it is to do
        assert outlet.relays == [False, True]
        await cycle(0, 4000)
        assert await cycle(0, 4000) == {}
    assert await commands(product, device) == [("relay_off", {"socket": "a"}, "succeeded")]
    latest = await product.get(f"/devices/{device}/latest")
    assert (latest["power"]["value"], latest["power"]["unit"]) == (115, "W")
    assert 0 < latest["energy"]["value"] < 0.1


@pytest.mark.parametrize(
    ("told", "severity", "message"),
    [
        ({"temperature_c": 26.0}, "warning", "D1 in Oyster is at 26 °C."),
        ({"humidity_pct": 70}, "warning", "D1 in Oyster is at 70 % humidity."),
        ({"co2_ppm": 1500}, "warning", "D1 in Oyster is at 1500 ppm: let fresh air in."),
    ],
)
async def test_a_room_of_a_farm_outside_its_bands_is_told_after_ten_minutes(
    product: Product, clock: HeldClock, told: dict[str, float], severity: str, message: str
) -> None:
    await laid(product, "farm")
    key, topic = (await enrolled(product, "farm"))["key"], "farm/North/room/Oyster/device/D1/telemetry"
    async with stranger(product, key) as line:
        await line.begin()

        async def tell(number: int) -> None:
            body = {"device_id": "D1", "timestamp": moment(clock.at).isoformat(), "status": "online", **told}
            assert await line.ask(Publish(topic, json.dumps(body).encode(), 1, number)) == PubAck(number)

        await tell(1)
        wish = {"prefix": "farm/North", "place": product.place["id"]}
        assert (await product.owner.post("/pending-devices/adopt", json=wish)).status_code == 201
        for number in range(2, 25):
            clock.at += 30 * SECOND
            await tell(number)
            await caught_up(product)
            if number < 20:
                assert await alerts(product) == {}
    assert await alerts(product) == {message: severity}


async def test_contamination_is_told_to_all_and_given_somebody_to_do(product: Product) -> None:
    await laid(product, "farm")
    await product.say("events", {"kind": "contamination", "id": "1"})
    assert await alerts(product) == {"Contamination was found in Lake cottage.": "critical"}
    assert await tasks(product) == {"Part the contaminated bags in Lake cottage from the others": "urgent"}


async def test_a_weak_battery_is_told_and_somebody_is_asked_to_change_it(product: Product) -> None:
    await laid(product, "cottage")
    await product.say("telemetry", {"battery": 21})
    assert await alerts(product) == {}
    await product.say("telemetry", {"battery": 19})
    assert await alerts(product) == {"The battery of Hall is at 19 %.": "warning"}
    assert "Change the battery of Hall" in await tasks(product)
