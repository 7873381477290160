"""A rule waits for the sun at a place of which nobody says any longer where it is: people are told until they do."""

from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import World, world
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.base.pages import Asked
from verger.domain.rules.accepted import KeptRule

DUSK: dict[str, Any] = {"name": "Lamps", "when": {"sun": "sunset"}, "then": [{"alert": {"severity": "critical"}}]}
WHERE: dict[str, float | None] = {"latitude": 60.17, "longitude": 24.94}
NOWHERE: dict[str, float | None] = {"latitude": None, "longitude": None}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    made = await world(house, db)
    await lies(made, WHERE)
    return made


async def lies(made: World, where: dict[str, float | None]) -> None:
    """Say where on earth the place is, or no longer."""
    tenant = made.house.tenant
    place = await made.house.places.get(tenant, made.house.place.id)
    await made.house.places.change(tenant, structs.replace(place, **where))
    made.automation.court.book.moved(tenant)
    await made.automation.tick()


async def told(made: World) -> list[tuple[str, str, str, int]]:
    found = await made.alerts.everything_open(made.house.tenant)
    return [(each.rule, each.severity, each.message, each.count) for each in found]


def about(rule: KeptRule) -> tuple[str, str, str, int]:
    why = "Give the place its latitude and longitude first: sunrise and sunset depend on them."
    return f"stranded {rule.id}", "critical", f"The rule Lamps does not judge. {why}", 1


async def test_people_are_told_once_until_the_place_is_known_again(made: World) -> None:
    rule = await made.rule(**DUSK)
    await lies(made, WHERE)
    assert await told(made) == []
    await lies(made, NOWHERE)
    for _ in range(2):
        await made.wait(60)
        await made.open()
        await made.automation.tick()
    assert await told(made) == [about(rule)]
    await lies(made, WHERE)
    assert await told(made) == []
    await made.wait(90_000)
    assert (await made.count())["runs"] in (1, 2)  # sunsets within 25 hours


async def test_what_was_mended_while_nothing_ran_is_no_longer_told(made: World) -> None:
    await made.rule(**DUSK)
    await lies(made, NOWHERE)
    place = await made.house.places.get(made.house.tenant, made.house.place.id)
    await made.house.places.change(made.house.tenant, structs.replace(place, **WHERE))
    await made.open()
    await made.automation.tick()
    assert await told(made) == []


async def test_the_rule_itself_says_so_and_may_be_switched_off_or_removed(made: World) -> None:
    tenant = made.house.tenant
    rule, other = await made.rule(**DUSK), await made.rule(**DUSK)
    await lies(made, NOWHERE)
    shown = await made.ruling.get(tenant, rule.id)
    assert (shown.unfit, "latitude" in (shown.objection or ""), shown.paused_at) == (True, True, None)
    assert [each.unfit for each in (await made.ruling.page(tenant, Asked())).items] == [True, True]
    kept = await made.kept.rules.get(tenant, rule.id)
    with pytest.raises(Invalid, match="latitude"):
        await made.ruling.change(tenant, kept, structs.replace(kept, name="Lights"), None)
    await made.ruling.change(tenant, kept, structs.replace(kept, enabled=False), None)
    assert await told(made) == [about(other)]
    await made.ruling.remove(tenant, other.id, None)
    await made.wait(1)
    assert await told(made) == []
