"""Behind nginx and Caddy as deploy/ sets them up: people, screens and devices, and whom Verger takes them for."""

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import paho.mqtt.publish
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.certificates import Authority
from tests.e2e.conftest import Serve, Settle
from tests.e2e.home import EMAIL, Home
from tests.e2e.waiting import PATIENCE_S, until
from tests.people import PASSWORD

DEPLOY = Path(__file__).parent.parent.parent / "deploy"


@dataclass
class Front:
    """A proxy that runs before a home."""

    home: Home
    authority: Authority
    port: int

    def client(self) -> httpx.Client:
        """Return a client that comes from another address of this machine."""
        transport = httpx.HTTPTransport(verify=self.authority.client(), local_address="127.0.0.2")
        return httpx.Client(base_url=f"https://localhost:{self.port}", transport=transport, timeout=PATIENCE_S)


def nginx(folder: Path, cert: Path, key: Path, port: int, behind: int) -> list[str]:
    """Write what nginx needs around the site of deploy/, changed only in ports and names of files."""
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    for old, new in {
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "/etc/letsencrypt/live/verger.example/fullchain.pem": str(cert),
        "/etc/letsencrypt/live/verger.example/privkey.pem": str(key),
    }.items():
        assert old in site
        site = site.replace(old, new)
    (folder / "site.conf").write_text(site, "utf-8")
    kept = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = f"events {{}}\nhttp {{\naccess_log off;\n{kept}include {folder}/site.conf;\n}}\n"
    (folder / "nginx.conf").write_text(f"daemon off;\npid {folder}/pid;\nerror_log stderr;\n{whole}", "utf-8")
    return [str(shutil.which("nginx")), "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, cert: Path, key: Path, port: int, behind: int) -> list[str]:
    """Write what Caddy needs around the site of deploy/, changed only in ports and the certificate."""
    site = (DEPLOY / "Caddyfile").read_text("utf-8")
    for old, new in {
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
        "verger.example {": f"https://localhost:{port} {{\n\tbind 127.0.0.1\n\ttls {cert} {key}",
    }.items():
        assert old in site
        site = site.replace(old, new)
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(options + site, "utf-8")
    return [str(shutil.which("caddy")), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


PROXIES: list[Callable[..., list[str]]] = [nginx, caddy]
BOTH = [pytest.param(kind, marks=pytest.mark.needs(kind.__name__), id=kind.__name__) for kind in PROXIES]


@pytest.fixture(params=BOTH)
def front(request: pytest.FixtureRequest, serve: Serve, settle: Settle, tmp_path: Path) -> Iterator[Front]:
    server = serve(trusted_proxies="127.0.0.1", log_level="info")
    home, authority, port = settle(server), Authority(tmp_path / "certificates"), free_port()
    folder = tmp_path / "proxy"
    folder.mkdir()
    command = request.param(folder, *authority.sign("proxy"), port, server.http)
    surroundings = {"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=surroundings, stdout=said, stderr=said)
    try:
        found = Front(home, authority, port)
        until(lambda: process.poll() is not None or answers(port))
        assert process.poll() is None, (folder / "said").read_text("utf-8")
        yield found
    finally:
        process.terminate()
        process.wait(20)


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_everything_works_behind_it_and_nobody_is_taken_for_somebody_else(front: Front) -> None:
    home = front.home
    with front.client() as browser:
        signed_in = browser.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD})
        assert signed_in.status_code == 200
        assert "Secure" in signed_in.headers["set-cookie"]
        origin = {"Origin": f"https://localhost:{front.port}"}
        made = browser.post("/api/v1/places", json={"name": "Barn", "kind": "barn"}, headers=origin)
        assert made.status_code == 201, made.text
        assert browser.post("/api/v1/places", json={}, headers={"Origin": "https://x.test"}).status_code == 403
        assert browser.get("/metrics").status_code == 401

        sensor = home.add_device()
        assert browser.post(f"/api/v1/{sensor.token}/telemetry", json={"t": 21.5}).status_code == 200
        assert home.latest(sensor)["t"]["value"] == 21.5
        assert browser.get(f"/api/v1/{sensor.token}/rpc?timeout=10").status_code == 408
        large = browser.post(f"/api/v1/{sensor.token}/telemetry", content=b" " * 1_100_000)
        assert (large.status_code, large.headers["content-type"]) == (413, "application/problem+json")

    asyncio.run(watch(front, sensor.id))
    tls = front.authority.client()
    paho.mqtt.publish.single(
        "v1/devices/me/telemetry",
        '{"t":22.5}',
        qos=1,
        hostname="localhost",
        port=front.port,
        auth={"username": sensor.token, "password": ""},
        transport="websockets",
        tls=tls,  # type: ignore[arg-type]
    )
    until(lambda: home.latest(sensor)["t"]["value"] == 22.5)


async def watch(front: Front, device: str) -> None:
    """Open a screen, and then say as a device what is no MQTT: the log tells from which address."""
    where, tls = f"wss://localhost:{front.port}", front.authority.client()
    protocols = [Subprotocol("bearer"), Subprotocol(front.home.token)]
    async with connect(f"{where}/api/v1/live", subprotocols=protocols, ssl=tls) as screen:
        await screen.send(json.dumps({"type": "subscribe", "device": device}))
        assert json.loads(await screen.recv())["type"] == "snapshot"
    mqtt = [Subprotocol("mqtt")]
    async with connect(f"{where}/mqtt", subprotocols=mqtt, ssl=tls, local_addr=("127.0.0.2", 0)) as thing:
        await thing.send(b"\x00\x00")
        await thing.wait_closed()
    assert "127.0.0.2" in front.home.server.stderr
