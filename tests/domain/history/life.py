"""A life of a program that ends at a chosen step of its work."""

from collections.abc import Callable
from typing import Any


class Killed(Exception):
    """The process died here."""


class Life:
    """Lets some steps that reach the disk be done, then dies before or after the next one, and does none any more."""

    def __init__(self, steps: int, *, done: bool) -> None:
        self._left, self._done = steps, done

    def step(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._done):
                raise Killed
            answer = work(*given, **named)
            if self._left == 0:
                raise Killed
            return answer

        return stepped
