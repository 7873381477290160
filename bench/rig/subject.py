"""What is put under load: a started server that can say afterwards what it kept."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from bench.rig.load import Outcome
from bench.rig.machine import pinned

Server = subprocess.Popen[str]


class Span(msgspec.Struct, frozen=True):
    """When a run was, in microseconds since 1970: `began` before its first message, `ended` after its last ack."""

    began: int
    ended: int


class Subject(Protocol):
    """A server under load; `options` are what the generator needs besides the port."""

    name: str
    port: int
    pids: list[int]
    options: dict[str, str]
    acks_what_it_kept: bool

    def remember(self) -> None:
        """Note what is kept before a run."""

    def settle(self, outcome: Outcome) -> None:
        """Return once all of a run is kept, or it is clear that it never will be."""

    def kept(self, outcome: Outcome, span: Span) -> int:
        """Return how many readings of a run are kept, each with its own device."""


@contextmanager
def started(words: list[str], core: int, log: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run a server on one core, its errors in a log; end it afterwards."""
    with log.open("w") as errors:
        with pinned(core):
            server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, env=env)
        with server:
            try:
                yield server
            finally:
                _end(server)


def _end(server: Server) -> None:
    server.terminate()
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()


def ready_line(server: Server, words: str, log: Path) -> str:
    """Return the line holding these words, by which a server says that it listens, or leave with its log."""
    for line in server.stdout or ():
        if words in line:
            return line.strip()
    sys.exit(f"A server ended before it was ready:\n{log.read_text()[-2000:]}")
