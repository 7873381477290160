"""Rules that an older version accepted: they go on, say what is wrong with them, and keep no others from working."""

from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs
from sqlalchemy import select, update

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.base.pages import Asked
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.store import rule_table

FROST: dict[str, Any] = {
    "when": {"metric": "t", "is": "below", "value": 3},
    "then": [{"alert": {"severity": "critical", "message": "cold"}}],
}
REFUSED: dict[str, Any] = FROST["when"] | {"clear": 1}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def old(made: World, when: Any) -> KeptRule:
    """Return a rule as an older version has kept it; all begins anew, as after an update."""
    rule = await made.rule(**FROST)
    row = (
        update(rule_table)
        .where(rule_table.c.id == rule.id)
        .values(document=await document(made, rule) | {"when": when})
    )
    async with made.db.writing() as connection:
        await connection.execute(row)
    await made.open()
    return await made.kept.rules.get(made.house.tenant, rule.id)


async def document(made: World, rule: KeptRule) -> dict[str, Any]:
    async with made.db.reading() as connection:
        found = await connection.scalar(select(rule_table.c.document).where(rule_table.c.id == rule.id))
    return dict(found or {})


async def test_one_that_would_be_refused_is_judged_by_until_somebody_switches_it_off(made: World) -> None:
    rule = await old(made, REFUSED)
    await made.wait(1)
    await made.say({"t": 2})
    assert (await made.count())["open"] == 1
    listed = (await made.kept.rules.page(made.house.tenant, Asked())).items
    assert [each.objection for each in listed] == [rule.objection]
    off = await made.ruling.change(made.house.tenant, rule, structs.replace(rule, enabled=False), None)
    assert (await made.count())["open"] == 0
    with pytest.raises(Invalid, match="clear has to be"):
        await made.ruling.change(made.house.tenant, off, structs.replace(off, enabled=True), None)
    mended = structs.replace(off, enabled=True, when=structs.replace(off.when, clear=4))
    assert (await made.ruling.change(made.house.tenant, off, mended, None)).objection is None
    made.clock.advance(1)
    await made.say({"t": 1})
    assert (await made.count())["open"] == 1


@pytest.mark.parametrize("when", [{"schedule": "at noon"}, {"moon": "full"}])
async def test_one_that_nobody_can_judge_by_is_paused_once_says_so_and_stops_no_other(made: World, when: Any) -> None:
    sound = await made.rule(**FROST)
    rule = await old(made, when)
    for _ in range(2):
        await made.wait(1)
        await made.open()
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    assert rule.objection is not None
    assert rule.objection in (kept.paused_because or "")
    [alert] = await made.alerts.everything_open(made.house.tenant)
    assert (alert.count, "cannot judge by it" in alert.message) == (1, True)
    assert (await document(made, kept))["when"] == when
    await made.say({"t": 2})
    assert [each.rule for each in await made.alerts.everything_open(made.house.tenant)] == [sound.id, alert.rule]


async def test_one_that_is_not_understood_keeps_what_stands_in_it(made: World) -> None:
    rule = await old(made, {"moon": "full"})
    await made.wait(1)
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    await made.ruling.change(made.house.tenant, kept, structs.replace(kept, enabled=False), None)
    assert (await document(made, kept))["when"] == {"moon": "full"}
    with pytest.raises(Invalid):
        await made.ruling.change(made.house.tenant, kept, structs.replace(kept, name="Another"), None)
