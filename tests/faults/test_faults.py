"""Whatever goes wrong outside: afterwards all that was acknowledged is there, each once, and nothing else."""

import json
import random
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from tests.e2e.home import Home, Thing, said
from tests.e2e.test_members import BOTH, program
from tests.e2e.waiting import until
from tests.faults.enduring import Enduring, enduring
from tests.faults.weak import Weakness

pytestmark = pytest.mark.needs("cc")

DAY_S = 86_400
Fault = Callable[[Home, Weakness, Enduring, random.Random], None]


def kill(home: Home, _weakness: Weakness, _load: Enduring, _dice: random.Random) -> None:
    home.server.kill()
    home.server.start()


def stop(home: Home, _weakness: Weakness, _load: Enduring, _dice: random.Random) -> None:
    assert home.server.stop()[0] == 0
    home.server.start()


def fail_some_syncs_of_the_log(_home: Home, weakness: Weakness, load: Enduring, dice: random.Random) -> None:
    before, many = weakness.failed, dice.randint(1, 3)
    weakness.fail_syncs(".log", many)
    until(lambda: weakness.failed >= before + many)
    load.grow(1)


def fail_syncs_of_the_log_and_kill(home: Home, weakness: Weakness, _load: Enduring, _dice: random.Random) -> None:
    before = weakness.failed
    weakness.fail_syncs(".log")
    until(lambda: weakness.failed > before)
    home.server.kill()
    weakness.heal()
    home.server.start()


def fail_some_syncs_of_the_history(_home: Home, weakness: Weakness, load: Enduring, dice: random.Random) -> None:
    weakness.fail_syncs("/history/", dice.randint(1, 5))
    load.grow(200)
    weakness.heal()


def move_the_clock(_home: Home, weakness: Weakness, load: Enduring, dice: random.Random) -> None:
    weakness.move_clock(dice.choice([-30 * DAY_S, -3700, -5, 5, 3700, 10 * DAY_S]))
    load.grow(100)


FAULTS: list[Fault] = [
    kill,
    stop,
    fail_some_syncs_of_the_log,
    fail_syncs_of_the_log_and_kill,
    fail_some_syncs_of_the_history,
    move_the_clock,
]


def survive(home: Home, weakness: Weakness, faults: list[Fault], dice: random.Random) -> Enduring:
    """Let faults happen amid a load, one after the other, then judge what is there."""
    load = enduring(home, devices=3, seed=dice.randrange(1 << 30))
    with load.going_on(home.server):
        for fault in faults:
            load.grow(dice.randint(50, 1_500))
            fault(home, weakness, load, dice)
        weakness.heal()
        weakness.move_clock(0)
        load.grow(50)
    load.judge(home)
    return load


def test_each_fault_amid_a_load_loses_nothing_that_was_acknowledged(weak_home: Home, weakness: Weakness) -> None:
    load = survive(weak_home, weakness, FAULTS, random.Random(7))
    assert weakness.failed >= 2  # of the log alone
    assert sum(sender.cuts for sender in load.senders if hasattr(sender, "cuts")) >= 1


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(5))
def test_many_faults_in_any_order_lose_nothing_that_was_acknowledged(
    weak_home: Home, weakness: Weakness, seed: int
) -> None:
    dice = random.Random(seed)
    survive(weak_home, weakness, [*(kill for _ in range(6)), *dice.choices([*FAULTS, kill], k=14)], dice)


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_fifty_kills_lose_nothing_that_was_acknowledged(weak_home: Home, weakness: Weakness) -> None:
    survive(weak_home, weakness, [kill] * 50, random.Random(50))


def test_what_is_heard_after_a_step_of_the_clock_and_back_has_its_true_time(
    weak_home: Home, weakness: Weakness
) -> None:
    thing = weak_home.add_device()
    for value, moved in enumerate((0, 10 * DAY_S, 0, -3700, 0)):
        weakness.move_clock(moved)
        began = time.time() + moved
        assert weak_home.tell(thing, {"t": value}).status_code == 200
        ended = time.time() + moved
        until(partial(has, weak_home, thing, value))
        assert began - 1 <= heard(weak_home, thing)[value] <= ended + 1


def has(home: Home, thing: Thing, value: float) -> bool:
    return value in heard(home, thing)


def heard(home: Home, thing: Thing) -> dict[float, float]:
    """Return when a device told each value, in seconds since 1970."""
    found = home.get(f"devices/{thing.id}/readings?metric=t&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")
    return {each["value"]: datetime.fromisoformat(each["at"]).timestamp() for each in found["items"]}


@BOTH
def test_what_waits_for_a_device_that_is_away_outlives_kills_in_order_and_once(home: Home, version: str) -> None:
    thing = home.add_device()
    with program(home, version, thing.token, "lasting", lasting=True) as device:
        assert device.listen("v1/devices/me/attributes", 1) == [1]
    for number in range(3):
        change = {"attributes": {"desired": {"every_s": number}}}
        assert home.api.patch(f"devices/{thing.id}", json=change).status_code == 200
        home.server.kill()
        home.server.start()
    with program(home, version, thing.token, "lasting", lasting=True) as device:
        assert device.present
        assert [json.loads(device.next()[1]) for _ in range(3)] == [{"every_s": number} for number in range(3)]
        assert home.tell(thing, {"t": 1}).status_code == 200
    assert device.heard.empty()


def test_what_people_and_devices_told_besides_readings_outlives_kills(home: Home) -> None:
    thing = home.add_device()
    for number in range(3):
        event = {"kind": "door.opened", "id": f"e{number}", "at": "2026-03-01T12:00:00Z", "data": number}
        assert home.tell(thing, event, "events").status_code == 200
        assert home.tell(thing, {"firmware": f"1.{number}"}, "attributes").status_code == 200
        place = said(home.api.post("places", json={"name": f"Shed {number}", "kind": "garden", "timezone": "UTC"}))
        home.server.kill()
        home.server.start()
        assert home.get(f"places/{place['id']}")["name"] == f"Shed {number}"
        assert home.tell(thing, event, "events").status_code == 200  # sent again, as it may be
    until(lambda: home.get(f"devices/{thing.id}")["attributes"]["reported"] == {"firmware": "1.2"})
    assert [each["data"] for each in home.get(f"devices/{thing.id}/events")["items"]] == [2, 1, 0]
