"""The stock ThingsBoard client for Python, in an environment of its own, since it brings its own paho along."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.home import Home, said
from tests.house.left_out import MISSING

CLIENT = "tb-mqtt-client==1.13.14"
PATIENCE_S = 90

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def python() -> Path:
    """Return the Python of an environment with the stock client, made once and kept beside ours."""
    folder = Path(sys.prefix) / "stock-client"
    program = folder / "bin" / "python"
    if not (folder / "whole").exists():
        try:
            for command in (
                [sys.executable, "-m", "venv", "--clear", str(folder)],
                # mmh3 is what it would install by itself when it is imported
                [str(program), "-m", "pip", "install", "-q", CLIENT, "mmh3"],
            ):
                subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE_S)
        except (OSError, subprocess.SubprocessError):
            pytest.skip(f"{CLIENT} {MISSING}")
        (folder / "whole").touch()
    return program


def begin(python: Path, what: str, home: Home, given: Any) -> subprocess.Popen[str]:
    """Let the stock client do something."""
    script = Path(__file__).with_name("stock_client.py")
    command = [str(python), str(script), what, str(home.server.mqtt), json.dumps(given)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def outcome(client: subprocess.Popen[str]) -> Any:
    """Return what it made of it."""
    printed, _ = client.communicate(timeout=PATIENCE_S)
    return json.loads(printed.splitlines()[-1])


def test_it_speaks_hears_what_is_desired_and_takes_no_request_for_a_command(home: Home, python: Path) -> None:
    thing = home.add_device()
    client = begin(python, "device", home, thing.token)
    assert client.stdout is not None
    while client.stdout.readline() != "listening\n":
        assert client.poll() is None
    said(home.api.patch(f"devices/{thing.id}", json={"attributes": {"desired": {"every_s": 60}}}))
    told = outcome(client)
    assert told["sent"]
    assert told["reported"]
    assert told["changed"] == [{"every_s": 60}]
    assert told["answers"] == [{"client": {"model": "stock"}, "shared": {"every_s": 60}}]
    assert told["commands"] == []
    assert home.latest(thing)["temperature"]["value"] == 41.5
    assert home.get(f"devices/{thing.id}/claim")["open"]


def test_its_gateway_brings_a_device_and_reads_its_attributes(home: Home, python: Path) -> None:
    made = said(home.api.post("devices", json={"name": "Gateway", "place": home.place, "is_gateway": True}))
    told = outcome(begin(python, "gateway", home, made["credentials"]["access_token"]))
    assert told["done"] == [True, True, True]
    [behind] = [one for one in home.get("devices")["items"] if one["name"] == "Dev A"]
    assert behind["gateway"] == made["device"]["id"]
    assert home.get(f"devices/{behind['id']}/latest")["temperature"]["value"] == 7
    assert [answer["device"] for answer in told["answers"]] == ["Dev A"]


def test_it_is_provisioned(home: Home, python: Path) -> None:
    said(home.api.post("device-types", json={"key": "probe", "name": "Probe"}))
    wanted = {"strategy": "new", "place": home.place}
    made = said(home.api.post("device-types/probe/provisioning", json=wanted))["credentials"]
    wish = {"deviceName": "DHT11", "provisionDeviceKey": made["key"], "provisionDeviceSecret": made["secret"]}
    told = outcome(begin(python, "provision", home, wish))
    assert told["status"] == "SUCCESS"
    assert told["credentialsValue"].startswith("vt_")
    assert outcome(begin(python, "provision", home, wish)) is None
