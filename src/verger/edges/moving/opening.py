"""Opening another system's installation, wherever its data is."""

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from pathlib import Path

import msgspec
from msgspec import Struct

from verger.base.errors import Invalid, Refused
from verger.base.zones import zone_of
from verger.domain.imports.installation import Installation, Source
from verger.edges.moving import cottage, exports, farm, outlet, ozone, plant
from verger.edges.moving.matching import TableMap, There, Wanted, match
from verger.edges.moving.psql import SCHEMES, PsqlTables
from verger.edges.moving.tables import CsvTables, SqliteTables, Tables, is_sqlite


class _Family(Struct, frozen=True):
    """How a family's database is read, and the CSV files that its server hands out, if it does."""

    wanted: Sequence[Wanted]
    read: Callable[[There], Installation]
    exported: Callable[[CsvTables, tzinfo | None], Installation | None] | None = None


FAMILIES = {
    cottage.NAME: _Family(cottage.WANTED, cottage.read),
    farm.NAME: _Family(farm.WANTED, farm.read),
    outlet.NAME: _Family(outlet.WANTED, outlet.read, exports.of_sheets),
    ozone.NAME: _Family(ozone.WANTED, ozone.read, exports.of_machines),
    plant.NAME: _Family(plant.WANTED, plant.read),
}


def open_installation(source: Source) -> Installation:
    """Return what an installation holds; raise Refused, or Invalid for what is asked in a way that cannot be."""
    family = FAMILIES.get(source.family)
    if family is None:
        raise Invalid(f"The families are: {', '.join(FAMILIES)}.")
    zone = zone_of(source.timezone) if source.timezone else None
    if source.timezone and zone is None:
        raise Invalid("Write the name of a time zone, such as Europe/Helsinki.")
    if source.where.partition("://")[0] in SCHEMES:
        return _read(family, PsqlTables(source.where, source.password), source, zone)
    path = Path(source.where)
    if not path.exists():
        raise Refused(f"There is nothing at {path}.")
    if path.suffix == ".json" and source.family == outlet.NAME:
        return exports.of_json(path, zone)
    if path.is_file() and is_sqlite(path):
        return _read(family, SqliteTables(path), source, zone)
    files = CsvTables(path)
    exported = None if family.exported is None else family.exported(files, zone)
    return exported or _read(family, files, source, zone)


def _read(family: _Family, tables: Tables, source: Source, zone: tzinfo | None) -> Installation:
    """Return what tables hold; times without a zone are UTC there."""
    try:
        names = msgspec.convert(source.mapping, TableMap)
    except msgspec.ValidationError as error:
        raise Invalid(f"The mapping has two parts, tables and columns ({error}).") from None
    return family.read(match(tables, family.wanted, names, zone or UTC))
