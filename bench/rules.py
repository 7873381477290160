"""What rules cost, in this process: `python3 dev.py bench rules`.

judging: in this process, 10,000 rules over as many devices judge records of a thousand messages with three values
each, all inside their bands, as nearly all values are; then as many that lead to something.
trial: rules of two kinds are tried over a million readings.
ingest: the real server, 10,000 connections to as many devices, without rules and with one for each, by turns.
reflex: the real server at a fifth of full load; how long after a reading the command is on the wire that it leads to.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, cast

import msgspec
import numpy as np

from bench.rig import machine, reflex, results, ruled
from verger.app import House, open_house, open_stores
from verger.base.clock import SECOND, moment
from verger.base.ids import new_id
from verger.base.settings import Settings
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.domain.rules.accepted import KeptRule
from verger.domain.telemetry.model import Batch
from verger.domain.tenancy.model import Founding
from verger.flows.automation import Automation

METRICS = ("co2", "humidity", "temperature")
A_RECORD = 1000  # messages
BACKTESTED = 1_000_000
TRIED: list[dict[str, Any]] = [
    {"is": "above", "value": 28, "clear": 27, "for_s": 60},
    {"is": "rises_by", "value": 4, "within_s": 3600},
    {"is": "falls_by", "value": 2, "within_s": 600},
]
PARTS = ("judging", "trial", "ingest", "reflex")


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


async def judging(parts: list[str], quick: bool) -> None:  # noqa: FBT001  a flag of the command line
    """Measure in this process, and tell."""
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
            if "judging" in parts:
                await judged(automation, numbers, 2, 20.0)
                inside = await judged(automation, numbers, 3 if quick else 20, 21.0)
                print(f"{devices} rules over {devices} devices")
                print(f"  inside all bands  {inside:8.2f} us of processor time a message of 3 values")
                outside = await judged(automation, numbers[:1000], 1, 50.0)
                print(f"  leads to a task   {outside:8.2f} us a message, written and synced")
            if "trial" in parts:
                readings = BACKTESTED // 10 if quick else BACKTESTED
                await told(house, numbers[0][2], readings)
                for what in TRIED:
                    await tried(house, tenant, place, readings, what)


async def told(house: House, number: int, readings: int) -> None:
    """Put a slow wave with some noise into the history, a reading a second."""
    end = house.stores.clock.now()
    at = np.arange(end - readings * SECOND, end, SECOND)[:readings]
    noise = np.random.default_rng(11).normal(0, 0.05, readings)
    value = np.round(20 + 10 * np.sin(np.arange(readings) / 2000) + noise, 2)
    for start in range(0, readings, 100_000):
        some = slice(start, start + 100_000)
        await house.stores.history.load(np.full(len(at[some]), number, np.uint32), at[some], value[some])


async def tried(house: House, tenant: str, place: str, readings: int, what: dict[str, Any]) -> None:
    """Try a rule over what is there, and tell how long that took."""
    end = moment(house.stores.clock.now())
    own = {"id": new_id(), "name": "Hot", "place": place, "created_at": end, "then": [{"alert": {}}]}
    rule = msgspec.convert(own | {"when": {"metric": "temperature", **what}}, KeptRule)
    began, used = time.monotonic(), time.process_time()
    trial, _ = await house.grounds.backtesting.prepare(tenant, rule, end - timedelta(seconds=readings + 60), end)
    tested = await house.grounds.backtesting.run(tenant, trial, lambda _done, _total: None)
    used, took = time.process_time() - used, time.monotonic() - began
    how = f"{took:.2f} s ({used:.2f} s of processor time)"
    print(f"  {what['is']:9} {tested.readings} readings tried in {how}, {tested.count} firings")


def ingest(quick: bool) -> None:  # noqa: FBT001  a flag of the command line
    """Load the real server without rules and with them, and tell what they cost."""
    rows = ruled.by_turns(*(1000, 1, 5.0) if quick else (10_000, 3, 30.0))
    results.keep("rules", rows)
    print(results.show(rows))
    slower, dearer = ruled.cost(rows)
    print(f"Rules: {slower:.0%} fewer messages/s, {dearer:.0%} more processor time a message; promised: 20 % at most.")


def reacting(quick: bool) -> None:  # noqa: FBT001  a flag of the command line
    """Time commands from the reading that they follow, and tell."""
    rows = [reflex.measure(*(6.0, 2_000) if quick else (60.0, 10_000))]
    results.keep("rules", rows)
    print(results.show(rows))
    print("Promised: from a reading to its command on the wire, p99 of 50 ms at most.")


def main(words: list[str]) -> int:
    """Measure what was asked for."""
    options = argparse.ArgumentParser(prog="dev.py bench rules", description=__doc__)
    options.add_argument("--only", default=",".join(PARTS), help=f"by default {','.join(PARTS)}")
    options.add_argument("--quick", action="store_true", help="a look, no proof")
    asked = options.parse_args(words)
    parts = asked.only.split(",")
    if unknown := set(parts) - set(PARTS):
        options.error(f"--only takes {', '.join(PARTS)}, not {', '.join(unknown)}.")
    machine.allow_many_files()
    if {"judging", "trial"} & set(parts):
        asyncio.run(judging(parts, asked.quick))
    if "ingest" in parts:
        ingest(asked.quick)
    if "reflex" in parts:
        reacting(asked.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
