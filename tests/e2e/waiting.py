"""Waiting for what another process does: the one place where a test looks again and again."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 60.0
"""How long another process may take for anything, however busy the machine is."""

_LOOK_EVERY_S = 0.02


def until(look: Callable[[], T], within: float = PATIENCE_S) -> T:
    """Return the first thing found that is not empty; fail after so many seconds with the last look."""
    end = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < end, f"it did not come to pass within {within:g} s; the last look gave {found!r}"
        time.sleep(_LOOK_EVERY_S)
    return found
