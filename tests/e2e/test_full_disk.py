"""A disk that is full: nothing is acknowledged, people are answered, and with room it goes on."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import Home, Thing
from tests.e2e.speaking import Device, Silence
from tests.e2e.waiting import PATIENCE_S, until

START = datetime.fromisoformat("2026-03-01T12:00:00Z")
BALLAST = "ballast"
_MIB = 1 << 20


def fill(folder: Path) -> None:
    """Write until nothing more fits."""
    with (folder / BALLAST).open("wb", buffering=0) as file:
        for size in (_MIB, 4096, 1):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass


def timed(number: int) -> dict[str, object]:
    """Return telemetry whose time is its number."""
    return {"ts": int(START.timestamp() * 1000) + number, "values": {"temperature": number}}


def tell_until_refused(home: Home, thing: Thing, folder: Path) -> tuple[list[float], httpx.Response]:
    """Speak, and after some messages fill the disk, until an answer is not 200; return what was kept, and that."""
    kept: list[float] = []
    for number in range(10_000):
        if number == 5:
            fill(folder)
        answer = home.tell(thing, timed(number))
        if answer.status_code != 200:
            return kept, answer
        kept.append(float(number))
    pytest.fail("the disk did not become full")


def told(home: Home, thing: Thing) -> list[float]:
    """Return the values that are stored."""
    return [value for _, _, value in home.readings(thing, START)]


def ready(home: Home) -> httpx.Response:
    return httpx.get(f"{home.server.address}/ready", timeout=PATIENCE_S)


def test_a_full_disk_refuses_telemetry_and_with_room_it_goes_on_without_a_loss(
    small_disk: Path, serve: Serve, settle: Settle
) -> None:
    home = settle(serve(small_disk, safe_mode_percent=100))
    thing = home.add_device()
    kept, refused = tell_until_refused(home, thing, small_disk)
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["detail"] == "This cannot be kept just now; send it again in a moment."
    assert_not_acknowledged_over_mqtt(home, thing)

    assert home.get("places")["items"][0]["id"] == home.place  # people are still answered
    change = home.api.post("places", json={"name": "Shed", "kind": "cottage", "timezone": "Europe/Helsinki"})
    assert (change.status_code, change.json()["detail"].split(",")[0]) == (503, "The disk is full")
    assert "disk is full" in home.get("system")["log"]["trouble"]
    failing = ready(home)
    assert failing.status_code == 503
    assert "disk is full" in failing.json()["checks"]["log"]

    (small_disk / BALLAST).unlink()
    assert until(lambda: home.tell(thing, timed(20_000)).status_code == 200)
    assert until(lambda: ready(home).status_code == 200)
    wanted = [*kept, 20_000.0]
    until(lambda: len(told(home, thing)) >= len(wanted))
    assert told(home, thing) == wanted
    assert home.server.stop()[0] == 0
    home.server.start()
    assert told(home, thing) == wanted


def assert_not_acknowledged_over_mqtt(home: Home, thing: Thing) -> None:
    with Device(home.server.mqtt, 5) as device:
        assert device.connect(thing.token).code == 0
        device.publish(b'{"temperature": 1}')
        with pytest.raises(Silence):
            device.hear(within=0.5)
        assert device.hear().code == 0x97  # and then why it has to come again
    with Device(home.server.mqtt, 4) as device:
        assert device.connect(thing.token).code == 0
        device.publish(b'{"temperature": 1}')
        with pytest.raises((Silence, ConnectionError)):
            device.hear(within=0.5)


def test_what_was_acknowledged_before_a_full_disk_and_a_kill_is_there(
    small_disk: Path, serve: Serve, settle: Settle
) -> None:
    home = settle(serve(small_disk, safe_mode_percent=100))
    thing = home.add_device()
    kept, _ = tell_until_refused(home, thing, small_disk)
    home.server.kill()
    (small_disk / BALLAST).unlink()
    home.server.start()
    assert told(home, thing) == kept
    assert home.get("devices", limit=1)["items"][0]["id"] == thing.id


def test_asked_to_end_while_the_disk_is_full_it_ends_well(small_disk: Path, serve: Serve, settle: Settle) -> None:
    home = settle(serve(small_disk, safe_mode_percent=100))
    thing = home.add_device()
    tell_until_refused(home, thing, small_disk)
    home.tell(thing, b"garbage")
    status, seconds, _ = home.server.stop()
    assert (status, seconds < 5) == (0, True)


@pytest.mark.long
def test_a_disk_that_stays_full_does_not_end_the_program(small_disk: Path, serve: Serve, settle: Settle) -> None:
    home = settle(serve(small_disk, safe_mode_percent=100))
    thing = home.add_device()
    tell_until_refused(home, thing, small_disk)
    until(lambda: home.server.stderr.count("the followers' positions could not be saved") >= 2)
    assert home.tell(thing, timed(0)).status_code == 503
    (small_disk / BALLAST).unlink()
    assert until(lambda: home.tell(thing, timed(20_000)).status_code == 200)
