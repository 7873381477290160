"""Growing cycles, without anything around them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from verger.base.errors import Conflict, Invalid
from verger.domain.cycles.model import Cycle, CycleStage, CycleStep, Happening, begun, ended, moved

BEGIN = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def cycle(**more: Any) -> Cycle:
    return begun(Cycle(id="c", place="p", started_at=BEGIN, created_at=BEGIN, **more))


def test_a_cycle_goes_through_stages_in_any_order_and_ends_once() -> None:
    one = moved(moved(cycle(), CycleStage.fruiting, BEGIN + DAY), CycleStage.incubation, BEGIN + 2 * DAY)
    assert one.stages == (
        CycleStep(CycleStage.inoculation, BEGIN),
        CycleStep(CycleStage.fruiting, BEGIN + DAY),
        CycleStep(CycleStage.incubation, BEGIN + 2 * DAY),
    )
    assert moved(one, CycleStage.incubation, BEGIN) == one
    over = ended(one, BEGIN + 3 * DAY, "harvested")
    assert (over.runs, over.outcome) == (False, "harvested")
    with pytest.raises(Conflict):
        moved(over, CycleStage.rest, BEGIN + 4 * DAY)
    with pytest.raises(Conflict):
        ended(over, BEGIN + 4 * DAY, "aborted")


def test_no_stage_begins_before_the_one_before_it() -> None:
    one = moved(cycle(), CycleStage.pinning, BEGIN + DAY)
    with pytest.raises(Invalid, match="before its last stage"):
        moved(one, CycleStage.rest, BEGIN)
    with pytest.raises(Invalid, match="before its last stage"):
        ended(one, BEGIN, "aborted")


@pytest.mark.parametrize("wrong", [{"crop": "x" * 121}, {"notes": "x" * 4001}, {"expected_at": BEGIN - DAY}])
def test_a_cycle_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:
        cycle(**wrong)
    assert [fault.field for fault in refused.value.faults] == list(wrong)


@pytest.mark.parametrize("wrong", [{}, {"weight_kg": -1}, {"weight_kg": float("nan")}, {"weight_kg": 2e6}])
def test_a_harvest_has_a_weight_that_can_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Happening(id="h", cycle="c", kind="harvest", at=BEGIN, by="user:1", **wrong)
    assert Happening(id="h", cycle="c", kind="contamination", at=BEGIN, by="user:1").weight_kg is None
