"""What a reading takes on disk: Verger's chunks, and the same readings as rows in SQLite and PostgreSQL."""

from pathlib import Path

import numpy as np

from bench.rig.figures import Figures
from bench.rig.life import NOISE, START
from bench.rig.postgres import BIN, postgres
from bench.rig.rows import SqliteRows
from verger.base.clock import DAY, SECOND, HeldClock
from verger.domain.history.history import History

SERIES, ROUNDS = 100, 8640  # a day at 10 s


async def storage(figures: Figures, folder: Path) -> None:
    """Keep a day of 100 sensors at 10 s, as it arrives, in each of them."""
    numbers = np.tile(np.arange(1, SERIES + 1, dtype=np.uint32), ROUNDS)
    at = START + np.repeat(np.arange(ROUNDS) * 10 * SECOND, SERIES) + NOISE.integers(0, 21, SERIES * ROUNDS) * 1000
    value = np.round(21 + np.tile(NOISE.random(SERIES), ROUNDS) + NOISE.normal(0, 0.05, SERIES * ROUNDS), 2)
    what = f"{SERIES} series at 10 s, a day: disk"
    history = await History.open(folder, clock=HeldClock(START + 3 * DAY))
    await history.load(numbers, at, value)
    await history.merge_days()
    stats = await history.stats()
    figures.tell(what, "B a reading", stats.disk_bytes / stats.readings)
    await history.close()
    rows = SqliteRows(folder)
    rows.load(numbers, at, value)
    figures.tell(what, "B a reading", rows.bytes() / len(at), subject=rows.name)
    rows.close()
    if not BIN.is_dir():
        print("PostgreSQL is left out: it is not installed (apt install postgresql).")
        return
    with postgres(folder / "postgres") as server:
        server.load(numbers, at, value)
        figures.tell(what, "B a reading", server.bytes() / len(at), subject=server.name)
