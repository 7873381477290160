"""The whole product over TLS: pages, API and devices, a renewal while it runs, and settings that cannot be."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.certificates import Authority
from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import said
from tests.e2e.serving import Server, run_out
from tests.e2e.waiting import PATIENCE_S, until

_TELEMETRY = "v1/devices/me/telemetry"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


def encrypted(authority: Authority) -> dict[str, Any]:
    """Return the settings of a server with a certificate, that knows devices by theirs."""
    cert, key = authority.sign("server")
    ports = {"http_tls_port": 0, "mqtt_tls_port": 0}
    return {"tls_cert": cert, "tls_key": key, "tls_client_ca": authority.path, **ports}


def publish(server: Server, authority: Authority, *words: str) -> tuple[int, str]:
    """Let mosquitto_pub say something over TLS; return its status and what it printed."""
    command = [str(shutil.which("mosquitto_pub")), "-h", "127.0.0.1", "-p", str(server.mqtts), "-t", _TELEMETRY]
    command += ["--cafile", str(authority.path), "-q", "1", "-m", '{"t":21.5}', *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.returncode, done.stderr


@pytest.mark.needs("mosquitto_pub")
def test_devices_and_people_come_in_over_tls(serve: Serve, settle: Settle, authority: Authority) -> None:
    server = serve(**encrypted(authority))
    home = settle(server)
    with httpx.Client(
        base_url=f"https://127.0.0.1:{server.https}", verify=authority.client(), timeout=PATIENCE_S
    ) as browser:
        assert browser.get("/ready").json()["checks"]["certificate"] == "ok"
        who = {"email": "aino@example.test", "password": "correct horse"}
        signed_in = browser.post("/api/v1/auth/login", json=who)
        assert signed_in.status_code == 200
        assert "Secure" in signed_in.headers["set-cookie"]
    sensor = home.add_device()
    assert publish(server, authority, "-u", sensor.token) == (0, "")
    assert home.latest(sensor)["t"]["value"] == 21.5

    cert, key = authority.sign("hall")
    made = said(home.api.post("devices", json={"name": "Hall", "place": home.place, "certificate": cert.read_text()}))
    assert list(made["credentials"]) == ["certificate"]
    shown = ("--cert", str(cert), "--key", str(key))
    assert publish(server, authority, *shown) == (0, "")
    assert until(lambda: home.get(f"devices/{made['device']['id']}/latest"))["t"]["value"] == 21.5

    renewed = said(home.api.post(f"devices/{made['device']['id']}/credentials"))
    assert list(renewed["credentials"]) == ["access_token"]
    assert publish(server, authority, *shown)[0] == 5
    assert publish(server, authority, *shown, "-u", renewed["credentials"]["access_token"]) == (0, "")
    assert server.stop()[0] == 0


def test_a_broken_renewal_is_told_by_ready(serve: Serve, authority: Authority) -> None:
    settings = encrypted(authority)
    server = serve(**settings)
    settings["tls_cert"].write_text("half a certif")

    def ready() -> httpx.Response:
        return httpx.get(f"https://127.0.0.1:{server.https}/ready", verify=authority.client(), timeout=PATIENCE_S)

    until(lambda: ready().status_code == 503)
    assert "the one before still is" in ready().json()["checks"]["certificate"]
    authority.sign("server")
    until(lambda: ready().status_code == 200)


def test_wrong_settings_end_the_start_with_one_sentence(tmp_path: Path, authority: Authority) -> None:
    cert, key = authority.sign("server")
    _, other = authority.sign("other")
    for settings, sentence in (
        ({"http_tls_port": 0}, "VERGER_HTTP_TLS_PORT needs VERGER_TLS_CERT"),
        ({"mqtt_tls_port": 0, "tls_cert": cert, "tls_key": other}, "VERGER_TLS_KEY is not the key of VERGER_TLS_CERT"),
        ({"mqtt_tls_port": "secure"}, "VERGER_MQTT_TLS_PORT is 'secure'; write a whole number from 0 to 65535."),
        ({"tls_client_ca": cert, "tls_key": key}, "VERGER_TLS_CLIENT_CA is for devices over TLS"),
    ):
        done = run_out(tmp_path / "data", log_level="error", **settings)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert sentence in done.stderr
