"""What rules cost, in this process: `python3 dev.py bench rules`.

10,000 rules over as many devices judge records of a thousand messages with three values each, all inside their bands,
as nearly all values are; then as many that lead to something; then one rule is tried over a million readings. It says
what judging costs a message, beside what the whole hot path costs by `bench replay`, and not what the network adds.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from typing import cast

import msgspec
import numpy as np

from verger.app import House, open_house, open_stores
from verger.base.clock import SECOND, moment
from verger.base.ids import new_id
from verger.base.settings import Settings
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.domain.rules.store import KeptRule
from verger.domain.telemetry.model import Batch
from verger.domain.tenancy.model import Founding
from verger.flows.automation import Automation

METRICS = ("co2", "humidity", "temperature")
A_RECORD = 1000  # messages
BACKTESTED = 1_000_000


async def furnished(house: House, devices: int) -> tuple[str, str, list[list[int]]]:
    """Connect devices with three series and a rule each; return tenant, place, and the numbers by device."""
    owner = Founding("Bench", "Bench", "bench@example.test", "a long password of the bench")
    tenant, _ = await house.stores.tenancy.users.found(owner)
    now = moment(house.stores.clock.now())
    place = await house.stores.places.add(tenant.id, Place(id=new_id(), name="Hall", created_at=now))
    made = [Device(id=new_id(), name=f"Probe {n}", place=place.id, created_at=now) for n in range(devices)]
    await house.stores.kept.add_behind(tenant.id, made, 200)
    numbers = []
    for start in range(0, devices, 500):
        wanted = {(tenant.id, each.id): list(METRICS) for each in made[start : start + 500]}
        series = await house.stores.kept.series.create(wanted)
        for one in series:
            house.stores.kept.registry.learn(one.device, {one.metric: one.number})
        numbers += [[each.number for each in series[at : at + 3]] for at in range(0, len(series), 3)]
    when, then = {"metric": "temperature", "is": "above", "value": 40}, [{"task": {"title": "Look"}}]
    async with house.stores.db.writing() as connection:
        for each in made:
            own = {"id": new_id(), "name": each.name, "place": place.id, "created_at": now}
            written = {"when": {**when, "device": each.id}, "then": then, **own}
            await house.stores.rules.rules.add(connection, tenant.id, msgspec.convert(written, KeptRule))
    return tenant.id, place.id, numbers


def record(numbers: list[list[int]], sequence: int, at: int, value: float) -> Batch:
    """Return a record in which some devices say three values each."""
    series = np.array(numbers, np.uint32).ravel()
    return Batch(at, series, np.full(len(series), at), np.full(len(series), value), sequence=sequence)


async def judged(automation: Automation, numbers: list[list[int]], rounds: int, value: float) -> float:
    """Return the processor time that judging a message took, in microseconds."""
    sequence, messages = (automation.settled() or 0) + 1, 0
    began = time.process_time()
    for _ in range(rounds):
        at = time.time_ns() // 1000
        for start in range(0, len(numbers), A_RECORD):
            some = numbers[start : start + A_RECORD]
            await automation.take(record(some, sequence, at, value))
            sequence, messages = sequence + 1, messages + len(some)
    return (time.process_time() - began) / messages * 1e6


async def main(quick: bool) -> None:  # noqa: FBT001  a flag of the command line
    """Measure and tell."""
    devices = 1000 if quick else 10_000
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.read({"VERGER_DATA": folder, "VERGER_MQTT_PORT": "0", "VERGER_RESERVE_BYTES": "0"})
        async with AsyncExitStack() as stack:
            stores = await open_stores(stack, settings)
            house = await open_house(stack, stores)
            tenant, place, numbers = await furnished(house, devices)
        async with AsyncExitStack() as stack:
            house = await open_house(stack, await open_stores(stack, settings))
            automation = cast(Automation, house.grounds.ruling.judge)
            await judged(automation, numbers, 2, 20.0)
            inside = await judged(automation, numbers, 3 if quick else 20, 21.0)
            print(f"{devices} rules over {devices} devices")
            print(f"  inside all bands  {inside:8.2f} us of processor time a message of 3 values")
            outside = await judged(automation, numbers[:1000], 1, 50.0)
            print(f"  leads to a task   {outside:8.2f} us a message, written and synced")
            await tried(house, tenant, place, numbers[0][2], BACKTESTED // 10 if quick else BACKTESTED)


async def tried(house: House, tenant: str, place: str, number: int, readings: int) -> None:
    """Try a rule over many readings, and tell how long that took."""
    end = house.stores.clock.now()
    at = np.arange(end - readings * SECOND, end, SECOND)[:readings]
    value = 20 + 10 * np.sin(np.arange(readings) / 2000)
    for start in range(0, readings, 100_000):
        some = slice(start, start + 100_000)
        await house.stores.history.load(np.full(len(at[some]), number, np.uint32), at[some], value[some])
    document = {"when": {"metric": "temperature", "is": "above", "value": 28, "clear": 27, "for_s": 60}}
    document["then"] = [{"alert": {"message": "{value}"}}]  # type: ignore[assignment]
    own = {"id": new_id(), "name": "Hot", "place": place, "created_at": moment(end)}
    rule = msgspec.convert(document | own, KeptRule)
    began = time.monotonic()
    trial, _ = await house.grounds.backtesting.prepare(tenant, rule, moment(int(at[0])), moment(end))
    tested = await house.grounds.backtesting.run(tenant, trial, lambda _done, _total: None)
    print(f"  {tested.readings} readings tried in {time.monotonic() - began:.2f} s, {tested.count} firings")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, no proof")
    asyncio.run(main(parser.parse_args().quick))
