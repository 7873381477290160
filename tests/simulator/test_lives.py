"""Each family's simulated devices live a whole life against the whole product, over real sockets."""

from tests.edges.wire.families.conftest import posted, waiting
from tests.simulator.town import Town
from verger.base.clock import DAY, HOUR, MINUTE, SECOND
from verger.simulator import boards, cottage, farm, outlet, ozone, plant
from verger.simulator.growing import Growing
from verger.simulator.pots import Pot
from verger.simulator.rooms import Room
from verger.simulator.sockets import LAMPS, Appliance, Outlet
from verger.simulator.treatments import pressed

STEADY = Appliance(1000, 0, HOUR, MINUTE)


async def test_a_cottage_sensor_gets_its_code_is_adopted_and_is_heard(town: Town) -> None:
    door = await town.door("cottage", mqtt=True)
    sensor = cottage.Sensor(town.nature(), door, Room(1, town.clock.now()), cottage.Eeprom())
    await town.live(sensor, 2)
    (stranger,) = await waiting(town.product)
    assert len(sensor.memory.code) == 8
    assert set(stranger["sample"]) == {"temperature", "humidity"}
    adopted = await posted(town.product, f"/pending-devices/{stranger['id']}/adopt", name="Sauna")
    device = adopted["device"]["id"]
    before = len(await town.readings(device, "temperature"))
    await town.live(sensor, 3)
    assert len(await town.readings(device, "temperature")) == before + 3
    assert len(await town.readings(device, "humidity")) >= 3


async def test_the_sensor_of_before_speaks_http(town: Town) -> None:
    door = await town.door("cottage")
    device = (await town.device("Hall", "cottage", "ESP8266_12F_001_PROD_Temp"))["device"]["id"]
    sensor = cottage.OldSensor(town.nature(), door, Room(1, town.clock.now()), cottage.Eeprom())
    await town.live(sensor, 4)
    await sensor.stop()
    assert len(await town.readings(device, "humidity")) == 3  # what comes with "nan" is answered with a code


async def test_a_machine_counts_and_tells_each_treatment(town: Town) -> None:
    await town.moved_to("Asia/Kuala_Lumpur")
    machine = ozone.OverMqtt(town.nature(60), await town.door("ozone", mqtt=True))
    device = (await town.device("Bay 1", "ozone", machine.mac))["device"]["id"]
    while town.clock.now() < machine.begun + DAY / 4:
        await town.live(machine)
    town.clock.advance(60)
    await town.live(machine)  # from now on it is due to say how it stands
    await machine.stop()
    done = pressed(7, machine.begun, town.clock.now())
    assert len(done) > 5
    await town.until(lambda: town.events(device, "treatment"), lambda events: len(events) == len(done))
    counts = machine.counters.counts["BASIC"]
    await town.until(lambda: town.latest(device), lambda latest: latest["count_basic"] == counts)


async def test_the_machine_of_before_posts_forms(town: Town) -> None:
    machine = ozone.ByForm(town.nature(60), await town.door("ozone"))
    device = (await town.device("Bay 1", "ozone", machine.mac))["device"]["id"]
    while not sum(machine.counters.counts.values()):
        await town.live(machine)
    await machine.stop()
    assert len(await town.events(device, "treatment")) == sum(machine.counters.counts.values())


async def test_the_successor_signs_in_and_does_what_it_is_told(town: Town) -> None:
    machine = ozone.Successor(town.nature(30), await town.door("ozone"))
    machine.counters.counts["BASIC"] = 12
    device = (await town.device("Bay 3", "ozone", machine.mac))["device"]["id"]
    await town.live(machine)
    told = await town.ask(device, "RESET_COUNTERS")
    unknown = await town.ask(device, "UPDATE_FIRMWARE")
    await town.live(machine)
    await machine.stop()
    assert (await town.command(told))["stage"] == "succeeded"
    assert (await town.command(unknown))["stage"] == "failed"
    assert machine.counters.counts["BASIC"] == 0


async def test_a_pump_raises_soil_moisture_and_lowers_the_reservoir(town: Town) -> None:
    made = await town.device("Basil", "plant", None)
    told = made["credentials"]
    pair = plant.Pair(told["device_id"], told["secret"], told["sensor_ids"], told["actuator_ids"])
    pi = plant.Pi(town.nature(60), ("127.0.0.1", town.http), pair, Pot(3, town.clock.now()))
    await town.live(pi)
    before = await town.latest(made["device"]["id"])
    pulse = await town.ask(made["device"]["id"], "pump.pulse", duration_s=20)
    lamp = await town.ask(made["device"]["id"], "lamp.on")
    await town.live(pi, 13)
    await pi.stop()
    after = await town.latest(made["device"]["id"])
    assert (await town.command(pulse))["stage"] == (await town.command(lamp))["stage"] == "succeeded"
    assert after["soil_moisture"] > before["soil_moisture"] + 3
    assert after["water_level"] < before["water_level"] - 5
    assert pi.pot.lamp


async def test_a_token_that_ends_is_exchanged(town: Town) -> None:
    told = (await town.device("Basil", "plant", None))["credentials"]
    pair = plant.Pair(told["device_id"], told["secret"], told["sensor_ids"], told["actuator_ids"])
    pi = plant.Pi(town.nature(600), ("127.0.0.1", town.http), pair, Pot(3, town.clock.now()))
    await town.live(pi, 60)
    await pi.stop()
    assert len(await town.readings((await town.product.get("/devices?q=Basil"))["items"][0]["id"], "water_level")) == 5


async def test_a_relay_that_is_off_lets_nothing_flow(town: Town) -> None:
    door = await town.door("outlet")
    outlets = {"FE": Outlet(1, (STEADY, STEADY)), "FD": Outlet(2, (LAMPS, STEADY))}
    unit = outlet.Unit(town.nature(2), door, outlets)
    central = (await town.device("Board", "outlet", "CCU-02"))["device"]["id"]
    device = (await town.device("Bench", "outlet", "FE", gateway=central))["device"]["id"]
    await town.live(unit, 31)
    assert (await town.latest(device))["current_a"] > 900
    total = await town.latest(central)
    asked = await town.ask(device, "relay_off", socket="a")
    await town.live(unit, 4)
    await unit.stop()
    assert (await town.command(asked))["stage"] == "succeeded"
    assert (await town.latest(device))["current_a"] == 0
    assert 800 < total["current_ma"] - (await town.latest(central))["current_ma"] < 1200


async def test_the_unit_of_before_serves_every_outlet_each_time(town: Town) -> None:
    door = await town.door("outlet")
    unit = outlet.Unit(town.nature(2), door, {}, old=True)
    devices = [(await town.device(name, "outlet", name))["device"]["id"] for name in ("FE", "FD")]
    await town.live(unit, 3)
    await unit.stop()
    for device in devices:
        assert len(await town.readings(device, "current_b")) == 3


async def test_a_farm_is_adopted_as_a_tree_and_its_humidifier_moves_the_air(town: Town) -> None:
    door = await town.door("farm", mqtt=True)
    growing = Growing(5, town.clock.now())
    room = farm.GrowRoom(town.nature(), door, growing, farm.names_of(1))
    await town.live(room)
    tree = await town.product.owner.post(
        "/pending-devices/adopt", json={"prefix": "oyster-farm", "place": town.product.place["id"]}
    )
    assert [each["name"] for each in tree.json()["places"]] == ["oyster-farm", "room-1"]
    devices = {each["name"]: each["id"] for each in tree.json()["devices"]}
    await town.live(room)
    asked = await town.ask(devices["humidifier-1"], "turn_on")
    await town.live(room)
    town.clock.advance(600)
    before = growing.humid
    await town.live(room, 2)
    await room.stop()
    assert (await town.command(asked))["stage"] == "succeeded"
    assert growing.humidifier
    assert growing.humid > before + 1
    reported = (await town.product.get(f"/devices/{devices['humidifier-1']}"))["attributes"]["reported"]
    assert reported["status"] == "active"


async def test_devices_built_after_the_readme_of_the_farm_are_heard_as_well(town: Town) -> None:
    door = await town.door("farm", mqtt=True)
    device = (await town.device("Fan", "farm", "fan-1"))["device"]["id"]
    climate = (await town.device("Climate", "farm", "climate-1"))["device"]["id"]
    room = farm.GrowRoom(town.nature(), door, Growing(5, town.clock.now()), farm.names_of(1), readme=True)
    await town.live(room)
    asked = await town.ask(device, "turn_on")
    await town.live(room)
    await room.stop()
    assert (await town.command(asked))["stage"] == "succeeded"
    assert len(await town.readings(climate, "co2")) == 2


async def test_an_older_board_of_a_farm_is_adopted_and_moves_what_it_is_told(town: Town) -> None:
    growing = Growing(5, town.clock.now())
    board = boards.Board(town.nature(), await town.door("farm", mqtt=True), growing)
    await town.live(board)
    (pending,) = await town.until(lambda: waiting(town.product), bool)
    assert pending["address"] == f"home:ESP8266Client@{town.product.place['id']}"
    assert set(pending["sample"]) == {"temperature", "humidity", "light_adc"}
    made = await posted(town.product, f"/pending-devices/{pending['id']}/adopt", name="Old board")
    device = made["device"]["id"]
    await town.live(board)
    await town.until(lambda: town.latest(device), lambda latest: "light_adc" in latest)
    orders = [
        await town.ask(device, "fan1", on=True),
        await town.ask(device, "servo", angle=90),
        await town.ask(device, "stepper", direction="LEFT"),
        await town.ask(device, "dc_motor", direction="FORWARD"),
    ]
    for order in orders:
        while (await town.command(order))["stage"] != "succeeded":
            await town.live(board)
    await board.stop()
    assert (growing.fan, board.angle, board.stepper, board.motor) == (True, 90, "LEFT", "FORWARD")


def test_a_pause_never_passes_the_next_treatment() -> None:
    at = 1_795_000_000 * SECOND
    coming = pressed(7, at, at + DAY)
    assert coming == sorted(coming, key=lambda each: each[1])
    assert 10 < len(coming) < 45
