"""Five servers on one host: each path is the family's whose mount it is below, to the slash, and nothing redirects."""

import json
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled
from verger.edges.wire.dialects import families
from verger.edges.wire.families.table import SPOKEN

COLLISIONS = [
    ("GET", "/api/devices/", {"outlet", "ozone"}),
    ("POST", "/api/devices", {"farm"}),
    ("GET", "/api/devices/x", {"farm"}),
    ("GET", "/api/events/", {"ozone"}),
    ("POST", "/api/events/", {"ozone"}),
    ("POST", "/login/", {"cottage"}),
    ("GET", "/alerts", {"plant"}),
    ("GET", "/alerts/", {"cottage"}),
    ("GET", "/health", {"farm"}),
    ("GET", "/health/", {"cottage"}),
    ("POST", "/auth/login", {"plant", "farm"}),
    ("POST", "/api/auth/login", {"farm"}),
    ("GET", "/devices", {"plant"}),
    ("GET", "/api/commands/FE/", {"outlet"}),
    ("GET", "/api/export/", {"ozone"}),
    ("GET", "/api/export/sheets/", {"outlet"}),
    ("POST", "/api/auth/register", {"farm"}),
]


@pytest.mark.parametrize(("method", "path", "whose"), COLLISIONS)
def test_a_path_is_of_those_who_speak_it_to_the_slash(method: str, path: str, whose: set[str]) -> None:
    assert {name for name, family in SPOKEN.items() if family.find(method, path)[0] is not None} == whose


@pytest.mark.parametrize(
    "topic", ["sensors/data", "telemetry/status/1", "ozon/device/1/event", "farm/F/room/R/status/D"]
)
def test_a_topic_is_of_one_family(topic: str) -> None:
    assert len([name for name, family in families.SPOKEN.items() if family.hears(topic)]) == 1


DEVICES = [
    ("cottage", "/sensors/create_sensor/"),
    ("cottage", "/api/sensors/create_sensor/"),
    ("ozone", "/api/iot/"),
    ("ozone", "/iot/"),
    ("ozone", "/api/handshake/"),
    ("plant", "/telemetry"),
    ("outlet", "/api/data/"),
    ("outlet", "/api/breaker-data/"),
]


async def test_no_post_of_a_device_is_redirected_whatever_its_slash(product: Product) -> None:
    keys = {name: (await enrolled(product, name))["key"] for name in ("cottage", "ozone", "outlet", "plant")}
    async with client(product) as device:
        for name, path in DEVICES:
            right = await device.post(f"/t/{keys[name]}{path}", content=b"{}")
            other = f"{path}/" if not path.endswith("/") else path.rstrip("/")
            wrong = await device.post(f"/t/{keys[name]}{other}", content=b"{}")
            assert right.status_code in {400, 401, 422}, (name, path, right.text)
            assert wrong.status_code == 404, (name, other, wrong.status_code)


async def test_the_same_path_is_answered_in_the_words_of_its_mount(product: Product) -> None:
    outlet, cottage, farm = [(await enrolled(product, name))["key"] for name in ("outlet", "cottage", "farm")]
    async with client(product) as device:

        async def got(path: str) -> Any:
            return await device.get(path)

        for mount in (f"/t/{outlet}", f"/t/{outlet}/compat/outlet"):
            assert (await got(f"{mount}/api/devices/")).content == b'{"success": true, "devices": []}'
        assert (await got("/compat/ozone/api/devices/")).status_code == 401
        assert (await got(f"/t/{cottage}/health/")).content == b"Server is running, 200"
        assert json.loads((await got(f"/t/{farm}/health")).content)["status"] == "healthy"
        assert (await got(f"/t/{farm}/health/")).status_code == 404
        assert (await got(f"/t/{outlet}/compat/ozone/api/handshake/")).status_code in {401, 403, 404, 405}
