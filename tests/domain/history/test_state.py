"""Whatever is done to a history, in whatever order, and wherever it dies, it reads as a plain dictionary would.

The machine below does to a real history and to dictionaries the same deeds, and after each asks both the same. A crash
stops the writer at a chosen step that reaches the disk, or just before it, and the next life is fed from the log.
"""

import asyncio
import math
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.domain.history.dictionary import Dictionary
from tests.domain.history.life import Killed, Life
from tests.domain.history.oracle import columns
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.chunks import Chunks
from verger.domain.history.files import Files
from verger.domain.history.history import History
from verger.domain.history.index import Index
from verger.domain.history.model import Buckets

TODAY = 1_800_000_000 * SECOND // DAY * DAY
SERIES = (1, 2, 3)
EVER = (-(2**62), 2**62)
STEPS = [(Chunks, "change"), (Chunks, "thin"), (Index, "save"), (Index, "forget"), (Files, "remove")]

BITS = st.integers(0, 2**64 - 1).map(lambda bits: float(np.uint64(bits).view(np.float64)))
VALUES = st.one_of(
    st.integers(0, 9).map(float),
    st.sampled_from([20.25, -0.0, 0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf]),
    BITS.filter(lambda value: not math.isnan(value)),
)
WHEN = st.one_of(
    st.integers(0, 40).map(lambda n: n * 7 * MINUTE),
    st.integers(0, 6).map(lambda n: -n * 11 * HOUR),
    st.sampled_from([-DAY, DAY - 1, -40 * DAY, -700 * DAY, 3 * DAY, 400 * DAY, HOUR, HOUR - 1]),
)
ROWS = st.lists(st.tuples(st.sampled_from(SERIES), WHEN, VALUES), min_size=1, max_size=20)


class Machine(RuleBasedStateMachine):
    """One history and one dictionary, and the event loop that the history needs."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.clock, self.model = HeldClock(TODAY + 5 * HOUR), Dictionary()
        self.history = self.run(self.opened())

    async def opened(self) -> History:
        return await History.open(Path(self.folder.name), hot_bytes=2 * 20 * 60, clock=self.clock)

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def feed(self) -> None:
        for sequence, rows in enumerate(self.model.records, 1):
            if sequence > self.history.position:
                self.run(self.take(sequence, rows))

    async def take(self, sequence: int, rows: list[tuple[int, int, float]]) -> None:
        await self.history.wait_for_room()
        self.history.take(sequence, *columns(rows))

    @rule(rows=ROWS)
    def readings_come(self, rows: list[tuple[int, int, float]]) -> None:
        now = self.clock.now() // HOUR * HOUR
        rows = [(series, now + when, value) for series, when, value in rows]
        self.run(self.take(self.model.take(rows), rows))

    @rule(rows=ROWS)
    def readings_are_loaded(self, rows: list[tuple[int, int, float]]) -> None:
        rows = [(series, TODAY + when, value) for series, when, value in rows]
        self.run(self.history.load(*columns(rows)))
        self.model.load(rows)

    @rule()
    def it_flushes(self) -> None:
        self.run(self.history.flush())
        assert self.history.position == len(self.model.records)

    @rule(hours=st.sampled_from([1, 7, 30]))
    def time_goes_on(self, hours: int) -> None:
        self.clock.advance(hours * 3600)

    @rule()
    def days_are_merged(self) -> None:
        self.run(self.history.merge_days())

    @rule()
    def it_restarts(self) -> None:
        self.run(self.history.close())
        self.history = self.run(self.opened())
        self.feed()

    @rule(series=st.sampled_from(SERIES), days=st.integers(-1, 3))
    def old_days_are_thinned(self, series: int, days: int) -> None:
        self.settle()
        before = self.clock.now() - days * DAY
        self.run(self.history.thin([series], min(before, self.merged_upto())))
        self.model.thin(series, min(before, self.merged_upto()))

    @rule(series=st.sampled_from(SERIES), days=st.integers(-2, 3))
    def old_days_are_dropped(self, series: int, days: int) -> None:
        self.settle()
        self.run(self.history.drop([series], self.clock.now() - days * DAY))
        self.model.drop(series, self.clock.now() - days * DAY)

    @rule(series=st.sampled_from(SERIES))
    def a_series_is_deleted(self, series: int) -> None:
        self.run(self.history.delete([series]))
        self.model.delete(series)

    @precondition(lambda self: self.model.records)
    @rule(steps=st.integers(1, 6), done=st.booleans(), what=st.sampled_from(["flush", "merge", "thin", "delete"]))
    def it_dies_amid_its_work(self, steps: int, what: str, *, done: bool) -> None:
        if what == "thin":
            self.settle()
        before, life, died = self.merged_upto(), Life(steps, done=done), False
        work = {
            "flush": self.history.flush,
            "merge": self.history.merge_days,
            "thin": lambda: self.history.thin([1], before),
            "delete": lambda: self.history.delete([1]),
        }[what]
        with ExitStack() as dying:
            for owner, name in STEPS:
                dying.enter_context(patch.object(owner, name, life.step(getattr(owner, name))))
            try:
                self.run(work())
            except Killed:
                died = True
            self.run(self.history.close())
        self.history = self.run(self.opened())
        self.feed()
        # What was asked for may be done by half: asking again makes it whole, as whoever asked would.
        if died and what == "thin":
            self.settle()
        if what == "thin":
            self.run(self.history.thin([1], before))
            self.model.thin(1, before)
        if what == "delete":
            self.run(self.history.delete([1]))
            self.model.delete(1)

    def settle(self) -> None:
        """Bring all into chunks, so that what is thinned or dropped is all there was."""
        self.run(self.history.flush())
        self.run(self.history.merge_days())

    def merged_upto(self) -> int:
        """Return the day before which all is in chunks of days, once it is settled."""
        return (self.clock.now() - 2 * HOUR) // DAY * DAY

    @invariant()
    def it_knows_the_latest(self) -> None:
        assert self.history.latest(SERIES) == [self.model.latest.get(series) for series in SERIES]

    @rule(series=st.sampled_from(SERIES))
    def it_is_asked(self, series: int) -> None:
        self.run(self.reads_alike(series))

    async def reads_alike(self, series: int) -> None:
        there = sorted(self.model.held.get(series, {}).items())
        found = await self.history.raw(series, *EVER)
        assert (found.at.tolist(), bits(found.value)) == ([at for at, _ in there], bits([value for _, value in there]))
        for start, end in (EVER, (self.clock.now() - DAY, self.clock.now() + HOUR)):
            some = [pair for pair in there if start <= pair[0] < end]
            for newest in (False, True):
                page = await self.history.raw(series, start, end, 3, newest=newest)
                assert page.at.tolist() == [at for at, _ in (some[-3:] if newest else some[:3])]
        hours = self.model.hours(series)
        assert list(await self.history.hours(series, *EVER)) == [hour * HOUR for hour in hours]
        begin = self.clock.now() // DAY * DAY - 2 * DAY
        for points in (3, 48):
            summed(await self.history.buckets(series, begin, begin + 2 * DAY, points), hours, there, begin, points)

    def teardown(self) -> None:
        for series in SERIES:
            self.run(self.reads_alike(series))
        self.run(self.history.flush())
        stats = self.run(self.history.stats())
        assert stats.damaged == ()
        assert stats.readings == sum(len(v) for s in SERIES for v in self.model.hours(s).values())
        self.run(self.history.close())
        self.runner.close()
        self.folder.cleanup()


def bits(values: Any) -> bytes:
    return np.asarray(values, np.float64).tobytes()


def summed(
    found: Buckets, hours: dict[int, list[float]], there: list[tuple[int, float]], begin: int, points: int
) -> None:
    """Fail unless buckets of whole hours hold what the dictionary does."""
    if found.raw:
        alone = [(at, value) for at, value in there if begin <= at < begin + 2 * DAY]
        assert len(alone) <= points
        assert (found.at.tolist(), bits(found.avg)) == ([at for at, _ in alone], bits([value for _, value in alone]))
        return
    assert found.width_us % HOUR == 0
    lots: dict[int, list[float]] = {}
    for hour, values in hours.items():
        if begin <= hour * HOUR < begin + 2 * DAY:
            lots.setdefault(hour * HOUR // found.width_us * found.width_us, []).extend(values)
    assert found.at.tolist() == list(lots)
    assert found.count.tolist() == [len(lot) for lot in lots.values()]
    assert found.min.tolist() == [min(lot) for lot in lots.values()]
    assert found.max.tolist() == [max(lot) for lot in lots.values()]
    assert found.last.tolist() == [lot[-1] for lot in lots.values()]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "examples", [25, pytest.param(400, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=["short", "long"]
)
def test_any_order_of_deeds_and_crashes_reads_as_a_dictionary_would(examples: int) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
