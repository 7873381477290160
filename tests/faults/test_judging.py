"""Rules amid a load and kills: each reading that was acknowledged is judged, once, and what follows from it is done."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e import conftest as e2e
from tests.e2e.home import Home, Thing, said
from tests.e2e.load import START
from tests.e2e.speaking import Device
from tests.e2e.waiting import until
from tests.faults.acting import Asked, Hook, Machine, Receiver, receiving
from tests.faults.enduring import Enduring, Stubborn

YEAR_S = 365 * 86_400
OFTEN = 3_600
A_ROUND = 60  # readings of a device between two kills
WITHIN_S = 120.0


@dataclass
class Wavering(Stubborn):
    """Says 0 and 1 by turns, as often as it is allowed: every second reading makes a rule fire."""

    allowed: int = 0

    def value(self, number: int) -> float:
        return float(number % 2)

    def _send(self, device: Device, number: int) -> None:
        if number >= self.allowed:
            raise ConnectionAbortedError
        super()._send(device, number)


def write(home: Home) -> str:
    """Write a rule that fires at each reading of 1 after one of 0: a task, a command to the device, and a notice."""
    rule = {
        "name": "Turn",
        "place": home.place,
        "when": {"metric": "temperature", "is": "above", "value": 0.5},
        "then": [
            {"task": {"title": "Look"}},
            {"command": {"method": "turn", "ttl_s": 30 * 86_400}},
            {"notify": {"to": "owners", "message": "{device} turned"}},
        ],
        "late_s": YEAR_S,
        "most_per_hour": OFTEN,
    }
    return str(said(home.api.post("rules", json=rule))["id"])


def everything(home: Home, path: str) -> list[dict[str, Any]]:
    """Return all items of a list, page after page."""
    found, query = [], dict[str, Any](limit=500)
    while True:
        page = home.get(path, **query)
        found += page["items"]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


class Obedient:
    """A device that answers whatever it is asked, over all its connections."""

    def __init__(self, home: Home, thing: Thing) -> None:
        self._home, self.thing = home, thing
        self._lines: list[Machine] = []

    def connect(self) -> None:
        """Come back, for the server is another now, and answer again what may not have been heard."""
        before = self.asked
        self._lines.append(Machine(self._home, self.thing, at_once=True))
        for asked in before:
            self._lines[-1].answer(asked, {"done": asked.number})

    def close(self) -> None:
        for line in self._lines:
            line.close()

    @property
    def asked(self) -> list[Asked]:
        """All that it was asked, in this order."""
        return [asked for line in self._lines for asked in line.asked.queue]


@contextmanager
def obedient(home: Home, things: list[Thing]) -> Iterator[list[Obedient]]:
    made = [Obedient(home, thing) for thing in things]
    for each in made:
        each.connect()
    yield made
    for each in made:
        each.close()


@pytest.fixture
def owner(serve: e2e.Serve, settle: e2e.Settle) -> Iterator[tuple[Home, Receiver]]:
    """Return a home, and who is told what its owner is told."""
    with receiving(Hook) as (receiver, port):
        receiver.open.set()
        home = settle(serve(outgoing_networks="127.0.0.0/8"))
        assert home.api.patch("me/notifications/preferences", json={"per_hour": 1000}).is_success
        target = {"name": "Mine", "kind": "webhook", "url": f"http://127.0.0.1:{port}/"}
        said(home.api.post("me/notifications/targets", json=target))
        yield home, receiver


def survive(owner: tuple[Home, Receiver], kills: int, dice: random.Random) -> None:
    """Let readings make a rule fire amid kills; afterwards each has been judged, once."""
    home, receiver = owner
    things = [home.add_device(f"Switch {number}") for number in range(3)]
    rule = write(home)
    senders = [Wavering(thing, salt, dice=random.Random(salt)) for salt, thing in enumerate(things)]
    load = Enduring([*senders])
    with obedient(home, things) as machines:
        with load.going_on(home.server):
            for _ in range(kills):
                allow(senders)
                load.grow(dice.randint(5, 2 * A_ROUND))
                home.server.kill()
                home.server.start()
                for each in machines:
                    each.connect()
            allow(senders)
            load.grow(5)
        load.judge(home)
        judge_messages(home, receiver, sum(judge(home, rule, each) for each in machines))


def judge_messages(home: Home, receiver: Receiver, wanted: int) -> None:
    """Hold that the owner was told so many things, each once: what came twice has the same id and says the same."""

    def deliveries() -> list[dict[str, Any]]:
        return everything(home, "me/notifications/deliveries")

    until(lambda: sum(each["state"] == "sent" for each in deliveries()) >= wanted, WITHIN_S)
    assert len(deliveries()) == wanted
    messages = set(receiver.heard.queue)
    assert len({fresh for fresh, _ in messages}) == len(messages)
    assert sum(len(json.loads(body)["items"]) for _, body in messages) == wanted


def allow(senders: list[Wavering]) -> None:
    """Let each say some more."""
    for sender in senders:
        sender.allowed += A_ROUND


def judge(home: Home, rule: str, obeys: Obedient) -> int:
    """Hold that a device's readings each led to one run, one task and one command; return how many did.

    Of several commands that waited to be sent the last stands for all; what the device was asked has ended as it said.
    """
    thing = obeys.thing
    wanted = sum(value == 1 for _, _, value in home.readings(thing, START))

    def commands() -> list[dict[str, Any]]:
        return everything(home, f"devices/{thing.id}/commands")

    until(lambda: sum(each["stage"] in ("succeeded", "cancelled") for each in commands()) >= wanted, WITHIN_S)
    of_it = [run for run in everything(home, f"rules/{rule}/runs") if run["device"] == thing.id]
    tasks = [task for task in everything(home, "tasks") if task["device"] == thing.id]
    assert len(of_it) == len({run["at"] for run in of_it}) == len(tasks) == len(commands()) == wanted
    stages = {each["id"]: each["stage"] for each in commands()}
    assert all(run["then"][0]["state"] == "done" for run in of_it)
    assert {run["then"][1]["id"]: run["then"][1]["state"] for run in of_it} == stages
    done = [each for each in commands() if each["stage"] == "succeeded"]
    assert {each["number"] for each in done} == {asked.number for asked in obeys.asked}
    assert all(each["result"] == {"done": each["number"]} for each in done)
    return wanted


@pytest.mark.timeout(180)
def test_each_reading_is_judged_once_whatever_is_killed(owner: tuple[Home, Receiver]) -> None:
    survive(owner, 2, random.Random(3))


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(3))
def test_each_reading_is_judged_once_over_thirty_kills(owner: tuple[Home, Receiver], seed: int) -> None:
    survive(owner, 30, random.Random(seed))
