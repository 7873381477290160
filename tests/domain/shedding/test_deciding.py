"""What is cut off, in which order, and what never is: tables of readings, also with a restart between any two."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verger.base.clock import SECOND
from verger.base.errors import Invalid
from verger.domain.shedding.deciding import decide
from verger.domain.shedding.model import Guarded, Load, Memory, Plan


def load(device: str, socket: str = "a") -> Load:
    return Load(device=device, method="relay_off", params={"socket": socket})


LAMP, HEATER, OVEN = load("lamp"), load("heater"), load("oven", "b")


def plan(**more: Any) -> Plan:
    usual: dict[str, Any] = {"metric": "current_ma", "limit": 100, "enabled": True, "order": (LAMP, HEATER, OVEN)}
    return Plan(**usual | more)


def cuts(
    planned: Plan, readings: list[tuple[float, float]], off: tuple[Load, ...] = (), *, restarts: bool = False
) -> list[tuple[float, str]]:
    """Return what is cut off when by readings of so many seconds and values; what is `off` draws nothing."""
    memory, found = Memory(), []
    for second, value in readings:
        if restarts:
            memory = msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory)
        memory, chosen = decide(planned, memory, round((1000 + second) * SECOND), value, lambda each: each not in off)
        if chosen is not None:
            found.append((second, chosen.device))
    return found


OVER = [(second, 120.0) for second in range(0, 50, 2)]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize(
    ("planned", "readings", "off", "wanted"),
    [
        (plan(), [(0, 100), (2, 99)], (), []),
        (plan(), OVER, (), [(0, "lamp"), (10, "heater"), (20, "oven"), (30, "lamp"), (40, "heater")]),
        (plan(rest_s=4), OVER[:5], (), [(0, "lamp"), (4, "heater"), (8, "oven")]),
        (plan(over_s=3), OVER[:8], (), [(4, "lamp"), (14, "heater")]),
        (plan(over_s=3), [(0, 120), (2, 90), (4, 120), (6, 120), (8, 120)], (), [(8, "lamp")]),
        (plan(), OVER[:12], (LAMP,), [(0, "heater"), (10, "oven"), (20, "heater")]),
        (plan(), OVER, (LAMP, HEATER, OVEN), []),
        (plan(enabled=False), OVER, (), []),
        # It is enough: the next time it begins with the first again, but not before the rest is over.
        (plan(), [(0, 120), (2, 90), (4, 120), (8, 120), (10, 120)], (), [(0, "lamp"), (10, "lamp")]),
        # What comes again, or from before, is not judged twice.
        (plan(rest_s=4), [(0, 120), (0, 120), (-5, 120), (4, 120)], (), [(0, "lamp"), (4, "heater")]),
    ],
)
def test_loads_are_cut_off_in_their_order(
    planned: Plan,
    readings: list[tuple[float, float]],
    off: tuple[Load, ...],
    wanted: list[tuple[float, str]],
    *,
    restarts: bool,
) -> None:
    assert cuts(planned, readings, off, restarts=restarts) == wanted


def test_what_is_protected_cannot_stand_in_the_order() -> None:
    for guarded in (Guarded(device="oven"), Guarded(device="oven", params={"socket": "b"})):
        with pytest.raises(Invalid, match="protected"):
            plan(protected=(guarded,))
    assert plan(protected=(Guarded(device="oven", params={"socket": "a"}),)).order[-1] == OVEN


def test_a_plan_that_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid, match="already"):
        plan(order=(LAMP, LAMP))
    with pytest.raises(Invalid, match="first"):
        plan(order=())


@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from([90.0, 110.0])), max_size=40), st.integers(4, 20))
@settings(max_examples=200)
def test_nothing_protected_is_ever_cut_off_and_nothing_before_its_rest_is_over(
    steps: list[tuple[int, float]], rest_s: int
) -> None:
    guarded = plan(rest_s=rest_s, order=(LAMP, OVEN), protected=(Guarded(device="heater"),))
    second, readings = 0, []
    for wait, value in steps:
        second += wait
        readings.append((float(second), value))
    found = cuts(guarded, readings)
    assert "heater" not in {device for _, device in found}
    assert all(after - before >= rest_s for (before, _), (after, _) in pairwise(found))
