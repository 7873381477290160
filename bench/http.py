"""Telemetry over HTTP, one message a request, keep-alive, beside other frameworks: `python3 dev.py bench http`."""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.rig import machine, results
from bench.rig.chain import free_port, wait_until_listening
from bench.rig.estate import settled
from bench.rig.load import READINGS
from bench.rig.product import Product
from bench.rig.subject import Span, started

PEERS = Path(__file__).with_name("peers")
FRAMEWORKS = ("litestar", "fastapi", "django")
WANTED = 15_000  # requests a second
SCRIPT = """
local paths, requests, n = {%s}, {}, 0
wrk.method, wrk.headers["Content-Type"] = "POST", "application/json"
function init()
  for i, path in ipairs(paths) do
    requests[i] = wrk.format(nil, path, nil, '{"temperature":21.5,"humidity":40.5,"co2":' .. 999 + i .. '.5}')
  end
end
function request() n = n %% #requests + 1; return requests[n] end
"""


def drive(script: Path, port: int, core: int, connections: int, seconds: float) -> int:
    """Send requests from one core for some seconds; return how many were answered with success."""
    wrk = shutil.which("wrk") or sys.exit("This bench needs wrk: install it.")
    words = [
        wrk,
        "-t1",
        f"-c{connections}",
        f"-d{seconds:g}s",
        "--timeout",
        "30s",
        "-s",
        str(script),
        f"http://127.0.0.1:{port}/",
    ]
    with machine.pinned(core):
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    if failed := re.search(r"(Non-2xx.*|Socket errors.*)", told):
        sys.exit(f"Not every request was answered well: {failed[1]}")
    answered = re.search(r"(\d+) requests in", told)
    return int(answered[1]) if answered else 0


@contextmanager
def framework(name: str, core: int, folder: Path) -> Iterator[tuple[int, list[int]]]:
    """Run a handler of another framework on one core; give its port and process."""
    home = Path(sys.prefix) / "peers"
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(PEERS / "http.txt")], check=True)
    port = free_port()
    words = [str(python), "-m", "uvicorn", "--factory", f"bench.peers.handlers:{name}", "--port", str(port)]
    words += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "error"]
    with started(words, core, folder / f"{name}.log") as server:
        wait_until_listening(port)
        yield port, [server.pid]


def measure(name: str, asked: argparse.Namespace, cores: machine.Cores) -> list[dict[str, results.Cell]]:
    """Run one subject so many times."""
    with tempfile.TemporaryDirectory(prefix="verger-bench-") as text:
        folder, rows = Path(text), []
        script = folder / "requests.lua"
        if name == "verger":
            with settled(folder, cores.server, asked.connections) as (subject, estate):
                script.write_text(SCRIPT % ",".join(f'"/api/v1/{token}/telemetry"' for token in estate.tokens))
                port = int(subject.address.rpartition(":")[2])
                for _ in range(asked.runs):
                    began = time.time_ns() // 1000
                    row = _run(name, script, port, subject.pids, asked, cores)
                    rows.append(row | {"kept": _kept(subject, began, int(row["requests"] or 0), asked.connections)})
            return rows
        script.write_text(SCRIPT % '"/api/v1/token/telemetry"')
        with framework(name, cores.server, folder) as (port, pids):
            return [_run(name, script, port, pids, asked, cores) | {"kept": None} for _ in range(asked.runs)]


def _run(
    name: str, script: Path, port: int, pids: list[int], asked: argparse.Namespace, cores: machine.Cores
) -> dict[str, results.Cell]:
    drive(script, port, cores.generator, asked.connections, 1)
    begin = machine.moment(pids, cores)
    requests = drive(script, port, cores.generator, asked.connections, asked.seconds)
    end = machine.moment(pids, cores)
    return {
        "subject": name,
        "requests/s": requests / (end.at - begin.at),
        "requests": requests,
        "CPU-s/100k": (end.cpu_s - begin.cpu_s) / max(requests, 1) * 1e5,
        "core": (end.cpu_s - begin.cpu_s) / (end.at - begin.at),
        "RSS MB": end.peak_mb,
    }


def _kept(subject: Product, began: int, requests: int, connections: int) -> bool:
    """Tell whether the history holds every message that was answered; of those in flight at the end any may be kept."""
    held = subject.count(Span(began, time.time_ns() // 1000))
    return requests * READINGS <= held <= (requests + 2 * connections) * READINGS * 2


def main(words: list[str]) -> int:
    """Measure, print medians, and return 1 if something answered was not kept."""
    options = argparse.ArgumentParser(prog="dev.py bench http", description=__doc__)
    options.add_argument("--only", default=",".join(("verger", *FRAMEWORKS)))
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--connections", type=int, default=64)
    options.add_argument("--quick", action="store_true", help="one run of 3 s each: a look, no proof")
    asked = options.parse_args(words)
    if asked.quick:
        asked.runs, asked.seconds = 1, 3
    cores = machine.cores()
    rows = [row for name in asked.only.split(",") for row in measure(name, asked, cores)]
    results.keep("http", rows)
    shown = results.medians(rows, "subject")
    print(results.show(shown))
    print(f"Promised: {WANTED:,} requests a second.")
    return 1 if any(row["kept"] is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
