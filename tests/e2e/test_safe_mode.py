"""A disk that is nearly full: commands and people go on, most readings wait, and retention ends it by itself."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.e2e.conftest import Serve, Settle
from tests.e2e.disks import mounted
from tests.e2e.home import Home, Thing, said
from tests.e2e.speaking import Device, Silence
from tests.e2e.waiting import PATIENCE_S, until

_MIB = 1 << 20
_DAY_MS = 86_400_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return the folder of a disk of some mebibytes, where one may be mounted."""
    with mounted(tmp_path / "small", 32) as folder:
        yield folder


def remember(home: Home, thing: Thing) -> None:
    """Let a device tell what it measured on a day of last month, in numbers that cannot be made much smaller."""
    chance, begin = Random(1), int(time.time() * 1000) // _DAY_MS * _DAY_MS - 30 * _DAY_MS
    for lot in range(24):
        said_then = [
            {"ts": begin + (lot * 6_000 + n) * 600, "values": {"noise": chance.random()}} for n in range(6_000)
        ]
        assert home.tell(thing, said_then).status_code == 200


def ballast(folder: Path, free: float) -> None:
    """Leave so large a part of the disk free."""
    told = os.statvfs(folder)
    size = told.f_bavail * told.f_frsize - int(told.f_blocks * told.f_frsize * free)
    (folder / "ballast").write_bytes(b"\0" * size)


def history_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "history").glob("20*.db"))


def disk(home: Home) -> dict[str, object]:
    return dict(home.get("system")["disk"])


def test_on_a_nearly_full_disk_readings_wait_people_go_on_and_retention_ends_it(
    small_disk: Path, serve: Serve, settle: Settle
) -> None:
    home = settle(serve(small_disk, hot_bytes=_MIB, segment_bytes=1 << 16))
    thing = home.add_device()
    remember(home, thing)
    until(lambda: history_bytes(small_disk) > _MIB and home.get("system")["followers"][0]["lag"] == 0)
    assert (small_disk / "reserve").stat().st_size == 32 * _MIB // 50
    assert disk(home)["safe_mode_since"] is None

    ballast(small_disk, 0.03)
    until(lambda: disk(home)["safe_mode_since"])
    assert not (small_disk / "reserve").exists()
    assert_refused_with_a_reason(home, thing)
    assert home.add_place("Shed")  # people go on, and what they change is kept
    assert httpx.post(f"{home.server.address}/api/v1/auth/login", json={}, timeout=PATIENCE_S).status_code == 422
    ready = httpx.get(f"{home.server.address}/ready", timeout=PATIENCE_S).json()
    assert (ready["status"], "Retention" in ready["warnings"]["disk"]) == ("ok", True)
    assert "nearly full" in home.get("overview")["notices"][0]
    assert until(lambda: all(each["lag"] == 0 for each in home.get("system")["followers"]))

    size = history_bytes(small_disk)
    told = said(home.api.post("retention/preview", json={"keeps": "readings", "days": 7}))
    assert told["effects"][0]["count"] == 144_000
    assert said(home.api.post("retention", json={"keeps": "readings", "days": 7, "summaries_days": 3650}))["days"] == 7
    assert said(home.api.post("retention/run")) is None
    until(lambda: disk(home)["safe_mode_since"] is None)
    assert history_bytes(small_disk) < size / 3
    assert (small_disk / "reserve").exists()
    assert until(lambda: home.tell(thing, {"temperature": 21}).status_code == 200)


def assert_refused_with_a_reason(home: Home, thing: Thing) -> None:
    over_http = home.tell(thing, {"temperature": 20})
    assert (over_http.status_code, int(over_http.headers["retry-after"]) > 0) == (503, True)
    assert "nearly full" in over_http.json()["detail"]
    with Device(home.server.mqtt, 5) as device:
        assert device.connect(thing.token).code == 0
        refused = device.say({"temperature": 20})
        assert (refused.code, "nearly full" in refused.reason) == (0x97, True)
        assert device.ping().kind == 13  # it stays, for commands
    with Device(home.server.mqtt, 4) as device:
        assert device.connect(thing.token).code == 0
        device.publish(b'{"temperature": 20}')
        with pytest.raises((Silence, ConnectionError)):
            device.hear(within=0.5)
