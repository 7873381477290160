"""A rule's command that nobody heeds is told once, until the device heeds one."""

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.pages import Asked
from verger.domain.alerts.model import Alert, Severity
from verger.domain.commands.model import Command, acknowledged, answered, cancelled, expired
from verger.domain.commands.store import WantedCommands
from verger.domain.devices.model import Capability, DeviceType

PULSE = {"command": {"method": "pulse"}}
DRY = {"metric": "t", "is": "below", "value": 3}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def asked(made: World) -> Command:
    """Let the rule ask, and return what it asked last."""
    for value in (9, 1):
        made.clock.advance(10)
        await made.say({"t": value})
    found = await made.commands.page(made.house.tenant, Asked(), WantedCommands())
    return found.items[0]


async def ends(made: World, command: Command, how: str) -> None:
    at = made.clock.now()
    after = {
        "failed": lambda: answered(command, {"error": "The tank is empty."}, at),
        "expired": lambda: expired(command, at),
        "cancelled": lambda: cancelled(command, at, "user:ann", "Called off."),
        "succeeded": lambda: answered(command, {"ok": True}, at),
        "acknowledged": lambda: acknowledged(command, at, "puback"),
    }[how]()
    async with made.db.writing() as connection:
        await made.commands.change(connection, made.house.tenant, after)


async def told(made: World) -> list[Alert]:
    return [each for each in await made.alerts.everything_open(made.house.tenant) if each.rule.startswith("unheeded ")]


@pytest.mark.parametrize(("how", "tells"), [("failed", True), ("expired", True), ("cancelled", False)])
async def test_it_is_told_until_the_device_heeds_one(made: World, how: str, *, tells: bool) -> None:
    rule = await made.rule(name="Water", when=DRY, then=[PULSE])
    for _ in range(2):
        await ends(made, await asked(made), how)
    assert [(each.rule, each.device, each.severity, each.count) for each in await told(made)] == [
        (f"unheeded {rule.id}", made.device, Severity.warning, 2)
    ] * tells
    await ends(made, await asked(made), "acknowledged")
    assert len(await told(made)) == tells
    await ends(made, await asked(made), "succeeded")
    assert await told(made) == []


async def test_of_a_device_that_is_gone_nobody_is_told(made: World) -> None:
    await made.rule(name="Water", when=DRY, then=[PULSE])
    command = await asked(made)
    made.house.kept.registry.forget(made.device)
    await ends(made, command, "expired")
    assert await told(made) == []


async def test_it_says_who_could_not_tell_whom_and_why(made: World) -> None:
    await made.rule(name="Water", when=DRY, then=[PULSE, {"alert": {"severity": "critical"}}])
    await ends(made, await asked(made), "failed")
    [alert] = await told(made)
    [device] = await made.house.kept.devices.these(made.house.tenant, [made.device])
    assert alert.message == f"The rule Water could not tell {device.name}: The tank is empty."
    assert alert.severity is Severity.critical


async def test_what_is_refused_before_it_is_asked_is_told_too(made: World) -> None:
    at = moment(made.clock.now())
    kind = DeviceType(key="lamp", name="Lamp", capabilities=[Capability(method="shine")], created_at=at)
    await made.house.kept.types.add(made.house.tenant, kind)
    lamp = (await made.house.add("Lamp", type="lamp")).id
    await made.rule(name="Water", when=DRY, then=[PULSE])
    await made.say({"t": 1}, device=lamp)
    [alert] = await told(made)
    assert (alert.device, alert.count) == (lamp, 1)
    assert alert.message.startswith("The rule Water could not tell Lamp: ")


async def test_it_goes_with_its_rule_and_when_that_is_changed(made: World) -> None:
    rule = await made.rule(name="Water", when=DRY, then=[PULSE])
    await ends(made, await asked(made), "failed")
    await made.ruling.remove(made.house.tenant, rule.id, None)
    assert await told(made) == []
