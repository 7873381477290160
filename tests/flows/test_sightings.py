"""What is seen again of open alerts is counted together, and what cannot be done stops nobody else."""

from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy.exc import IntegrityError

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.base.pages import Asked
from verger.domain.alerts.model import Alert, Opened, Opening
from verger.domain.alerts.store import Wanted

COLD: dict[str, Any] = {
    "when": {"metric": "t", "is": "below", "value": 3},
    "then": [{"alert": {"severity": "critical", "message": "{value}"}}],
}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def shown(made: World) -> list[Alert]:
    return (await made.alerts.page(made.house.tenant, Asked(), Wanted())).items


async def cold(made: World, times: int) -> None:
    for number in range(times):
        made.clock.advance(0.5)
        await made.say({"t": -number})


async def test_many_readings_are_one_change_within_seconds(made: World) -> None:
    await made.rule(**COLD)
    await cold(made, 11)
    [before] = await shown(made)
    assert (before.count, before.version) == (1, 1)
    await made.wait(1)
    [after] = await shown(made)
    assert (after.count, after.version, after.value, after.message) == (11, 2, -10, "-10")


@pytest.mark.parametrize("ending", ["over", "stopped"])
async def test_nothing_is_left_out_when_it_ends(made: World, ending: str) -> None:
    await made.rule(**COLD)
    await cold(made, 5)
    made.clock.advance(1)
    if ending == "over":
        await made.say({"t": 9})
    else:
        await made.automation.save()
    assert [alert.count for alert in await shown(made)] == [5]


@pytest.mark.parametrize("kept", [0, 3, 5])
async def test_a_crash_counts_nothing_twice(made: World, kept: int) -> None:
    await made.rule(**COLD)
    await cold(made, kept)
    await made.automation.save()
    await cold(made, 5 - kept)
    await made.open()
    await made.automation.save()
    assert [alert.count for alert in await shown(made)] == [5]


async def test_what_cannot_be_done_for_one_is_said_and_done_for_all_others(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [await made.rule(**COLD | {"name": name}) for name in ("One", "Bad", "Two")]
    opens = made.alerts.open

    async def fails(connection: Any, tenant: str, opening: Opening) -> Opened:
        if opening.rule == rules[1].id:
            raise IntegrityError("insert", {}, ValueError("no"))
        return await opens(connection, tenant, opening)

    monkeypatch.setattr(made.alerts, "open", fails)
    await made.say({"t": 1})
    assert made.automation.settled() == 1
    assert {alert.rule for alert in await shown(made)} == {rules[0].id, rules[2].id, f"unheeded {rules[1].id}"}
    [said] = [alert.message for alert in await shown(made) if alert.rule.startswith("unheeded")]
    assert said == "The rule Bad could not do what it asks: Verger failed at it (IntegrityError); it was logged."
    made.clock.advance(1)
    await made.say({"t": 9})
    assert {alert.state for alert in await shown(made) if alert.rule in {rules[0].id, rules[2].id}} == {"cleared"}
