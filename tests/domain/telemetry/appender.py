"""A program that appends for ever and says what was acknowledged: `python appender.py FOLDER FIRST_SEED`."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from tests.domain.telemetry.batches import batch
from verger.domain.telemetry.log import Log


async def _append(log: Log, seeds: "count[int]") -> None:
    for seed in seeds:
        kept = await log.append(batch(seed, rows=seed % 50, told=seed % 2))
        sys.stdout.write(f"{kept.sequence} {seed}\n")
        sys.stdout.flush()


async def _main(folder: Path, first: int) -> None:
    log = await Log.open(folder, segment_bytes=20_000)
    seeds = count(first)
    await asyncio.gather(*(_append(log, seeds) for _ in range(8)))


asyncio.run(_main(Path(sys.argv[1]), int(sys.argv[2])))
