"""Modes as they are written, and the table of runs."""

import pytest

from bench.rig.load import Shape
from bench.rig.table import Run, show


def run(subject: str, messages_s: float, *, whole: bool = True, generator: float = 0.5, others: float = 0.0) -> Run:
    return Run(
        subject=subject,
        mode="100-q1-w10",
        seconds=60,
        messages_s=messages_s,
        cpu_s_per_100k=1.5,
        server_share=0.99,
        generator_share=generator,
        others_share=others,
        acks_what_it_kept=subject != "mosquitto chain",
        p50_ms=1,
        p99_ms=2,
        peak_mb=100,
        sent=10,
        acknowledged=10,
        kept_readings=30 if whole else 29,
        whole=whole,
    )


@pytest.mark.parametrize("mode", ["1-q0", "1000-q1-w1", "100-q1-w10@25000"])
def test_a_mode_is_written_as_it_is_read(mode: str) -> None:
    assert str(Shape.read(mode)) == mode


def test_a_mode_that_makes_no_sense_is_told() -> None:
    with pytest.raises(SystemExit, match="ten is no mode"):
        Shape.read("ten")


def test_the_table_shows_medians_and_how_many_times_verger_is_faster() -> None:
    runs = [run("verger", rate) for rate in (50_000, 70_000, 60_000)] + [run("mosquitto chain", 15_000)]
    _, _, ours, theirs = show(runs).splitlines()
    assert "| 60,000 | 50,000 to 70,000 | 180,000 |" in ours
    assert "| 1.00 (before it was kept) |" in theirs
    assert theirs.endswith("| 4.00 x |")


def test_a_run_that_should_not_be_believed_says_why() -> None:
    assert list(run("verger", 1).complaints()) == []
    assert "29 readings are kept, 30 were acknowledged" in next(run("verger", 1, whole=False).complaints())
    assert "used 95% of its core" in next(run("verger", 1, generator=0.95).complaints())
    assert "other programs used 30% of a core" in next(run("verger", 1, others=0.3).complaints())
