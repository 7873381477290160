"""Bytes written for each message of a quiet house: `python3 dev.py bench wear [--seconds N] [--folder F]`.

Ten devices send three values every ten seconds to the whole program. Counted are the bytes that the server had written
(/proc/<pid>/io) and those that reached the block device under the folder: give it one of its own (a file, `mkfs.ext4`,
`mount -o loop`), else what others write there counts too. Afterwards all readings must be in the history.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.rig.figures import Figures
from bench.rig.load import READINGS, Load, Shape
from bench.rig.machine import cores
from bench.rig.product import product
from bench.rig.subject import Span

DEVICES, EVERY_S = 10, 10
MOST_KIB = 12  # a message; what was promised
SECTOR = 512


def process_bytes(pid: int) -> int:
    """Return the bytes a process has had written to disk."""
    lines = Path(f"/proc/{pid}/io").read_text("ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("write_bytes")))


def device_bytes(folder: Path) -> int:
    """Return the bytes written so far to the block device that a folder lies on, all programs together."""
    number = folder.stat().st_dev
    stat = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
    return int(stat.read_text("ascii").split()[6]) * SECTOR if stat.exists() else 0


def main(words: list[str]) -> int:
    """Run once; print and keep the figures; return 1 if it is more than was promised or not all was kept."""
    options = argparse.ArgumentParser(prog="dev.py bench wear", description=__doc__)
    options.add_argument("--seconds", type=int, default=600)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    wanted = options.parse_args(words)
    figures, two = Figures("wear"), cores()
    shape = Shape(DEVICES, qos=1, window=1, rate=DEVICES // EVERY_S)
    with tempfile.TemporaryDirectory(dir=wanted.folder) as data, tempfile.TemporaryDirectory() as scratch:
        load = Load(Path(scratch), two.generator)
        with product(Path(data), two.server, DEVICES) as house:
            os.sync()
            began = time.time_ns() // 1000
            before = process_bytes(house.pids[0]), device_bytes(Path(data))
            outcome = load.run(shape, house.port, wanted.seconds, 0, house.options)
            os.sync()
            spent = process_bytes(house.pids[0]) - before[0], device_bytes(Path(data)) - before[1]
            sent = sum(outcome.each)
            kept = house.kept(outcome, Span(began, time.time_ns() // 1000))
    for name, of in zip(("by the program", "to the device"), spent, strict=True):
        figures.tell(f"written {name}, {wanted.seconds} s of {DEVICES} devices", "KiB a message", of / sent / 1024)
    figures.tell("messages, all kept", "messages", sent)
    if kept != sent * READINGS:
        print(f"NOT ALL KEPT: {kept} of {sent * READINGS} readings.")
        return 1
    return int(spent[0] / sent > MOST_KIB * 1024)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
