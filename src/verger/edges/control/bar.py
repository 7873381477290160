"""How far a command is, shown where somebody looks."""

import sys
from collections.abc import Callable
from typing import Any, Self

import click

_MOST_STEPS = 1000


class Bar:
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, label: str) -> None:
        """Show nothing yet."""
        self._label = label
        self._bar: Any = None
        self._step = 0

    def __enter__(self) -> Self:
        """Begin to show it."""
        if sys.stderr.isatty():
            self._bar = click.progressbar(length=_MOST_STEPS, label=self._label, file=sys.stderr)
            self._bar.__enter__()
        return self

    def __exit__(self, *how: object) -> None:
        """End, at the end unless something went wrong."""
        if self._bar is not None:
            if how[0] is None:
                self._bar.update(_MOST_STEPS - self._step)
            self._bar.__exit__(*how)

    @property
    def reached(self) -> Callable[[int, int | None], None]:
        """Show how far it is."""

        def show(done: int, total: int | None) -> None:
            step = _MOST_STEPS * done // total if total else 0
            if self._bar is not None and step > self._step:
                self._bar.update(step - self._step)
                self._step = step

        return show
