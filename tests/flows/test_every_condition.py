"""Every condition and action of a rule once, from what is said to what is kept; also with an end between any two."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs
from sqlalchemy import func, select

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.domain.telemetry.model import Attributes, Event
from verger.domain.webhooks.tables import callout

Said = Mapping[str, float] | Event | Attributes | None
TASK: dict[str, Any] = {"task": {"title": "Look"}}
ALERT: dict[str, Any] = {"alert": {"message": "t is {value}"}}
CALL: dict[str, Any] = {"webhook": {"url": "https://hook.example.org/x", "body": {"text": "{device}"}}}
SET: dict[str, Any] = {"set": {"attribute": "fan", "value": 1}}
TELL: dict[str, Any] = {"notify": {"to": "owners", "message": "It is so"}}
PULSE: dict[str, Any] = {"command": {"method": "pulse"}}


def t(is_: str, **more: Any) -> dict[str, Any]:
    return {"metric": "t", "is": is_, **more}


def door(number: int) -> Event:
    return Event("door.open", None, None, str(number))


def mode(value: Any) -> Attributes:
    return Attributes({"mode": value}, None)


Case = tuple[Any, dict[str, Any], dict[str, Any], Sequence[tuple[float, Said]], dict[str, int]]
CASES: dict[str, Case] = {
    "above": (
        t("above", value=5, clear=4),
        ALERT,
        {},
        [(0, {"t": 5}), (9, {"t": 6}), (9, {"t": 4.5}), (9, {"t": 4})],
        {"runs": 1, "alerts": 1, "open": 0},
    ),
    "equal": (t("equal", value=5, tolerance=1), TASK, {}, [(0, {"t": 7}), (9, {"t": 6}), (9, {"t": 4})], {"tasks": 1}),
    "inside": (
        t("inside", low=1, high=2, clear_by=1),
        PULSE,
        {},
        [(0, {"t": 0}), (9, {"t": 1}), (9, {"t": 3}), (9, {"t": 3.5}), (9, {"t": 2})],
        {"commands": 2},
    ),
    "outside": (
        t("outside", low=1, high=9, clear_by=1, for_s=20),
        ALERT,
        {},
        [(0, {"t": 5}), (9, {"t": 0}), (9, {"t": 1.5}), (30, None)],
        {"runs": 1, "open": 1},
    ),
    "falls": (
        t("falls_by", value=3, within_s=60),
        TELL,
        {},
        [(0, {"t": 9}), (30, {"t": 6}), (99, None)],
        {"notices": 1},
    ),
    "an event": ({"event": "door"}, CALL, {}, [(0, door(1)), (9, door(1)), (9, door(2))], {"runs": 2, "calls": 2}),
    "an attribute": (
        {"attribute": "mode", "equals": "eco"},
        SET,
        {},
        [(0, mode("eco")), (9, mode("eco")), (9, mode("off")), (9, mode("eco"))],
        {"runs": 2},
    ),
    "a part of the day": (
        {"between": ["08:05", "08:10"]},
        TASK,
        {},
        [(299, None), (2, None), (300, None)],
        {"tasks": 1},
    ),
    "the sun": ({"sun": "sunset", "offset_s": -60}, TASK, {}, [(0, None), (12 * 3600, None)], {"tasks": 1}),
    "all and not": (
        {"all": [t("above", value=5), {"not": {"attribute": "mode", "equals": "off"}}]},
        TASK,
        {},
        [(0, {"t": 6}), (9, mode("off")), (9, mode("on")), (9, mode("off")), (9, mode("on"))],
        {"tasks": 2},
    ),
    "any": (
        {"any": [{"event": "door"}, t("above", value=5)]},
        TASK,
        {},
        [(0, door(1)), (9, {"t": 6}), (9, {"t": 7}), (9, door(2))],
        {"tasks": 3},
    ),
    "only if, later": (
        t("above", value=5),
        TASK,
        {"only_if": {"between": ["08:05", "08:10"]}},
        [(0, {"t": 6}), (299, None), (2, None)],
        {"tasks": 1},
    ),
    "too often": (
        t("above", value=5),
        TASK,
        {"most_per_hour": 1},
        [(0, {"t": 6}), (9, {"t": 4}), (9, {"t": 6})],
        {"tasks": 1},
    ),
}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    await house.places.change(house.tenant, structs.replace(house.place, latitude=60.17, longitude=24.94))
    return await world(house, db)


async def counted(made: World) -> dict[str, int]:
    async with made.db.reading() as connection:
        calls = await connection.scalar(select(func.count()).select_from(callout)) or 0
    return await made.count() | {"calls": calls}


@pytest.mark.parametrize("between", ["", "stopped", "killed"])
@pytest.mark.parametrize("case", CASES)
async def test_what_is_said_leads_to_the_same_whatever_ends_between(made: World, case: str, between: str) -> None:
    when, then, more, steps, wanted = CASES[case]
    await made.rule(when=when, then=[then], **more)
    await made.automation.tick()
    for seconds, said in steps:
        if between == "stopped":
            await made.automation.save()
        if between:
            await made.open()
        made.clock.advance(seconds)
        if isinstance(said, Event | Attributes):
            await made.tell(said)
        elif said is not None:
            await made.say(said)
        await made.automation.tick()
    found = await counted(made)
    assert {name: found[name] for name in wanted} == wanted
