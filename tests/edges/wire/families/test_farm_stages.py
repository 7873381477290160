"""Mushroom farms by the stage of what grows there, and what their people are told."""

from importlib.resources import files
from typing import Any

import httpx
import msgspec
import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.test_farm_people import farm_of, got
from verger.base.clock import moment
from verger.domain.alerts.model import Opening, Severity
from verger.domain.cycles.model import CycleStage
from verger.domain.places.model import Place, Tree
from verger.edges.wire.families.farm_bands import advised, bands, stage_of


def rules() -> dict[str, Any]:
    told: dict[str, Any] = msgspec.yaml.decode((files("verger.blueprints") / "farm.yaml").read_bytes())
    found: dict[str, Any] = told["rules"]
    return found


@pytest.mark.parametrize("stage", list(CycleStage))
def test_each_stage_is_judged_by_the_bands_of_the_blueprint(stage: CycleStage) -> None:
    held = {band.metric: band for band in bands(stage)}
    judged = {name.removeprefix(f"{stage}_"): rule for name, rule in rules().items() if name.startswith(f"{stage}_")}
    for metric, rule in judged.items():
        when = rule["when"]["all"][0]
        band = held[metric]
        if when["is"] == "outside":
            assert (band.low, band.high) == (when["low"], when["high"]), metric
        else:
            assert {"above": band.high, "below": band.low}[when["is"]] == when["value"], metric
    assert held.keys() - judged.keys() <= {"ph_level", "substrate_moisture", "light"}


@pytest.mark.parametrize(
    ("told", "stage"),
    [("fruiting", "fruiting"), ("maintenance", "rest"), ("party", ""), (None, ""), (3, ""), (["fruiting"], "")],
)
def test_a_place_without_a_known_stage_is_judged_as_most_kinds_like_it(told: Any, stage: str) -> None:
    room = Place(id="r", name="R", attributes={"stage": told}, created_at=moment(0))
    assert stage_of(Tree([room]), "r") == stage
    assert {band.metric for band in bands("")} > {"temperature", "humidity", "co2", "light"}


def test_the_same_air_is_good_at_one_stage_and_bad_at_another() -> None:
    air = [{"temperature": 25.0, "co2": 9000.0, "humidity": 85.0}]
    at_rest, growing = advised("fruiting", air), advised("incubation", air)
    assert growing is not None
    assert at_rest is not None
    assert (growing["overall_status"], growing["stage"]) == ("excellent", "incubation")
    assert {each["parameter"]: each["severity"] for each in at_rest["issues"]} == {
        "temperature": "high",
        "co2": "critical",
    }
    assert advised("fruiting", []) is None


async def test_a_page_of_notifications_is_full_though_others_have_newer_alerts(
    product: Product, pages: httpx.AsyncClient
) -> None:
    farm, room = await farm_of(pages)
    house = product.house
    tenant = str(await house.stores.tenancy.users.first_tenant())
    opened = [
        (room, "info"),
        (farm, "warning"),
        (None, "info"),
        *[(product.place["id"], "info")] * 5,
        (room, "critical"),
    ]
    async with house.stores.db.writing() as connection:
        for number, (place, level) in enumerate(opened):
            at = house.stores.clock.now() + number * 1_000_000
            opening = Opening(
                rule=f"r{number}", device=None, place=place, severity=Severity(level), message=f"m{number}", at=at
            )
            await house.stores.alerts.open(connection, tenant, opening)
    shown = (await got(pages, "/notifications?limit=3"))["notifications"]
    assert [each["message"] for each in shown] == ["m8", "m2", "m1"]
    assert [each["message"] for each in (await got(pages, "/notifications?limit=1&level=info"))["notifications"]] == [
        "m2"
    ]
    assert (await got(pages, "/notifications?level=loud"))["notifications"] == []
