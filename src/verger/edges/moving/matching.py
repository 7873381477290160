"""Which table of another system is which: by its name, its columns, or what a person says of both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from msgspec import Struct

from verger.base.errors import Invalid
from verger.edges.moving.rows import Row
from verger.edges.moving.tables import Tables


class Wanted(Struct, frozen=True):
    """A model of a family's server: what its table must tell, and what it may.

    A column has the name of what it tells, or that and `_id` where it names another row. Where `there` is false, the
    rest can do without.
    """

    model: str
    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    there: bool = True


class TableMap(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of tables and columns that go by other names: by model, and of each by what it tells."""

    tables: dict[str, str] = {}
    columns: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class There:
    """The tables of an installation, by model; `zone` is that of times that name none."""

    tables: Tables
    found: Mapping[str, tuple[str, Mapping[str, str]]]
    zone: tzinfo

    def rows(self, model: str) -> Iterator[Row]:
        """Give the rows of a model, none where there is no such table."""
        if model not in self.found:
            return
        table, columns = self.found[model]
        words = list(columns)
        for line, cells in enumerate(self.tables.rows(table, list(columns.values())), 1):
            yield Row(table, line, dict(zip(words, cells, strict=True)), self.zone)

    def count(self, *models: str) -> int:
        """Return about how many rows some models have."""
        return sum(self.tables.count(self.found[model][0]) for model in models if model in self.found)

    @property
    def left(self) -> dict[str, int]:
        """Return the rows of each table of which nothing is taken."""
        taken = {table for table, _ in self.found.values()}
        counts = {table: self.tables.count(table) for table in self.tables.columns if table not in taken}
        return {table: count for table, count in counts.items() if count}


def match(tables: Tables, wanted: Sequence[Wanted], mapping: TableMap, zone: tzinfo) -> There:
    """Return the tables by model; raise Invalid, saying what to map, where one is not there or may be several."""
    for model in [*mapping.tables, *mapping.columns]:
        if all(model != each.model for each in wanted):
            names = ", ".join(each.model for each in wanted)
            raise Invalid(f"The mapping names {model}; this family has {names}.")
    found: dict[str, tuple[str, Mapping[str, str]]] = {}
    for each in wanted:
        if (one := _find(tables, each, mapping)) is not None:
            found[each.model] = one
    return There(tables, found, zone)


def _find(tables: Tables, wanted: Wanted, mapping: TableMap) -> tuple[str, Mapping[str, str]] | None:
    own = mapping.tables.get(wanted.model)
    if own is not None and own not in tables.columns:
        raise Invalid(f"There is no table {own}; there are {', '.join(sorted(tables.columns)) or 'none'}.")
    names = [own] if own is not None else [name for name in tables.columns if _is_called(name, wanted.model)]
    named = mapping.columns.get(wanted.model, {})
    fits = [(name, _columns(wanted, tables.columns[name], named)) for name in names]
    whole = [(name, columns) for name, columns in fits if all(word in columns for word in wanted.needs)]
    if len(whole) == 1:
        return whole[0]
    if len(whole) > 1:
        several = " or ".join(name for name, _ in whole)
        raise Invalid(f"{wanted.model} may be the table {several}: name it in the mapping, under tables.")
    if not wanted.there and not fits:
        return None
    if not fits:
        raise Invalid(f"No table is called like {wanted.model}: name it in the mapping, under tables.")
    name, columns = fits[0]
    missing = ", ".join(word for word in wanted.needs if word not in columns)
    raise Invalid(
        f"The table {name} has no column for {missing} of {wanted.model}; it has {', '.join(tables.columns[name])}. "
        f"Name them in the mapping, under columns.{wanted.model}."
    )


def _is_called(table: str, model: str) -> bool:
    """Whether a table may be a model's, in one of the ways that frameworks call it: app_model, model, models."""
    parts, plain = table.lower().split("_"), model.lower()
    return any("".join(parts[place:]) in {plain, f"{plain}s"} for place in range(len(parts)))


def _columns(wanted: Wanted, there: Sequence[str], named: Mapping[str, str]) -> Mapping[str, str]:
    if strange := set(named) - {*wanted.needs, *wanted.may}:
        words = ", ".join([*wanted.needs, *wanted.may])
        raise Invalid(f"The mapping names {', '.join(sorted(strange))} of {wanted.model}, which has {words}.")
    columns: dict[str, str] = {}
    for word in (*wanted.needs, *wanted.may):
        ways = [named[word]] if word in named else [word, f"{word}_id"]
        if (column := next((way for way in ways if way in there), None)) is not None:
            columns[word] = column
        elif word in named:
            raise Invalid(f"There is no column {named[word]}, which the mapping names for {word} of {wanted.model}.")
    return columns
