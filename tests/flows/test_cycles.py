"""Minutes on and off, as schedules."""

import pytest

from verger.base.errors import Invalid
from verger.domain.rules.conditions import Condition
from verger.flows.cycles import Cycle


@pytest.mark.parametrize(
    ("on", "off"), [(30, 30), (1, 1), (960, 480), (45, 45), (20, 5), (700, 100), (5, 1435), (60, 60), (720, 720)]
)
def test_a_cycle_is_known_again_by_its_schedules(on: int, off: int) -> None:
    cycle = Cycle(on, off)
    assert Cycle.of(cycle.ons, cycle.offs) == cycle


def test_schedules_begin_at_midnight() -> None:
    assert Cycle(960, 480).ons == Condition(schedule="0 0 * * *")
    assert Cycle(960, 480).offs == Condition(schedule="0 16 * * *")
    assert Cycle(45, 45).ons.any == (
        Condition(schedule="0 0,3,6,9,12,15,18,21 * * *"),
        Condition(schedule="30 1,4,7,10,13,16,19,22 * * *"),
    )


@pytest.mark.parametrize(("on", "off"), [(0, 30), (30, 0), (-5, 10), (1000, 1000), (3, 4)])
def test_a_cycle_that_cannot_be_is_refused(on: int, off: int) -> None:
    with pytest.raises(Invalid, match="lamp_schedule"):
        Cycle(on, off)


@pytest.mark.parametrize("schedule", ["@hourly", "*/5 * * * *", "0 6-9 * * *", "30 * * * *"])
def test_what_people_wrote_otherwise_is_no_cycle(schedule: str) -> None:
    assert Cycle.of(Condition(schedule=schedule), Condition(schedule="30 * * * *")) is None
