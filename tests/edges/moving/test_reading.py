"""What installations hold, read from wherever it is, and what is said where that cannot be."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.edges.moving import installations as old
from verger.base.clock import moment
from verger.base.errors import Invalid, Refused
from verger.domain.imports.installation import Bad, OldEvent, Source, Word
from verger.domain.imports.lines import Found
from verger.edges.moving.opening import open_installation


def words(family: str, where: Path | str, **more: Any) -> list[Word]:
    return list(open_installation(Source(family=family, where=str(where), **more)).words())


def told(every: list[Word]) -> list[tuple[Any, ...]]:
    """Return readings and events in short, and why the rest makes no sense."""
    short: list[tuple[Any, ...]] = []
    for word in every:
        match word:
            case Found():
                short.append((word.device, word.metric, moment(word.at).isoformat(), word.value))
            case OldEvent():
                short.append((word.device, word.kind, moment(word.at).isoformat(), word.data))
            case Bad():
                short.append((word.table, word.line, word.message))
    return short


RENAMED: old.Tables = {
    "measurements": (("taken", "probe", "degrees"), [("2025-08-20 10:00:00", "p", 22.5)]),
    "farms": old.FARM["farms"],
    "rooms": old.FARM["rooms"],
    "devices": (("device_id", "room_id", "name"), [("p", "r", "Probe")]),
}


def test_a_mapping_names_tables_and_columns_that_are_called_otherwise(tmp_path: Path) -> None:
    file = old.sqlite(tmp_path / "db", RENAMED)
    with pytest.raises(Invalid, match="No table is called like SensorData: name it in the mapping, under tables"):
        words("farm", file)
    tables = {"tables": {"SensorData": "measurements"}}
    with pytest.raises(
        Invalid, match=r"no column for device_id, recorded_at of SensorData; it has taken, probe, degrees"
    ):
        words("farm", file, mapping=tables)
    named = {"device_id": "probe", "recorded_at": "taken", "temperature_c": "degrees"}
    found = words("farm", file, mapping=tables | {"columns": {"SensorData": named}}, timezone="Asia/Manila")
    assert told(found) == [("p", "temperature", "2025-08-20T02:00:00+00:00", 22.5)]


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ({"tables": {"Thing": "x"}}, "names Thing; this family has Farm"),
        ({"tables": {"Farm": "x"}}, "no table x; there are devices"),
        ({"columns": {"Farm": {"colour": "name"}}}, "names colour of Farm, which has farm_id"),
        ({"columns": {"Farm": {"name": "colour"}}}, "no column colour, which the mapping names for name of Farm"),
        ({"other": {}}, "two parts, tables and columns"),
        ({"tables": []}, "two parts, tables and columns"),
    ],
)
def test_a_mapping_that_cannot_be_is_told(tmp_path: Path, mapping: Any, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        words("farm", old.sqlite(tmp_path / "db", old.FARM), mapping=mapping)


def test_two_tables_that_may_be_the_same_are_asked_about(tmp_path: Path) -> None:
    both = dict(old.FARM) | {"old_farms": old.FARM["farms"]}
    with pytest.raises(Invalid, match="Farm may be the table farms or old_farms"):
        words("farm", old.sqlite(tmp_path / "db", both))


def test_what_is_no_installation_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").write_bytes(b"SQLite format 3\0" + b"x" * 2000)
    (tmp_path / "x.json").write_text("[]")
    for family, where, sentence in (
        ("farm", "nothing", "There is nothing at"),
        ("farm", "empty", "no .csv file"),
        ("farm", "broken", "cannot be read"),
        ("outlet", "x.json", "is not what /api/export/sheets/ answers"),
    ):
        with pytest.raises(Refused, match=sentence):
            words(family, tmp_path / where)
    with pytest.raises(Invalid, match="The families are: cottage, farm"):
        words("garden", tmp_path)
    with pytest.raises(Invalid, match="time zone"):
        words("farm", tmp_path, timezone="Mars")


def test_a_database_that_is_in_use_is_read_with_what_its_log_holds(tmp_path: Path) -> None:
    file = old.sqlite(tmp_path / "db", old.FARM)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("UPDATE sensor_data SET temperature_c = 19 WHERE reading_id = 1")
        db.commit()
        assert told(words("farm", file))[0][3] == 19


EXPORT = """Timestamp,Device Timestamp,Event Type,Basic Count,Standard Count,Premium Count,WiFi Status
2025-09-10 10:30:00,2025-09-10 10:30:00,BASIC,1,,,True
2025-09-10T10:31:00+08:00,,PREMIUM,4,812,9,True
2025-09-10 10:32:00,RTC_UNAVAILABLE,status,4,812,9,True
never,,BASIC,1,,,True
"""


@pytest.mark.parametrize("device", [old.MAC, "3C_8A_1F_A4_3E_C4", "3c8a1fa43ec4"])
def test_the_export_of_a_machine_by_the_name_of_its_file(tmp_path: Path, device: str) -> None:
    name = f"telemetry_{device}_2025-08-11_to_2025-09-10"
    (tmp_path / f"{name}.csv").write_text(EXPORT)
    assert told(words("ozone", tmp_path / f"{name}.csv")) == [
        ("3C8A1FA43EC4", "treatment.basic", "2025-09-10T02:30:00+00:00", None),
        ("3C8A1FA43EC4", "treatment.premium", "2025-09-10T02:31:00+00:00", {"counter": 9}),
        (name, 4, "Its occurred_at “never” is no time."),
    ]
    (tmp_path / f"{name}.csv").rename(tmp_path / "export.csv")
    with pytest.raises(Invalid, match="does not say whose events these are"):
        words("ozone", tmp_path / "export.csv")


def test_what_a_spreadsheet_was_given_as_json_and_as_sheets(tmp_path: Path) -> None:
    readings = [
        {"timestamp": "2026-03-08 09:15:30 PM", "current_a": 1250, "current_b": -1, "is_overload": False},
        {"timestamp": "2026-03-08 09:16:30 PM", "current_a": 65535, "current_b": 0, "is_overload": True},
    ]
    outlets = {"FE": {"name": "Fridge", "device_id": "fe", "threshold": 5000, "readings": readings}}
    breaker = [{"timestamp": "2026-03-08 12:00:00 AM", "ccu_id": "2", "current_ma": 4500, "threshold": 15000}]
    (tmp_path / "x.json").write_text(json.dumps({"success": True, "outlets": outlets, "breaker": breaker}))
    found = open_installation(Source(family="outlet", where=str(tmp_path / "x.json")))
    assert [(each.address, each.name) for each in found.devices] == [("FE", "Fridge"), ("CCU-02", "CCU-02")]
    flows = [
        ("FE", "current_a", "2026-03-08T13:15:30+00:00", 1250.0),
        ("FE", "current_b", "2026-03-08T13:16:30+00:00", 0.0),
        ("FE", "overload.tripped", "2026-03-08T13:16:30+00:00", {"sockets": ["a"]}),
    ]
    assert told(list(found.words())) == [*flows, ("CCU-02", "current_ma", "2026-03-07T16:00:00+00:00", 4500.0)]
    lines = ["Timestamp,Current A (mA),Current B (mA),Threshold (mA),Overload"]
    lines += [
        f"{each['timestamp']},{each['current_a']},{each['current_b']},5000,{each['is_overload']}" for each in readings
    ]
    (tmp_path / "FE.csv").write_text("\n".join(lines).upper().replace(lines[0].upper(), lines[0]))
    assert told(words("outlet", tmp_path / "FE.csv")) == flows


PSQL = """#!/bin/sh
test "$PGPASSWORD" = "s e" || { echo "psql: error: no password" >&2; exit 2; }
test "$PGHOST $PGPORT $PGUSER $PGDATABASE $PGSSLMODE" = "db 5433 me iot require" || exit 3
case "$PGOPTIONS" in *default_transaction_read_only=on*) ;; *) exit 4;; esac
case "$*" in *"s e"*) exit 5;; esac
case "$*" in
  *information_schema*) cat "$(dirname "$0")/columns";;
  *'count(*)'*) echo 1;;
  *'"farms"'*) echo f,North;;
  *'"rooms"'*) echo 'r,f,"Oyster, 1"';;
  *'"devices"'*) echo p,r,Probe;;
  *'SELECT "device_id", "recorded_at", "co2_ppm" FROM "sensor_data"'*) echo 'p,2025-08-20 10:00:00+00,905';;
  *) exit 6;;
esac
"""


def test_postgresql_is_asked_by_its_own_program_and_its_refusal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "psql").write_text(PSQL)
    (tmp_path / "psql").chmod(0o755)
    tables = {"farms": "farm_id name", "rooms": "room_id farm_id name", "devices": "device_id room_id name"}
    tables |= {"sensor_data": "device_id recorded_at co2_ppm"}
    columns = [f"{table},{column}\n" for table, names in tables.items() for column in names.split()]
    (tmp_path / "columns").write_text("".join(columns))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    url = "postgresql://me@db:5433/iot?sslmode=require"
    found = open_installation(Source(family="farm", where=url, password="s e"))
    assert [place.name for place in found.places] == ["North", "Oyster, 1"]
    assert told(list(found.words())) == [("p", "co2", "2025-08-20T10:00:00+00:00", 905)]
    with pytest.raises(Refused, match="PostgreSQL says: psql: error: no password"):
        words("farm", url)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(Refused, match="install its program psql"):
        words("farm", url)
