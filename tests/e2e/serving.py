"""`verger serve` as a process of its own, on a folder of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.e2e.waiting import PATIENCE_S

_HERE = r"127\.0\.0\.1:(\d+)"
_READY = re.compile(rf"verger ready http=http://{_HERE} mqtt={_HERE}(?: https=https://{_HERE} mqtts={_HERE})?\n")
_LINK = re.compile(r"http://\S+/setup\?code=\S+")


def environment(folder: Path, **settings: object) -> dict[str, str]:
    """Return what a server is started with: free ports, this folder, and nothing of whoever runs the tests."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("VERGER_")}
    # What each server holds back for a full disk would fill the disk, a hundred servers together.
    wanted = {"data": folder, "http_port": 0, "mqtt_port": 0, "reserve_bytes": 1 << 20, **settings}
    return own | {f"VERGER_{name.upper()}": str(value) for name, value in wanted.items()}


def run_out(folder: Path, **settings: object) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to give up, and return how it did."""
    command = [sys.executable, "-m", "verger", "serve"]
    surroundings = environment(folder, **settings)
    return subprocess.run(
        command, cwd=folder.parent, env=surroundings, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


@dataclass
class Server:
    """A data folder and the process that serves it, with `surroundings` besides settings.

    Its ports are `http`, `mqtt` and, over TLS, `https` and `mqtts`.
    """

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)
    surroundings: dict[str, str] = field(default_factory=dict)
    http: int = 0
    mqtt: int = 0
    https: int = 0
    mqtts: int = 0
    _process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> subprocess.Popen[str]:
        """The process that was started last."""
        assert self._process is not None
        return self._process

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.http}"

    @property
    def stderr(self) -> str:
        """What it said besides its ready line, since the folder was made."""
        return self._stderr.read_text("utf-8")

    @property
    def link(self) -> str:
        """The link that it printed for the first run."""
        found = _LINK.search(self.stderr)
        assert found is not None, self.stderr
        return found[0]

    def start(self) -> Self:
        """Start it and return once it has said that it is ready."""
        with self._stderr.open("a") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "verger", "serve"],
                cwd=self.folder.parent,
                env=environment(self.folder, **self.settings) | self.surroundings,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        ready = _READY.fullmatch(line)
        if ready is None:
            self.end()
            raise AssertionError(f"{line!r} is no ready line\n{self.stderr}")
        self.http, self.mqtt, self.https, self.mqtts = (int(port or 0) for port in ready.groups())
        return self

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> tuple[int, float, str]:
        """Ask it to end; return its exit status, the seconds it took, and what it printed after its ready line."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            printed, _ = self.process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self.process.returncode, time.monotonic() - began, printed

    def end(self) -> None:
        """Leave no process behind, whatever happened."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    @property
    def _stderr(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.stderr")
