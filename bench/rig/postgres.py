"""PostgreSQL as a peer: a cluster of its own in a throw-away folder, spoken to by psql over a socket in it."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/nowhere"))
_USER = "postgres"  # its server does not run as root
_SETTINGS = "listen_addresses = ''\nunix_socket_directories = '{folder}'\nmax_wal_size = '8GB'\n"


class PostgresRows:
    """Rows with the primary key (series, moment), as they arrive."""

    name = "postgresql rows"

    def __init__(self, folder: Path) -> None:
        """Speak to the server of a folder."""
        self._folder = folder
        self._ask("CREATE TABLE reading (series int, moment bigint, value float8, PRIMARY KEY (series, moment))")

    def load(self, series: Any, at: Any, value: Any) -> None:
        """Keep some readings."""
        rows = zip(series.tolist(), at.tolist(), value.tolist(), strict=True)
        self._ask("COPY reading FROM STDIN (FORMAT csv)", "".join(f"{a},{b},{c!r}\n" for a, b, c in rows))

    def bytes(self) -> int:
        """Return what the rows take on disk with their index, tidied up; the log is apart."""
        self._ask("VACUUM (FULL, ANALYZE) reading")
        return int(self._ask("SELECT pg_total_relation_size('reading')"))

    def _ask(self, sql: str, given: str = "") -> str:
        words = [str(BIN / "psql"), "-h", str(self._folder), "-d", _USER, "-Atqc", sql]
        return _run(words, given).strip()


@contextmanager
def postgres(folder: Path) -> Iterator[PostgresRows]:
    """Run a server in a folder; raises FileNotFoundError where PostgreSQL is not installed."""
    folder.mkdir()
    if os.geteuid() == 0:
        for each in (folder, *folder.parents):
            if each == Path("/tmp"):  # noqa: S108  throw-away folders lie there, and only their owner may enter
                break
            each.chmod(0o755)
        shutil.chown(folder, _USER)
    data = folder / "data"
    _run([str(BIN / "initdb"), "-D", str(data), "-A", "trust", "--no-instructions"])
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS.format(folder=folder))
    control = [str(BIN / "pg_ctl"), "-D", str(data), "-w", "-s"]
    _run([*control, "-l", str(folder / "log"), "start"])
    try:
        yield PostgresRows(folder)
    finally:
        _run([*control, "-m", "immediate", "stop"])


def _run(words: Sequence[str], given: str = "") -> str:
    if not BIN.is_dir():
        raise FileNotFoundError("PostgreSQL is not installed.")
    user = _USER if os.geteuid() == 0 else None
    done = subprocess.run(words, input=given, text=True, capture_output=True, check=True, user=user, cwd="/")
    return done.stdout
