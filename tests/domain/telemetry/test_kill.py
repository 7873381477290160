"""A program that is killed amid its work."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from random import SystemRandom

from tests.domain.telemetry.batches import batch, contents, on_disk

ROOT = Path(__file__).parents[3]


def acknowledged_before_kill(folder: Path, first: int, lines: int) -> dict[int, int]:
    """Run the appender until it has said so many lines, kill it, and return seeds by sequence."""
    program = [sys.executable, "-m", "tests.domain.telemetry.appender", str(folder), str(first)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as running:
        assert running.stdout
        said = list(islice(running.stdout, lines))
        running.kill()
        said += running.stdout
    whole = [line.split() for line in said if line.endswith("\n")]
    return {int(sequence): int(seed) for sequence, seed in whole}


def test_what_was_acknowledged_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    acknowledged: dict[int, int] = {}
    for each in range(3):
        more = acknowledged_before_kill(tmp_path, each * 1_000_000, SystemRandom().randint(200, 2000))
        assert len(more) >= 200
        assert not acknowledged.keys() & more.keys()
        acknowledged |= more
        there = {kept.sequence: contents(kept) for kept in on_disk(tmp_path)}
        assert list(there) == list(range(1, len(there) + 1))
        for sequence, seed in acknowledged.items():
            assert there[sequence] == contents(batch(seed, rows=seed % 50, told=seed % 2))
