"""The demo's five families: each gets its devices, a month behind them, and lives that go on."""

import secrets

import numpy as np

from verger.app.demo.estate import BRANCH, COTTAGE, FARM, KITCHEN, ROOM_1, ROOM_2, SAUNA, WORKSHOP
from verger.app.demo.past import Values
from verger.app.demo.town import Town
from verger.app.demo.troubles import FROST, reservoir, spans
from verger.base.clock import DAY, HOUR
from verger.domain.devices import plants
from verger.domain.telemetry.model import Attributes, Event, Said
from verger.simulator import cottage, farm, outlet, ozone, plant
from verger.simulator.curves import uniform
from verger.simulator.growing import Growing, tended
from verger.simulator.kinds import seed_of
from verger.simulator.pots import Pot, watered
from verger.simulator.rooms import Room
from verger.simulator.sockets import CHARGER, COMPRESSOR, FAN, FRIDGE, KETTLE, LAMPS, Outlet, breaker
from verger.simulator.treatments import KINDS, Counters, pressed

FROST_DAYS_AGO = (9.0, 7.4)  # the heater of the hall was broken from then to then
SENSORS = {"Hall": COTTAGE, "Bedroom": COTTAGE, "Steam room": SAUNA, "": COTTAGE}  # the last one knocks and waits
COUNTED = {"Bay 1": 871, "Bay 2": 1006, "Bay 3": 812}  # treatments until now; from 1000 on it wants service
SHARES = (0.55, 0.3, 0.15)
OUTLETS = {"FE": "Bench", "FD": "Compressor", "FC": "Tea corner"}
PLUGGED = {"FE": (LAMPS, CHARGER), "FD": (COMPRESSOR, FAN), "FC": (FRIDGE, KETTLE)}
TRIPPED = {"FD": (2.2, 8.9, 9.1, 16.3, 27.4), "FC": (11.6,)}  # so many days ago there was an overload
POTS = {"Basil": 64.0, "Mint": 47.0}  # the water in the reservoir when the month began


async def cottages(town: Town) -> None:
    """Sensors in the rooms of a cottage, and one that nobody adopted yet."""
    began, ended = (round(town.past.until - days * DAY) for days in FROST_DAYS_AGO)
    for number, (name, plot) in enumerate(SENSORS.items(), 1):
        nature = town.nature("cottage", number, 60)
        room = Room(nature.seed, town.since, cold=(began, ended) if number == 1 else (0, 0))
        metrics = ("temperature", "humidity", "pressure") if number == 1 else ("temperature", "humidity")
        at = town.past.times(cottage.EVERY_S, nature.seed)
        values = room.live(at)
        memory = cottage.Eeprom(secrets.token_hex(4) if name else "")
        town.lives.append(cottage.Sensor(nature, town.door("cottage", mqtt=True), room, memory, metrics))
        if name:
            address = f"{cottage.board(number)}_Temp"
            device, _ = await town.device(name, plot, "cottage", address, type="cottage", secret=memory.code)
            await town.past.measured(device.id, at, {metric: values[metric] for metric in metrics})
            town.troubles += [(FROST, span) for span in spans(at, values["temperature"], 5, 7)]


async def farms(town: Town) -> None:
    """Growing rooms with a climate sensor, a humidifier and a fan each."""
    for number, plot in enumerate((ROOM_1, ROOM_2), 1):
        nature, names = town.nature("farm", number, 15), farm.names_of(number)
        room = Growing(nature.seed, town.since, tended())
        at = town.past.times(60, nature.seed)
        values, room.habit = room.live(at), None
        for kind, address in names.devices.items():
            name = f"{kind.capitalize()} {number}"
            type_ = "farm-sensor" if kind == farm.CLIMATE else "farm-actuator"
            device, _ = await town.device(name, plot, "farm", address, type=type_)
            if kind == farm.CLIMATE:
                await town.past.measured(device.id, at, values)
                await town.past.said(device.id, _grown(town, nature.seed))
            else:
                status = {"status": "idle", "firmware_version": farm.FIRMWARE}
                await town.past.said(device.id, [Attributes(status)])
        town.lives.append(farm.GrowRoom(nature, town.door("farm", mqtt=True), room, names))


def _grown(town: Town, seed: int) -> list[Said]:
    """Return the harvests of the month, in flushes."""
    days = np.arange(town.since // DAY + 2, town.past.until // DAY, 4, dtype=np.int64)
    weights = 6 + 5 * uniform(seed, days)
    times = (days * DAY + (3 + 2 * uniform(seed + 1, days)) * HOUR).astype(np.int64)
    return [
        Event("harvest", {"weight_kg": round(weight, 1), "variety": "oyster"}, at)
        for at, weight in zip(times.tolist(), weights.tolist(), strict=True)
    ]


async def branches(town: Town) -> None:
    """Treatment machines of two generations, with every treatment of the month."""
    for number, (name, until_now) in enumerate(COUNTED.items(), 1):
        nature = town.nature("ozone", number, 30)
        month = pressed(nature.seed, town.since, town.past.until)
        before = [round(share * max(0, until_now - len(month))) for share in SHARES]
        counters = Counters(dict(zip(KINDS, before, strict=True)))
        done = [counters.count(each) for each in month]
        make = ozone.Successor if number == len(COUNTED) else ozone.OverMqtt
        machine = make(nature, town.door("ozone", mqtt=make is ozone.OverMqtt), counters)
        town.lives.append(machine)
        device, _ = await town.device(name, BRANCH, "ozone", machine.mac, type="ozone")
        at = town.past.times(300, nature.seed)
        counted: dict[str, Values] = {}
        for kind, count in zip(KINDS, before, strict=True):
            times = np.array([one.at for one in done if one.kind == kind], np.int64)
            counted[f"count_{kind.lower()}"] = count + np.searchsorted(times, at, side="right").astype(np.float64)
        total = np.sum(list(counted.values()), axis=0)
        await town.past.measured(device.id, at, counted | {"treatments": total})
        events = [Event(f"treatment.{one.kind.lower()}", {"counter": one.counter}, one.at) for one in done]
        await town.past.said(device.id, events)
        if make is ozone.Successor:  # a machine that has a past gets its first token only in a window
            await town.house.grounds.adopting.open(town.tenant, device.id)


async def workshops(town: Town) -> None:
    """Outlets behind their control unit."""
    nature = town.nature("outlet", 1, outlet.EVERY_S)
    about = {"type": "outlet-unit", "is_gateway": True}
    central, _ = await town.device("Main board", WORKSHOP, "outlet", "CCU-02", **about)
    at, behind, flows = town.past.times(60, nature.seed), dict[str, Outlet](), []
    for address, name in OUTLETS.items():
        own = behind[address] = Outlet(seed_of(nature.seed, address), PLUGGED[address])
        device, _ = await town.device(name, WORKSHOP, "outlet", address, type="outlet", gateway=central.id)
        flows.append(own.live(at))
        power = np.round((flows[-1]["current_a"] + flows[-1]["current_b"]) * 230 / 1000, 1)
        await town.past.measured(device.id, at, flows[-1] | {"power": power})
        overloads = [
            Event(
                "overload.tripped", {"sockets": ["a"], "current_a": 3250 + 90 * n}, round(town.past.until - days * DAY)
            )
            for n, days in enumerate(TRIPPED.get(address, ()))
        ]
        calm = Attributes({"relay_a": True, "relay_b": True, "is_overload": False})
        await town.past.said(device.id, [*overloads, calm])
    total = breaker(flows, nature.seed, at)
    derived = {"load": np.round(100 * total / 15000, 1), "breaker_power": np.round(total * 230 / 1000, 1)}
    await town.past.measured(central.id, at, {"current_ma": total} | derived)
    town.lives.append(outlet.Unit(nature, town.door("outlet"), behind))


async def gardens(town: Town) -> None:
    """Pots whose Pis sign in."""
    for number, (name, level) in enumerate(POTS.items(), 1):
        nature = town.nature("plant", number, 60)
        pot = Pot(nature.seed, town.since, watered(30, 70, 20, 3600))
        pot.level = level
        at = town.past.times(60, nature.seed)
        values, pot.habit = pot.live(at), None
        device, secret = await town.device(name, KITCHEN, "plant", None, type="plant")
        await town.past.measured(device.id, at, values)
        town.troubles += [(reservoir(name), span) for span in spans(at, values["water_level"], 20, 25)]
        sensors, actuators = plants.sensor_ids(device.channels), plants.actuator_ids(device.channels)
        pair = plant.Pair(device.address or device.id, secret, sensors, actuators)
        town.lives.append(plant.Pi(nature, (town.ports.host, town.ports.http), pair, pot))


FAMILIES = {COTTAGE: cottages, FARM: farms, BRANCH: branches, WORKSHOP: workshops, KITCHEN: gardens}
