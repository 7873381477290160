"""Small installations of the five systems, as their databases have them."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]
Tables = Mapping[str, tuple[Sequence[str], Sequence[Row]]]
"""By name, the columns and the rows of each table."""

SENSOR, HUM = "0b5d2f6e4c8a4a1e9d3f2b7c6a5e4d3c", "1b5d2f6e4c8a4a1e9d3f2b7c6a5e4d3c"
COTTAGE: Tables = {
    "cottages_cottageinstancemodel": (
        ("id", "name", "address", "owner_id", "stripe_customer_id"),
        [(1, "Lakeside", "Shore Road 1", 7, "cus_1"), (2, "Hilltop", "Hill 2", 8, "cus_2")],
    ),
    "sensors_sensor": (
        ("id", "sensor_id", "code", "name", "type", "unit", "location", "owner_id"),
        [
            (SENSOR, "ESP8266_12F_005_PROD_Temp", "1a2b3c4d", "Air", "temperature", "°C", "Sauna", 1),
            (HUM, "ESP8266_12F_005_PROD_Hum", "1a2b3c4e", "Damp", "humidity", "%", "Sauna", 1),
            ("2b", "attic", "1a2b3c4f", "Attic", "temperature", "°C", "", 2),
            ("3b", "", "x", "Nobody", "temperature", "°C", "", None),
        ],
    ),
    "sensors_sensordata": (
        ("id", "sensor_id", "value", "timestamp", "metadata"),
        [
            ("a", SENSOR, 21.5, "2026-01-20 10:00:00.123456", "{}"),
            ("b", SENSOR, 22, "2026-01-20 10:10:00", "{}"),
            ("c", HUM, 40.1, "2026-01-20 10:00:00+00:00", "{}"),
            ("d", "2b", 3.25, "2026-01-20 10:00:00", "{}"),
            ("e", "2b", "warm", "2026-01-20 10:10:00", "{}"),
            ("f", "2b", 4, "yesterday", "{}"),
            ("g", "gone", 5, "2026-01-20 10:00:00", "{}"),
        ],
    ),
    "accounts_customuser": (("id", "username", "password"), [(7, "aino", "pbkdf2_sha256$1$x")]),
    "tasks_task": (("id", "name"), [("t", "Check heating")]),
}

MAC = "3C:8A:1F:A4:3E:C4"
OZONE: Tables = {
    "iot_outlet": (
        ("id", "name", "location", "address", "contact_person", "contact_phone", "is_active"),
        [(1, "Bangsar", "KL", "Jalan 1", "Siti", "012", 1)],
    ),
    "iot_machine": (
        ("id", "outlet_id", "name", "machine_type", "is_active", "installed_date", "last_maintenance", "notes"),
        [(5, 1, "", "Ozone Generator", 1, "2025-01-02", None, None)],
    ),
    "iot_machinedevice": (
        ("id", "machine_id", "device_id", "is_active", "assigned_date", "deactivated_date"),
        [(1, 5, "AABBCCDDEEFF", 0, "2025-01-02", "2025-03-01"), (2, 5, MAC, 1, "2025-03-01", None)],
    ),
    "iot_devicestatus": (("id", "device_id", "last_seen", "wifi_connected"), [(1, MAC, "2025-09-10 02:30:00", 1)]),
    "iot_event": (
        ("id", "device_id", "event_type", "count_basic", "count_standard", "count_premium", "occurred_at", "payload"),
        [
            (1, MAC, "BASIC", 1, None, None, "2025-09-10 02:30:00", '{"data":{"event_type":"BASIC","count":1}}'),
            (2, MAC, "PREMIUM", None, None, 16, "2025-09-10 02:31:00", '{"data":{"event_type":"PREMIUM"}}'),
            (3, "3c8a1fa43ec4", "STANDARD", 4, 812, 9, "2025-09-10 02:32:00", '{"mode":"STANDARD"}'),
            (4, MAC, "status", 4, 812, 9, "2025-09-10 02:33:00", "{}"),
        ],
    ),
    "iot_telemetryrecord": (
        ("id", "device_id", "temperature_c", "rssi_dbm", "payload", "created_at"),
        [(1, MAC, 31.5, -61, '{"count1":"4","count2":"812","count3":"9"}', "2025-09-10 02:33:00")],
    ),
    "iot_usagestatistics": (("id", "device_id", "date"), [(1, MAC, "2025-09-10")]),
}

PLANTER = "11111111111111111111111111111111"
PLANT: Tables = {
    "devices": (
        ("id", "user_id", "name", "model", "secret_hash", "last_seen"),
        [(PLANTER, "u", "Demo planter", "Raspberry Pi", "$2b$12$x", None)],
    ),
    "sensors": (
        ("id", "device_id", "type", "unit"),
        [("a" * 32, PLANTER, "soil_moisture", "%"), ("b" * 32, PLANTER, "air_temperature", "C")],
    ),
    "actuators": (("id", "device_id", "type", "state"), [("2" * 32, PLANTER, "pump", "off")]),
    "sensor_readings": (
        ("id", "sensor_id", "recorded_at", "value_numeric", "raw"),
        [
            ("r1", "a" * 32, "2025-11-26 10:00:00.000000", 42.0, None),
            ("r2", "b" * 32, "2025-11-26 10:00:00.000000", 23.5, None),
            ("r3", "b" * 32, "2025-11-26 10:01:00.000000", None, None),
        ],
    ),
    "alerts": (
        ("id", "device_id", "type", "severity", "message", "created_at", "resolved_at"),
        [("e" * 32, PLANTER, "water_low", "critical", "Reservoir water level low", "2025-11-26 10:00:01", None)],
    ),
    "users": (("id", "email", "password_hash"), [("u", "demo@plant.local", "$2b$12$y")]),
}

OUTLET: Tables = {
    "core_centralcontrolunit": (
        ("id", "user_id", "ccu_id", "name", "location", "ip_address"),
        [(1, 3, "2", "My CCU", "Kitchen", "10.0.0.9")],
    ),
    "core_outlet": (
        ("id", "user_id", "ccu_id", "name", "device_id", "location", "relay_a", "threshold"),
        [(9, 3, 1, "Fridge", "fe", "Kitchen", 1, 5000), (10, 3, 1, "Lamp", "2", "", 0, 0)],
    ),
    "core_sensordata": (
        ("id", "outlet_id", "current_a", "current_b", "is_overload", "timestamp"),
        [
            (1, 9, 1250, 0, 0, "2026-03-08 13:15:30.123456"),
            (2, 9, 65535, 120, 1, "2026-03-08 13:16:30"),
            (3, 9, 65535, 120, 1, "2026-03-08 13:17:30"),
            (4, 10, -1, 300, 0, "2026-03-08 13:15:30"),
        ],
    ),
    "core_mainbreakerreading": (
        ("id", "ccu_id", "current_ma", "threshold", "timestamp"),
        [(1, "02", 4500, 15000, "2026-03-08 13:15:30")],
    ),
    "core_eventlog": (
        ("id", "user_id", "source", "action_type", "target_device", "details", "timestamp"),
        [
            (1, 3, "WEB_DASHBOARD", "TOGGLE_RELAY", "0xFE", "Socket A turned ON", "2026-03-08 13:00:00"),
            (2, 3, "PIC_HARDWARE", "OVERLOAD_TRIPPED", "0xFE", "Overload", "2026-03-08 13:16:30"),
            (3, 3, "WEB_DASHBOARD", "TOGGLE_RELAY", "All Devices", "Cut", "2026-03-08 13:20:00"),
        ],
    ),
}

FARM_ID, ROOM_ID, PROBE_ID = ("0f8b1c1e-6a0a-4f0e-9a54-6f6a5d0d2a0" + digit for digit in "123")
FARM: Tables = {
    "farms": (("farm_id", "owner_id", "name", "location"), [(FARM_ID, None, "North", "Forest 1")]),
    "rooms": (
        ("room_id", "farm_id", "name", "description", "mushroom_type", "stage"),
        [(ROOM_ID, FARM_ID, "Oyster 1", None, "Oyster", "fruiting")],
    ),
    "devices": (
        ("device_id", "room_id", "name", "device_type", "category", "mqtt_topic", "status"),
        [(PROBE_ID, ROOM_ID, "Probe", "sensor", "temperature", "farm/x", "online")],
    ),
    "sensor_data": (
        ("reading_id", "device_id", "temperature_c", "humidity_pct", "co2_ppm", "battery_v", "recorded_at"),
        [(1, PROBE_ID, 22.5, 88, None, 3.9, "2025-08-20 10:00:00"), (2, PROBE_ID, 22.6, None, 905, None, "2025-08-20")],
    ),
    "notifications": (
        ("notification_id", "farm_id", "room_id", "device_id", "level", "message", "created_at"),
        [("n1", FARM_ID, ROOM_ID, PROBE_ID, "info", "Rule fired", "2025-08-20 10:00:01")],
    ),
}


def sqlite(path: Path, tables: Tables) -> Path:
    """Write an SQLite file."""
    with closing(sqlite3.connect(path)) as db:
        for name, (columns, rows) in tables.items():
            db.execute(f'CREATE TABLE "{name}" ({", ".join(columns)})')
            places = ", ".join("?" * len(columns))
            db.executemany(f'INSERT INTO "{name}" VALUES ({places})', rows)  # noqa: S608  these very rows
        db.commit()
    return path


def files(folder: Path, tables: Tables, separator: str = ",") -> Path:
    """Write a folder of CSV files, as COPY … CSV HEADER does."""
    folder.mkdir()
    for name, (columns, rows) in tables.items():
        lines = [columns, *(["" if cell is None else _quoted(str(cell)) for cell in row] for row in rows)]
        (folder / f"{name}.csv").write_text("".join(separator.join(line) + "\n" for line in lines), "utf-8")
    return folder


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',;"\n') else cell
