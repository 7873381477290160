"""Weighing: how much some series hold in a span of days, so that a person knows before it goes. Done by the writer."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from verger.domain.history.chunks import Chunks
from verger.domain.history.compaction import GoOn
from verger.domain.history.grain import DAYS, HOURS
from verger.domain.history.months import EVER, Span
from verger.domain.history.upkeep import days_within


class Weight(Struct, frozen=True):
    """So many readings, the bytes that they take on disk, and the time of the oldest, None where there is none."""

    readings: int = 0
    bytes: int = 0
    oldest: int | None = None


def weigh(chunks: Chunks, month: int, series: Sequence[int], span: Span, thin: bool, go_on: GoOn) -> Weight:  # noqa: FBT001  the writer passes what it is given
    """Return what the days of a span hold in a month; with `thin` also the readings that are known in sum only."""
    found = []
    for grain in (DAYS, HOURS):
        for each in days_within(chunks, month, series, span, grain):
            go_on()
            some = each if thin else each.pick(~each.thin)
            if len(some.ids):
                with chunks.reading(month) as file:
                    size = file.weight(some)
                found.append(Weight(int(some.heads["n"].sum()), size, int(some.heads["tmin"].min())))
    return together(found)


def together(weights: Iterable[Weight]) -> Weight:
    """Return some weights as one."""
    every = list(weights)
    oldest = min((each.oldest for each in every if each.oldest is not None), default=None)
    return Weight(sum(each.readings for each in every), sum(each.bytes for each in every), oldest)


def holds(chunks: Chunks, month: int, series: Sequence[int], go_on: GoOn) -> bool:
    """Tell whether the file of a month holds anything of some series."""
    go_on()
    every = (days_within(chunks, month, series, EVER, grain) for grain in (DAYS, HOURS))
    return any(len(found.ids) for some in every for found in some)
