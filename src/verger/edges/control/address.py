"""Where the control socket stands, in a form that fits into the 108 bytes that the system allows."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "control"
_MOST = 100


@contextmanager
def reachable(folder: Path) -> Iterator[Path]:
    """Give a path of the socket in a folder that the system takes; it is good while this is held."""
    path = folder / NAME
    if len(os.fsencode(path)) <= _MOST:
        yield path
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield Path(f"/proc/self/fd/{handle}") / NAME
    finally:
        os.close(handle)
