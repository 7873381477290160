"""Whatever happens to a history, it reads as plain dictionaries would."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.domain.history.oracle import Oracle, Row, assert_agrees, columns
from verger.base.clock import DAY, HOUR, MINUTE, SECOND, HeldClock
from verger.domain.history.history import History

NOW = 1_800_000_000 * SECOND
YEAR_2000 = 946_684_800 * SECOND
SERIES = (1, 2, 70_000)
SPANS = [
    (0, NOW + DAY),
    (NOW - HOUR, NOW + 7),
    (NOW // HOUR * HOUR, NOW // HOUR * HOUR + HOUR),
    (YEAR_2000, NOW - 50 * DAY),
]

TIMES = st.one_of(
    st.integers(0, 30).map(lambda n: NOW + n * 10 * SECOND),
    st.integers(0, 300).map(lambda n: NOW - n * 7 * MINUTE),
    st.integers(0, 5).map(lambda n: NOW - n * 20 * DAY),
    st.integers(0, 2).map(lambda n: YEAR_2000 + n),
)
VALUES = st.one_of(st.integers(0, 9).map(float), st.sampled_from([20.25, -0.5, 1e300, 0.1]))
ROWS = st.lists(st.tuples(st.sampled_from(SERIES), TIMES, VALUES), max_size=25)
DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), ROWS),
        st.tuples(st.just("take"), ROWS),
        st.tuples(st.just("load"), ROWS),
        st.tuples(st.just("flush"), st.none()),
        st.tuples(st.just("hour"), st.none()),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("delete"), st.sampled_from(SERIES)),
    ),
    max_size=12,
)


async def live(folder: Path, deeds: Sequence[tuple[str, list[Row] | int | None]]) -> None:
    oracle, clock = Oracle(), HeldClock(NOW)
    history = await History.open(folder, hot_bytes=2 * 20 * 40, clock=clock)
    for deed, given_ in deeds:
        match deed, given_:
            case "take", list(rows):
                await history.wait_for_room()
                history.take(oracle.take(rows), *columns(rows))
            case "load", list(rows):
                await history.load(*columns(rows))
                oracle.load(rows)
            case "delete", int(series):
                await history.delete([series])
                oracle.delete(series)
            case "flush", _:
                await history.flush()
                assert history.position == len(oracle.records)
            case "hour", _:
                clock.advance(3700)
            case _:
                await history.close()
                history = await History.open(folder, hot_bytes=2 * 20 * 40, clock=clock)
                oracle.feed(history, history.position)
    await assert_agrees(history, oracle, SERIES, SPANS)
    assert (await history.stats()).damaged == ()
    await history.close()


@pytest.mark.usefixtures("small")
@given(DEEDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_deeds_reads_as_a_dictionary_would(deeds: list[tuple[str, list[Row] | int | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder), deeds))
