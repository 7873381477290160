"""Which rule of retention wins, and which cannot be."""

from typing import Any

import pytest

from verger.base.clock import moment
from verger.base.errors import Invalid
from verger.domain.retention.model import Rule, Rules

HALL, HOUSE, FARM = "hall", "house", "farm"
INSIDE = [HALL, HOUSE, FARM]  # nearest first


def rule(days: int | None, keeps: Any = "readings", **more: Any) -> Rule:
    return Rule(id=f"{days}", keeps=keeps, days=days, created_at=moment(0), **more)


EVERYTHING = rule(1)
METRIC = rule(2, metric="co2")
AT_FARM = rule(3, place=FARM)
AT_HALL = rule(4, place=HALL)
METRIC_AT_FARM = rule(5, place=FARM, metric="co2")
METRIC_AT_HALL = rule(6, place=HALL, metric="co2")
LADDER = [EVERYTHING, METRIC, AT_FARM, AT_HALL, METRIC_AT_FARM, METRIC_AT_HALL]


@pytest.mark.parametrize("known", range(1, len(LADDER) + 1))
def test_the_most_specific_rule_wins_at_every_step_of_the_ladder(known: int) -> None:
    assert Rules(LADDER[:known]).winner("readings", INSIDE, "co2") == LADDER[known - 1]


def test_without_a_rule_everything_is_kept() -> None:
    assert Rules([]).winner("readings", INSIDE, "co2") is None


def test_a_rule_of_another_metric_place_or_thing_says_nothing() -> None:
    others = Rules([METRIC, rule(9, place="barn"), rule(8, keeps="events")])
    assert others.winner("readings", INSIDE, "humidity") is None


def test_for_ever_at_a_place_beats_a_limit_around_it() -> None:
    rules = Rules([EVERYTHING, rule(None, place=HALL)])
    assert rules.winner("readings", INSIDE, "co2") == rule(None, place=HALL)
    assert rules.winner("readings", [HOUSE, FARM], "co2") == EVERYTHING


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"days": 0}, "days"),
        ({"days": 36_501}, "days"),
        ({"days": 30, "summaries_days": 29}, "summaries_days"),
        ({"days": None, "summaries_days": 30}, "summaries_days"),
        ({"days": 30, "metric": ""}, "metric"),
        ({"days": 30, "keeps": "events", "metric": "co2"}, "metric"),
        ({"days": 30, "keeps": "remarks", "summaries_days": 40}, "summaries_days"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        rule(**wrong)
    assert [fault.field for fault in refused.value.faults] == [field]
