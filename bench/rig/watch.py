"""A look at a running server every five seconds: its memory, and how far its followers are behind."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.rig import machine, results
from bench.rig.load import Shape
from bench.rig.product import Product
from bench.rig.subject import Subject

EVERY_S = 5
LAG_S = 2.0  # what was promised
_LAG = "verger_follower_lag_seconds"


@contextmanager
def watched(subject: Subject, shape: Shape) -> Iterator[None]:
    """Look meanwhile; then keep every look, and print how memory and lag went."""
    if not isinstance(subject, Product):
        yield
        return
    looks: list[dict[str, results.Cell]] = []
    over = threading.Event()
    eye = threading.Thread(target=_look, args=(subject, shape, looks, over))
    eye.start()
    try:
        yield
    finally:
        over.set()
        eye.join()
    results.keep("ingest-long", looks)
    print(told(looks))


def _look(subject: Product, shape: Shape, looks: list[dict[str, results.Cell]], over: threading.Event) -> None:
    while not over.wait(EVERY_S):
        lags = [value for name, value in subject.figures().items() if name.startswith(_LAG)]
        looks.append(
            {
                "mode": str(shape),
                "after_s": (len(looks) + 1) * EVERY_S,
                "rss_mb": machine.resident_mb(subject.pids[0]),
                "lag_s": max(lags, default=None),
            }
        )


def told(looks: list[dict[str, results.Cell]]) -> str:
    """Return in words how memory went, by fifths of the run, and the longest lag."""
    fifth = max(len(looks) // 5, 1)
    memory = [float(look["rss_mb"] or 0) for look in looks]
    most = [f"{max(memory[begin : begin + fifth]):.0f}" for begin in range(0, fifth * 5, fifth) if memory[begin:]]
    lag = max((float(look["lag_s"] or 0) for look in looks), default=0.0)
    return (
        f"Most memory in each fifth of the run: {', '.join(most)} MB. Longest lag: {lag:.1f} s (promised: {LAG_S:g})."
    )
