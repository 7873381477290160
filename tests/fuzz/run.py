"""Fuzzes one target for some seconds: `python -m tests.fuzz.run packets 60 CORPUS`; status 0 when nothing was found."""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["verger.edges.wire", "verger.edges.api.bodies", "verger.domain.telemetry.model"]
):
    from tests.fuzz.targets import TARGETS

MOST_MB = 768
LONGEST_S = 5


def main(target: str, seconds: str, corpus: str) -> None:
    """Fuzz until the time is over or something escapes."""
    Path(corpus).mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MB}", f"-timeout={LONGEST_S}", "-max_len=8192"]
    atheris.Setup(["fuzz", *options, f"-artifact_prefix={corpus}/", corpus], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
