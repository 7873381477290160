"""Reading an installation: what makes no sense is told by table and row, and the rest goes on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec import structs

from verger.domain.imports.installation import Bad, OldPlace, Word
from verger.domain.imports.lines import Found
from verger.edges.moving.matching import There
from verger.edges.moving.rows import Row

T = TypeVar("T")

Understand = Callable[[Row], Iterable[Word]]
"""What a row says; raises ValueError where that makes no sense."""


@dataclass
class Reading:
    """The rows of an installation, and those of them that made no sense."""

    there: There
    bad: list[Bad] = field(default_factory=list)

    def each(self, model: str, understand: Callable[[Row], T | None], *, quietly: bool = False) -> list[T]:
        """Return what each row of a model means; None is passed over, and so, quietly, is what makes no sense."""
        found = []
        for row in self.there.rows(model):
            try:
                one = understand(row)
            except ValueError as wrong:
                if not quietly:
                    self.bad.append(Bad(row.table, row.line, str(wrong)))
            else:
                if one is not None:
                    found.append(one)
        return found

    def words(self, parts: Sequence[tuple[str, Understand]]) -> Callable[[], Iterator[Word]]:
        """Return what gives the words of all rows of some models, one model after the other."""

        def words() -> Iterator[Word]:
            for model, understand in parts:
                for row in self.there.rows(model):
                    try:
                        yield from [structs.replace(word, table=row.table) for word in understand(row)]
                    except ValueError as wrong:
                        yield Bad(row.table, row.line, str(wrong))

        return words


class Rooms:
    """Places that are there, and rooms within them that are only known by what a location says."""

    def __init__(self, places: Sequence[OldPlace]) -> None:
        """Begin with the places."""
        self._all = {place.key: place for place in places}

    @property
    def all(self) -> list[OldPlace]:
        """Return all places, and the rooms after them."""
        return list(self._all.values())

    def at(self, place: str, location: str) -> str | None:
        """Return the key of a room within a place, of the place itself where there is no location."""
        within = place if place in self._all else None
        if not location:
            return within
        room = OldPlace(key=f"{place}/{location}", name=location, kind="room", within=within)
        return self._all.setdefault(room.key, room).key


def readings(row: Row, device: str, at: int, metrics: dict[str, str], units: dict[str, str]) -> list[Found]:
    """Return the numbers of some cells, each by the metric that it is of."""
    told = [(metric, row.number(cell)) for cell, metric in metrics.items()]
    return [
        Found(row.line, device, metric, at, value, units.get(metric, "")) for metric, value in told if value is not None
    ]
