"""People of CottagePilot: what its pages ask and read, over Verger's own sessions."""

import asyncio
import json
from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, posted, waiting
from tests.edges.wire.families.test_cottage import HUM, TEMP, provisioned, told
from tests.people import PASSWORD
from verger.base.clock import MINUTE, HeldClock
from verger.domain.tenancy.model import Role


async def signed_in(device: Any) -> dict[str, str]:
    """Sign in as the old pages do; return the header they send from then on."""
    mine = {"username": "aino@example.test", "password": PASSWORD}
    answer = await device.post("/compat/cottage/api/login/", json=mine)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["user"] == body["account"]
    assert body["cottageInstanceActive"] == "true"
    assert "HttpOnly" in answer.headers["set-cookie"]
    return {"Authorization": f"Token {body['token']}"}


async def test_people_see_and_claim_their_sensors_in_the_old_words(product: Product, clock: HeldClock) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    await told(product, key, code, 22.35, 41)
    async with client(product) as pages:
        bad = await pages.post("/compat/cottage/login/", json={"username": "aino@example.test", "password": "no"})
        assert (bad.status_code, bad.json()) == (400, {"non_field_errors": ["Invalid username or password"]})
        refused = await pages.get("/compat/cottage/sensors/")
        assert (refused.status_code, refused.json()["detail"]) == (401, "Authentication credentials were not provided.")
        pages.headers.update(await signed_in(pages))
        assert (await pages.get("/compat/cottage/sensors/")).json()["count"] == 0
        unknown = await pages.post("/compat/cottage/sensors/claim_sensor/", json={"sensor_id": "nobody"})
        assert (unknown.status_code, unknown.json()) == (404, {"status": "An unexpected error occurred."})
        claimed = await pages.post("/compat/cottage/sensors/claim_sensor/", json={"sensor_id": TEMP})
        assert claimed.status_code == 202
        await product.house.oversight.followers.caught_up()
        assert claimed.json()["results"]["sensor_id"] == TEMP
        again = await pages.post("/compat/cottage/sensors/claim_sensor/", json={"sensor_id": HUM})
        assert again.json() == {"status": "Sensor already claimed by someone."}
        listed = (await pages.get("/compat/cottage/api/sensors/")).json()["results"]
        assert [each["type"] for each in listed] == ["temperature", "humidity"]
        assert [each["last_reading"] for each in listed] == [22.35, 41]
        assert code not in json.dumps(listed)
        clock.at += MINUTE
        data = (await pages.get(f"/compat/cottage/sensors/{listed[0]['id']}/data/?time_range=1h")).json()["results"]
        assert [each["value"] for each in data] == [22.35, 21.5]
        assert (await pages.get("/compat/cottage/sensors/stats/")).json()["results"]["total_sensors"] == 2


async def test_people_keep_their_tasks_in_the_old_words(product: Product) -> None:
    async with client(product) as pages:
        pages.headers.update(await signed_in(pages))
        wanted = {"id": "", "owner": "", "name": "Sweep", "description": None, "time_correlation": "2027-01-10"}
        made = await pages.post("/compat/cottage/api/task/", json=wanted)
        assert made.status_code == 201
        assert (made.json()["status"], made.json()["time_correlation"]) == ("overdue", "2027-01-10")
        path = f"/compat/cottage/api/task/{made.json()['id']}/"
        assert (await pages.patch(path, json={"time_correlation": "2027-03-01"})).json()["status"] == "waiting"
        assert (await pages.post(f"{path}mark_done/")).json() == {"status": "Task status updated"}
        (task,) = (await pages.get("/compat/cottage/api/task/")).json()["results"]
        assert (task["name"], task["status"]) == ("Sweep", "done")
        assert (await product.get("/tasks"))["items"][0]["state"] == "done"
        assert (await pages.delete(path)).status_code == 204


class Browser:
    """The other side of a live socket, without the network between."""

    def __init__(self, product: Product, cookie: str = "") -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.said: asyncio.Queue[Any] = asyncio.Queue()
        headers = [(b"host", b"verger.test"), (b"origin", b"http://verger.test"), (b"cookie", cookie.encode())]
        path = "/compat/cottage/ws/unified/1/"
        scope = {"type": "websocket", "path": path, "headers": headers, "query_string": b"", "client": ("1.2.3.4", 1)}
        self.said.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.create_task(product.app(scope, self.said.get, self.sent.put))

    async def heard(self) -> Any:
        """Return what the server did next."""
        async with asyncio.timeout(60):
            return await self.sent.get()

    async def frame(self) -> Any:
        """Return what came next."""
        async with asyncio.timeout(5):
            return json.loads((await self.sent.get())["text"])


async def test_the_live_socket_tells_readings_and_tasks_to_who_is_signed_in(product: Product) -> None:
    key = (await enrolled(product, "cottage"))["key"]
    code = await provisioned(product, key)
    nobody = Browser(product)
    assert (await nobody.sent.get())["type"] == "websocket.close"
    async with client(product) as pages:
        token = (await signed_in(pages))["Authorization"].removeprefix("Token ")
    browser = Browser(product, f"verger_session={token}")
    assert (await browser.sent.get())["type"] == "websocket.accept"
    (pending,) = await waiting(product)
    await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Hall")
    await product.house.oversight.followers.caught_up()
    await told(product, key, code, 19.25, 55)
    values: dict[str, float] = {}
    while len(values) < 2:
        frame = await browser.frame()
        assert frame["type"] == "sensor_update"
        values[frame["payload"]["sensor_name"]] = frame["payload"]["value"]
    assert values["Hall temperature"] in {21.5, 19.25}
    await posted(product, "/tasks", title="Sweep")
    while (frame := await browser.frame())["type"] != "task_update":
        pass
    assert frame["payload"]["name"] == "Sweep"
    browser.said.put_nowait({"type": "websocket.disconnect"})
    await browser.task


async def joined(product: Product, role: Role = Role.member) -> tuple[str, str]:
    """Add somebody to the organisation who signs in; return who, and the token."""
    tenancy = product.house.stores.tenancy
    tenant = await tenancy.users.first_tenant() or ""
    user = await tenancy.users.add(tenant, role, "Mem", "mem@example.test", PASSWORD)
    return user.id, await tenancy.sessions.open(user.id, tenant)


@pytest.mark.parametrize("ends", ["session", "membership", "choice"])
async def test_a_live_socket_tells_nothing_more_once_its_session_or_membership_has_ended(
    product: Product, ends: str
) -> None:
    tenancy = product.house.stores.tenancy
    user, token = await joined(product)
    other = await tenancy.users.add_tenant("Hill", "UTC")
    await tenancy.users.join(other.id, user, Role.owner)
    browser = Browser(product, f"verger_session={token}")
    assert (await browser.heard())["type"] == "websocket.accept"
    await posted(product, "/tasks", title="Sweep")
    assert json.loads((await browser.heard())["text"])["payload"]["name"] == "Sweep"
    if ends == "session":
        await tenancy.sessions.end((await tenancy.sessions.look(token)).session or "")
    elif ends == "membership":
        assert (await product.owner.delete(f"/members/{user}")).status_code == 204
    else:
        await tenancy.sessions.caller(token, other.id)
    await posted(product, "/tasks", title="Secret")
    assert await browser.heard() == {"type": "websocket.close", "code": 1008}
    await browser.task


async def test_who_is_a_member_nowhere_opens_no_live_socket(product: Product) -> None:
    user, token = await joined(product)
    assert (await product.owner.delete(f"/members/{user}")).status_code == 204
    browser = Browser(product, f"verger_session={token}")
    assert await browser.heard() == {"type": "websocket.close", "code": 1008}
    await browser.task
