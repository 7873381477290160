"""What two of the systems hand out themselves: a machine's events as CSV, outlets and breakers as JSON or sheets."""

import re
from collections.abc import Iterator
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from verger.base.errors import Invalid
from verger.domain.devices.families import identity
from verger.domain.devices.outlets import central
from verger.domain.imports.installation import Installation, OldDevice, Word
from verger.edges.moving import outlet, ozone
from verger.edges.moving.matching import There
from verger.edges.moving.reading import Reading
from verger.edges.moving.rows import Row
from verger.edges.moving.tables import CsvTables

_OZONE = {
    "event_type": "Event Type",
    "occurred_at": "Timestamp",
    **{f"count_{name}": f"{name.capitalize()} Count" for name in ozone.TREATMENTS},
}
_SHEET = {
    "current_a": "Current A (mA)",
    "current_b": "Current B (mA)",
    "timestamp": "Timestamp",
    "is_overload": "Overload",
}
_KUALA_LUMPUR, _MANILA = ZoneInfo("Asia/Kuala_Lumpur"), ZoneInfo("Asia/Manila")
_FILE = re.compile(r"telemetry_(?P<device>.+?)_\d{4}-?\d\d-?\d\d_to_.+")


def of_machines(tables: CsvTables, zone: tzinfo | None) -> Installation | None:
    """Return what exports of machines hold, each of the device in its file's name; None where these are none."""
    taken = [name for name, columns in tables.columns.items() if {*_OZONE.values()} <= {*columns}]
    if not taken:
        return None
    names = {name: _machine(name) for name in taken}
    parts = {name: (name, _OZONE) for name in taken}

    def happened(row: Row) -> Iterator[Word]:
        yield from ozone.happened(row.with_cells(device_id=names[row.table]))

    there = There(tables, parts, zone or _KUALA_LUMPUR)
    devices = {identity(ozone.NAME, name): name for name in names.values()}
    old = [OldDevice(key=key, address=name, name=name) for key, name in devices.items()]
    words = Reading(there).words([(name, happened) for name in taken])
    return Installation([], old, words, rows=there.count(*taken), left=there.left)


def _machine(file: str) -> str:
    found = _FILE.fullmatch(file)
    if found is None:
        raise Invalid(
            f"{file}.csv does not say whose events these are: call it telemetry_<device>_<from>_to_<until>.csv."
        )
    bare = identity(ozone.NAME, found["device"].replace("_", ":"))
    return bare if re.fullmatch(r"[0-9A-F]{12}", bare) else found["device"]


def of_sheets(tables: CsvTables, zone: tzinfo | None) -> Installation | None:
    """Return what sheets of outlets hold, each of the outlet that its file is called; None where these are none."""
    taken = [name for name, columns in tables.columns.items() if {*_SHEET.values()} <= {*columns}]
    if not taken:
        return None
    there = There(tables, {name: (name, _SHEET) for name in taken}, zone or _MANILA)
    overloaded: dict[str, bool] = {}

    def flowed(row: Row) -> Iterator[Word]:
        yield from outlet.currents(row, identity(outlet.NAME, row.table), overloaded)

    keys = [identity(outlet.NAME, name) for name in taken]
    old = [OldDevice(key=key, address=key, name=key) for key in keys]
    words = Reading(there).words([(name, flowed) for name in taken])
    return Installation([], old, words, rows=there.count(*taken), left=there.left)


def of_json(path: Path, zone: tzinfo | None) -> Installation:
    """Return what the export for spreadsheets holds; raise Invalid where this is none."""
    try:
        told = msgspec.json.decode(path.read_bytes(), type=_Export)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not what /api/export/sheets/ answers ({error}).") from None
    lists = {
        f"outlets.{name}": [each | {"outlet": name} for each in one.readings] for name, one in told.outlets.items()
    }
    tables = _Lists(lists | {"breaker": told.breaker})
    names = {name: identity(outlet.NAME, one.device_id or name) for name, one in told.outlets.items()}
    old = {key: OldDevice(key=key, address=key, name=told.outlets[name].name or key) for name, key in names.items()}
    for each in told.breaker:
        key = central(str(each.get("ccu_id")))
        old.setdefault(key, OldDevice(key=key, address=key, name=key))
    overloaded: dict[str, bool] = {}

    def flowed(row: Row) -> Iterator[Word]:
        yield from outlet.currents(row, names[row.text("outlet")], overloaded)

    columns = ("outlet", "current_a", "current_b", "timestamp", "is_overload")
    found = {name: (name, {column: column for column in columns}) for name in lists}
    of_breaker = {column: column for column in ("ccu_id", "current_ma", "timestamp")}
    there = There(tables, found | {"breaker": ("breaker", of_breaker)}, zone or _MANILA)
    words = Reading(there).words([*((name, flowed) for name in lists), ("breaker", outlet.breaker)])
    return Installation([], [*old.values()], words, rows=there.count(*found, "breaker"))


class _Outlet(msgspec.Struct):
    readings: list[dict[str, Any]]
    name: str = ""
    device_id: str = ""


class _Export(msgspec.Struct):
    outlets: dict[str, _Outlet]
    breaker: list[dict[str, Any]] = []


class _Lists:
    """Tables that are lists of objects."""

    def __init__(self, lists: dict[str, list[dict[str, Any]]]) -> None:
        self._lists = lists
        self.columns: dict[str, list[str]] = {name: [] for name in lists}

    def count(self, table: str) -> int:
        return len(self._lists[table])

    def rows(self, table: str, columns: Any) -> Iterator[list[Any]]:
        for each in self._lists[table]:
            yield [each.get(column) for column in columns]
