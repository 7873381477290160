"""Two rules that answer each other: the device goes back and forth for a while, then both are paused and say so."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import SECOND, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.domain.commands.model import Command, acknowledged, answered
from verger.domain.telemetry.model import Attributes

MOST = 6
TURNS = 3 * MOST


def orders(method: str) -> list[dict[str, Any]]:
    return [{"command": {"method": method}}]


def wants(mode: str) -> list[dict[str, Any]]:
    return [{"set": {"attribute": "mode", "value": mode}}]


BY_READING = (
    {"when": {"metric": "on", "is": "equal", "value": 0}, "then": orders("on")},
    {"when": {"metric": "on", "is": "equal", "value": 1}, "then": orders("off")},
)
BY_STAGE = (
    {"when": {"command": "off", "stage": "succeeded"}, "then": orders("on")},
    {"when": {"command": "on", "stage": "succeeded"}, "then": orders("off")},
)
BY_ATTRIBUTE = (
    {"when": {"attribute": "mode", "equals": "off"}, "then": wants("on")},
    {"when": {"attribute": "mode", "equals": "on"}, "then": wants("off")},
)
CASES: dict[str, tuple[tuple[dict[str, Any], dict[str, Any]], int]] = {
    "by what the device reads": (BY_READING, MOST),
    "by what became of commands": (BY_STAGE, MOST),
    "by what the device reports": (BY_ATTRIBUTE, MOST),
    "where one may less often than the other": (BY_READING, 20),
}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def obey(made: World) -> None:
    """Let the device do what it is told, and say so."""
    for tenant, command in await made.commands.undelivered([made.device]):
        now = made.clock.now()
        async with made.db.writing() as connection:
            kept = await made.commands.change(connection, tenant, acknowledged(command, now, "PUBACK"))
            await made.commands.change(connection, tenant, answered(kept, {"ok": True}, now))
        await made.say({"on": float(command.method == "on")})
    state = (await made.house.kept.attributes.of(made.house.tenant, [made.device])).get(made.device)
    if state is not None and "mode" in state.desired:
        await made.tell(Attributes({"mode": state.desired["mode"]}, made.clock.now()))


async def begin(made: World) -> None:
    """Let it be off, and have been told so."""
    await made.say({"on": 0})
    await made.tell(Attributes({"mode": "off"}, made.clock.now()))


async def ask(made: World, method: str) -> None:
    """Tell the device something, as a person does."""
    now = made.clock.now()
    about: dict[str, Any] = {"asked_by": "user:ann", "asked_at": moment(now), "expires_at": moment(now + 60 * SECOND)}
    async with made.db.writing() as connection:
        command = Command(id=new_id(), device=made.device, method=method, **about)
        await made.commands.add(connection, made.house.tenant, command)


Between = Callable[[World], Awaitable[None]]


async def nothing(_made: World) -> None:
    """Go on."""


async def stopped(made: World) -> None:
    await made.automation.save()
    await made.open()


async def killed(made: World) -> None:
    await made.open()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("between", [nothing, stopped, killed])
async def test_both_are_paused_and_say_so_and_nothing_floods(made: World, case: str, between: Between) -> None:
    (one, other), others_most = CASES[case]
    first = await made.rule(name="On", most_per_hour=MOST, **one)
    second = await made.rule(name="Off", most_per_hour=others_most, **other)
    await made.rule(name="Bystander", when={"metric": "on", "is": "above", "value": 5}, then=orders("on"))
    await begin(made)
    if case == "by what became of commands":
        await ask(made, "off")
    for _ in range(TURNS):
        made.clock.advance(5)
        await obey(made)
        await made.automation.tick()
        await between(made)
    found = await made.count()
    assert found["runs"] <= 2 * MOST + 1
    assert found["commands"] <= 2 * MOST + 2
    kept = [await made.kept.rules.get(made.house.tenant, rule.id) for rule in (first, second)]
    assert f"{MOST} times within an hour" in (kept[0].paused_because or "")
    assert "in turn" in (kept[1].paused_because or "")
    alerts = await made.alerts.everything_open(made.house.tenant)
    assert sorted(alert.message.partition(" was paused")[0] for alert in alerts) == ["The rule Off", "The rule On"]
    bystander = (await made.kept.rules.of_tenant(made.house.tenant))[-1]
    assert bystander.paused_because is None
