"""Each fault of simulated devices, against the whole product: nothing is lost, nothing doubled, and all is shown."""

from tests.edges.wire.families.conftest import posted, waiting
from tests.simulator.town import EVERY_S, Town
from verger.simulator import cottage, farm, outlet, ozone, plant
from verger.simulator.growing import Growing
from verger.simulator.pots import Pot
from verger.simulator.rooms import Room
from verger.simulator.sockets import FAN, LAMPS, Outlet

MALAYSIA = "Asia/Kuala_Lumpur"


async def pi(town: Town, **rates: float) -> tuple[plant.Pi, str]:
    """Return a Pi and its device's id."""
    made = await town.device("Basil", "plant", None)
    told = made["credentials"]
    pair = plant.Pair(told["device_id"], told["secret"], told["sensor_ids"], told["actuator_ids"])
    pot = Pot(3, town.clock.now())
    return plant.Pi(town.nature(60, **rates), ("127.0.0.1", town.http), pair, pot), made["device"]["id"]


async def grow_room(town: Town, **rates: float) -> tuple[farm.GrowRoom, dict[str, str]]:
    """Return a growing room and the ids of its devices."""
    door, names = await town.door("farm", mqtt=True), farm.names_of(1)
    ids = {kind: (await town.device(kind, "farm", own))["device"]["id"] for kind, own in names.devices.items()}
    return farm.GrowRoom(town.nature(EVERY_S, **rates), door, Growing(5, town.clock.now()), names), ids


async def successor(town: Town, **rates: float) -> tuple[ozone.Successor, str]:
    """Return a machine of the newest generation and its device's id."""
    await town.moved_to(MALAYSIA)
    machine = ozone.Successor(town.nature(30, **rates), await town.door("ozone"))
    return machine, (await town.device("Bay", "ozone", machine.mac))["device"]["id"]


# the clock was never set


async def test_a_clock_that_was_never_set_loses_no_treatment(town: Town) -> None:
    machine = ozone.OverMqtt(town.nature(60, clock=1), await town.door("ozone", mqtt=True))
    device = (await town.device("Bay", "ozone", machine.mac))["device"]["id"]
    while sum(machine.counters.counts.values()) < 3:
        await town.live(machine)
    await machine.stop()
    events = await town.until(lambda: town.events(device, "treatment"), lambda events: len(events) == 3)
    assert all(each["at"][:16] == each["received_at"][:16] for each in events)
    reported = (await town.product.get(f"/devices/{device}"))["attributes"]["reported"]
    assert reported["rtc_available"] is False


async def test_readings_of_1970_get_the_time_of_receipt_and_that_is_shown(town: Town) -> None:
    one, device = await pi(town, clock=1)
    await town.live(one, 25)
    await one.stop()
    readings = await town.readings(device, "soil_moisture")
    assert len(readings) == 3
    assert all(at.startswith("2027") for at, _ in readings)
    await town.until(lambda: town.log(device), lambda log: any("check its clock" in sentence for sentence in log))


async def test_a_farm_without_a_clock_is_heard(town: Town) -> None:
    room, ids = await grow_room(town, clock=1)
    await town.live(room, 3)
    await room.stop()
    assert len(await town.readings(ids["climate"], "temperature")) == 3


# no Wi-Fi


async def test_what_the_successor_could_not_say_is_said_later_once(town: Town) -> None:
    machine, device = await successor(town, wifi=1)
    while len(machine.waiting) < 4:
        await town.live(machine)
    assert await town.events(device, "treatment") == []
    machine.nature.faults.rates["wifi"] = 0  # type: ignore[index]  # it is in reach again
    expected = [each.at for each, _ in machine.waiting]
    await town.live(machine)
    await machine.stop()
    events = await town.events(device, "treatment")
    assert len(events) == len(expected) == 4
    assert all(each["at"] < each["received_at"] for each in events)


async def test_a_treatment_that_a_machine_forgot_is_booked_as_a_gap_once(town: Town) -> None:
    await town.moved_to(MALAYSIA)
    machine = ozone.OverMqtt(town.nature(60, wifi=0), await town.door("ozone", mqtt=True))
    device = (await town.device("Bay", "ozone", machine.mac))["device"]["id"]
    await town.live(machine)
    await town.until(lambda: town.latest(device), lambda latest: latest)
    for rate, lost in ((1, 2), (0, 2), (1, 3)):
        machine.nature.faults.rates["wifi"] = rate  # type: ignore[index]
        await town.live(machine)
        while len(machine.lost) < lost:
            await town.live(machine)
    machine.nature.faults.rates["wifi"] = 0  # type: ignore[index]
    town.clock.advance(61)
    await town.live(machine)
    await machine.stop()
    counts = {f"count_{name}": count for name, count in machine.counts.items()}
    await town.until(lambda: town.latest(device), lambda latest: latest == counts)
    missing = len(machine.lost)
    gaps = await town.until(
        lambda: town.events(device, "gap"), lambda gaps: sum(each["data"]["count"] for each in gaps) == missing
    )
    assert len(gaps) >= 2
    assert len(await town.events(device, "treatment")) == sum(counts.values()) - missing


async def test_what_a_farm_could_not_say_comes_later_with_its_own_time(town: Town) -> None:
    room, ids = await grow_room(town, wifi=1)
    for _ in range(4):
        await town.live(room)
        town.clock.advance(30)
    assert await town.readings(ids["climate"], "co2") == []
    room._nature.faults.rates["wifi"] = 0  # type: ignore[index]  # noqa: SLF001
    await town.live(room)
    await room.stop()
    times = {at for at, _ in await town.readings(ids["climate"], "co2")}
    assert len(times) == 5


async def test_a_sensor_without_wifi_is_shown_as_silent(town: Town) -> None:
    sensor = cottage.Sensor(
        town.nature(wifi=1), await town.door("cottage", mqtt=True), Room(1, town.clock.now()), cottage.Eeprom()
    )
    device = (await town.device("Hall", "cottage", "ESP8266_12F_001_PROD_Temp"))["device"]["id"]
    await town.live(sensor, 2)
    assert await town.readings(device, "temperature") == []
    assert (await town.product.get(f"/devices/{device}"))["online"] is False


# sent twice


async def test_what_the_successor_sends_twice_is_one_treatment(town: Town) -> None:
    machine, device = await successor(town, twice=1)
    while sum(machine.counters.counts.values()) < 3:
        await town.live(machine)
    await machine.stop()
    assert len(await town.events(device, "treatment")) == 3


async def test_what_a_machine_says_twice_is_one_treatment(town: Town) -> None:
    await town.moved_to(MALAYSIA)
    machine = ozone.OverMqtt(town.nature(60, twice=1), await town.door("ozone", mqtt=True))
    device = (await town.device("Bay", "ozone", machine.mac))["device"]["id"]
    while sum(machine.counters.counts.values()) < 3:
        await town.live(machine)
    town.clock.advance(60)
    await town.live(machine)
    await machine.stop()
    counts = {f"count_{name}": count for name, count in machine.counts.items()}
    await town.until(lambda: town.latest(device), lambda latest: latest == counts)
    await town.until(lambda: town.events(device, "treatment"), lambda events: len(events) == sum(counts.values()))


async def test_a_form_that_is_posted_twice_is_one_treatment(town: Town) -> None:
    await town.moved_to(MALAYSIA)
    machine = ozone.ByForm(town.nature(60, twice=1), await town.door("ozone"))
    device = (await town.device("Bay", "ozone", machine.mac))["device"]["id"]
    while sum(machine.counters.counts.values()) < 2:
        await town.live(machine)
    await machine.stop()
    assert len(await town.events(device, "treatment")) == 2


async def test_batches_that_come_twice_are_kept_once(town: Town) -> None:
    one, device = await pi(town, twice=1)
    await town.live(one, 25)
    await one.stop()
    room, ids = await grow_room(town, twice=1)
    await town.live(room, 2)
    await room.stop()
    assert len(await town.readings(device, "water_level")) == 3
    assert len(await town.readings(ids["climate"], "light")) == 2


# counters and codes that are gone


async def test_a_counter_that_begins_again_doubles_nothing(town: Town) -> None:
    machine, device = await successor(town)
    machine.counters.counts["BASIC"] = 500
    while sum(machine.counters.counts.values()) < 503:
        await town.live(machine)
    machine.counters.reset()
    while sum(machine.counters.counts.values()) < 3:
        await town.live(machine)
    await machine.stop()
    assert len(await town.events(device, "treatment")) == 6
    resets = await town.until(lambda: town.events(device, "reset"), lambda found: found)
    assert all(each["data"]["from"] > each["data"]["to"] for each in resets)
    assert await town.events(device, "gap") == []


async def test_a_sensor_that_forgot_its_code_asks_and_that_is_shown(town: Town) -> None:
    door = await town.door("cottage", mqtt=True)
    sensor = cottage.Sensor(town.nature(), door, Room(1, town.clock.now()), cottage.Eeprom())
    device = (await town.device("Hall", "cottage", "ESP8266_12F_001_PROD_Temp"))["device"]["id"]
    await town.live(sensor, 3)
    kept = len(await town.readings(device, "temperature"))
    sensor.memory.code = ""
    await town.live(sensor)
    assert sensor.memory.code == ""
    await town.until(lambda: town.log(device), lambda log: any("new code" in sentence for sentence in log))
    assert len(await town.readings(device, "temperature")) == kept
    answer = await town.product.owner.post(f"/devices/{device}/code")
    assert answer.status_code < 300, answer.text
    await town.live(sensor, 2)
    assert len(sensor.memory.code) == 8
    assert len(await town.readings(device, "temperature")) == kept + 1


async def test_both_sensors_of_a_board_are_heard_by_its_one_code(town: Town) -> None:
    door = await town.door("cottage", mqtt=True)
    board = cottage.Sensor(
        town.nature(), door, Room(1, town.clock.now()), cottage.Eeprom(), ("temperature", "humidity", "pressure")
    )
    device = (await town.device("Hall", "cottage", "ESP8266_12F_001_PROD_Temp"))["device"]["id"]
    await town.live(board, 4)
    counts = [len(await town.readings(device, metric)) for metric in ("temperature", "humidity", "pressure")]
    assert counts == [3, 3, 3]


async def test_two_sensors_that_were_flashed_with_one_code_are_two_devices(town: Town) -> None:
    door, memory = await town.door("cottage", mqtt=True), cottage.Eeprom()
    sensors = [cottage.Sensor(town.nature(), door, Room(1, town.clock.now()), memory) for _ in range(2)]
    sensors[1].ids = {metric: own.replace("_001_", "_002_") for metric, own in sensors[0].ids.items()}
    await town.live(sensors[0], 2)
    await town.live(sensors[1], 1)
    addresses = ["ESP8266_12F_001_PROD_Temp", "ESP8266_12F_002_PROD_Temp"]
    assert sorted(each["address"] for each in await waiting(town.product)) == addresses
    for stranger in await waiting(town.product):
        await posted(town.product, f"/pending-devices/{stranger['id']}/adopt", name=stranger["address"])
    devices = [each["id"] for each in (await town.product.get("/devices"))["items"] if each["dialect"] == "cottage"]
    before = [len(await town.readings(each, "temperature")) for each in devices]
    for sensor in sensors:
        await town.live(sensor, 2)
    assert [len(await town.readings(each, "temperature")) for each in devices] == [count + 2 for count in before]


# what does not move


async def test_a_relay_that_does_not_move_is_never_taken_for_moved(town: Town) -> None:
    unit = outlet.Unit(town.nature(2, relay=1), await town.door("outlet"), {"FE": Outlet(1, (LAMPS, FAN))})
    device = (await town.device("Bench", "outlet", "FE"))["device"]["id"]
    await town.live(unit, 2)
    asked = await town.ask(device, "relay_off", socket="a")
    await town.live(unit, 5)
    await unit.stop()
    assert (await town.command(asked))["stage"] == "acknowledged"
    assert (await town.product.get(f"/devices/{device}"))["attributes"]["reported"]["relay_a"] is True


async def test_a_pump_and_a_fan_that_do_not_move_have_failed_with_a_reason(town: Town) -> None:
    one, device = await pi(town, relay=1)
    await town.live(one)
    pulse = await town.ask(device, "pump.pulse", duration_s=5)
    await town.live(one, 2)
    await one.stop()
    room, ids = await grow_room(town, relay=1)
    await town.live(room)
    fan = await town.ask(ids["fan"], "turn_on")
    await town.live(room)
    await room.stop()
    for command, reason in ((pulse, "did not move"), (fan, "did not execute")):
        told = await town.command(command)
        assert told["stage"] == "failed"
        assert reason in str(told["error"])
    assert not room.room.fan
