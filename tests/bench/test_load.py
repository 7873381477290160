"""The load generator, against the raw limit."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.rig.load import READINGS, Load, Shape
from bench.rig.raw import Raw, raw
from bench.rig.subject import Span

CORE = min(os.sched_getaffinity(0))
FROM_MS = 1_731_000_000_000

pytestmark = pytest.mark.needs("cc")


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return Load(tmp_path, CORE)


@pytest.fixture
def limit(tmp_path: Path) -> Iterator[Raw]:
    with raw(tmp_path, CORE, 0) as subject:
        yield subject


@pytest.mark.parametrize("mode", ["1-q0", "20-q0", "1-q1-w10", "20-q1-w1", "20-q1-w10@2000"])
def test_all_that_was_sent_is_proved_and_kept(load: Load, limit: Raw, mode: str) -> None:
    limit.remember()
    outcome = load.run(Shape.read(mode), limit.port, 0.2, 0, limit.options)
    limit.settle(outcome)
    assert outcome.sent == outcome.proved == sum(outcome.each) > 0
    assert limit.kept(outcome, Span(0, 0)) == outcome.sent * READINGS


def test_a_rate_is_held(load: Load, limit: Raw) -> None:
    seen = []
    for _ in range(20):  # a busy machine may keep it from its rate; nothing makes it pass that
        seen.append(load.run(Shape(10, 1, 1, 1000), limit.port, 0.5, 0, limit.options).per_second)
        assert seen[-1] < 1100
        if seen[-1] > 900:
            return
    pytest.fail(f"the rate was never reached: {seen}")


def test_the_measured_span_is_marked(load: Load, limit: Raw) -> None:
    marks: list[str] = []
    outcome = load.run(Shape(1, 1), limit.port, 0.2, 0.1, limit.options, marks.append)
    assert marks == ["begin", "end"]
    assert outcome.messages < outcome.sent


def test_the_journal_holds_each_acknowledged_message_once_even_when_the_server_is_killed(
    load: Load, limit: Raw, tmp_path: Path
) -> None:
    journal = tmp_path / "acks"
    options = limit.options | {"from-ms": str(FROM_MS), "journal": str(journal)}
    outcome = load.run(
        Shape(5, 1, 3), limit.port, 5, 0.2, options, lambda word: os.kill(limit.pids[0], 9) if word == "begin" else None
    )
    acknowledged = [tuple(map(int, line.split())) for line in journal.read_text().splitlines()]
    assert outcome.lost_connections == 5
    assert len(acknowledged) == len(set(acknowledged)) == outcome.proved > 0
    for device, proved in enumerate(outcome.each):
        assert {ts for number, ts in acknowledged if number == device} == set(range(FROM_MS, FROM_MS + proved))
