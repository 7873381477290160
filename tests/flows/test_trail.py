"""What deleted data leaves behind besides log and history."""

import os
from pathlib import Path
from typing import Any

from verger.base.clock import SECOND, HeldClock
from verger.flows.trail import Trail


async def test_copies_of_the_database_before_an_upgrade_go_after_a_week(tmp_path: Path, clock: HeldClock) -> None:
    now = clock.now() / SECOND
    old, young = (tmp_path / f"verger-before-000{number}-to-0009.db" for number in (1, 2))
    for path, days in ((old, 8), (young, 6)):
        path.touch()
        os.utime(path, (now - days * 86_400,) * 2)
    unused: Any = None
    await Trail(unused, unused, unused, unused, clock, unused).remove_copies(tmp_path)
    assert (old.exists(), young.exists()) == (False, True)
