"""People of power outlets: what their pages and their spreadsheet ask, with Verger's own rights."""

from typing import Any

import httpx
import pytest

from tests.edges.api.conftest import HERE
from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, posted
from tests.edges.wire.families.test_outlet import added, caught_up, opened, reported
from tests.edges.wire.families.unit import Unit
from verger.base.clock import MINUTE, HeldClock
from verger.domain.tenancy.model import Role

BASE = "/compat/outlet"


async def token(product: Product, role: Role = Role.owner) -> str:
    """Return the session of somebody new in the organisation."""
    tenancy = product.house.stores.tenancy
    tenant = str(await tenancy.users.first_tenant())
    user = await tenancy.users.add(tenant, role, "Bea", f"{role}@example.test", "a long enough secret")
    return await tenancy.sessions.open(user.id, tenant)


def own_page(session: str) -> dict[str, str]:
    return {"cookie": f"verger_session={session}", "origin": HERE}


async def waiting_commands(product: Product, device: str) -> list[tuple[str, Any]]:
    found = (await product.get(f"/devices/{device}/commands"))["items"]
    return [(each["method"], each["params"]) for each in found if each["stage"] == "queued"]


async def test_a_command_is_asked_in_the_old_words_by_whoever_may(product: Product) -> None:
    device = await added(product, "FE")
    session = await token(product)
    async with client(product) as pages:
        pages.headers.update({"authorization": f"Bearer {session}"})
        answer = await pages.post(f"{BASE}/api/commands/fe/relay_on/", data={"socket": "A"})
        queued = b'{"success": true, "message": "Command queued \\u2014 will execute within 2s", "direct": false}'
        assert (answer.status_code, answer.content) == (200, queued)
        parts: Any = {"socket": (None, ""), "value": (None, "5000")}
        answer = await pages.post(f"{BASE}/api/commands/FE/set_threshold/", files=parts)
        threshold = b'{"success": true, "message": "Threshold set to 5000mA (queued)", "direct": false}'
        assert (answer.status_code, answer.content) == (200, threshold)
        answer = await pages.post(f"{BASE}/api/commands/FE/ping/")
        assert answer.content == b'{"success": true, "message": "Command ping queued successfully"}'
    assert sorted(await waiting_commands(product, device), key=str) == [
        ("ping", {}),
        ("relay_on", {"socket": "a"}),
        ("set_threshold", {"value": 5000}),
    ]


@pytest.mark.parametrize(
    ("path", "form", "status", "sentence"),
    [
        ("FE/explode/", {}, 400, "Invalid command"),
        ("FE/relay_on/", {"socket": "c"}, 400, "Invalid socket"),
        ("FE/relay_on/", {}, 400, "Invalid socket"),
        ("FE/set_threshold/", {"value": "much"}, 400, "Invalid value format"),
        ("FE/set_threshold/", {"value": "65535"}, 400, "Invalid value format"),
        ("AA/relay_on/", {"socket": "a"}, 404, "Outlet not found or unauthorized"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_the_old_words(
    product: Product, path: str, form: dict[str, str], status: int, sentence: str
) -> None:
    device = await added(product, "FE")
    async with client(product) as pages:
        pages.headers.update({"authorization": f"Bearer {await token(product)}"})
        answer = await pages.post(f"{BASE}/api/commands/{path}", data=form)
        assert (answer.status_code, answer.json()) == (status, {"success": False, "message": sentence})
    assert await waiting_commands(product, device) == []


async def test_no_browser_switches_an_outlet_without_a_right(product: Product) -> None:
    base, device = await opened(product), await added(product, "FE")
    await added(product, "CCU-02", is_gateway=True)
    owner, viewer = await token(product), await token(product, Role.viewer)
    foreign = own_page(owner) | {"origin": "https://evil.example"}
    silent = {"cookie": f"verger_session={owner}"}
    async with client(product) as pages:
        for path, body in (
            ("/api/commands/FE/relay_on/", {"data": {"socket": "a"}}),
            ("/api/breaker-threshold/", {"json": {"threshold": 9000}}),
        ):
            for where in (BASE, base):  # the key of an enrolment is a right of devices, not of people
                nobody = await pages.post(f"{where}{path}", **body)
                assert (nobody.status_code, nobody.json()["message"]) == (401, "Authentication required")
            for headers in (foreign, silent, own_page(viewer)):
                assert (await pages.post(f"{BASE}{path}", headers=headers, **body)).status_code == 403
            assert (await pages.post(f"{BASE}{path}", headers=own_page(owner), **body)).status_code == 200
    assert await waiting_commands(product, device) == [("relay_on", {"socket": "a"})]


async def test_people_of_another_organisation_find_nothing_behind_an_enrolment_that_is_not_theirs(
    product: Product,
) -> None:
    base, device = await opened(product), await added(product, "FE")
    tenancy = product.house.stores.tenancy
    tenant = await tenancy.users.add_tenant("Hill", "UTC")
    stranger = await tenancy.users.add(tenant.id, Role.owner, "Cleo", "cleo@example.test", "a long enough secret")
    async with client(product) as pages:
        pages.headers.update({"authorization": f"Bearer {await tenancy.sessions.open(stranger.id, tenant.id)}"})
        for where in (BASE, base):
            answer = await pages.post(f"{where}/api/commands/FE/relay_on/", data={"socket": "a"})
            assert answer.status_code == 404
        assert (await pages.post(f"{BASE}/api/breaker-threshold/", json={"threshold": 5})).status_code == 404
    assert await waiting_commands(product, device) == []


async def test_the_threshold_of_a_breaker_is_desired_of_the_newest_unit(product: Product) -> None:
    async with client(product) as pages:
        pages.headers.update({"authorization": f"Bearer {await token(product)}"})
        path = f"{BASE}/api/breaker-threshold/"
        missing = await pages.post(path, json={"threshold": 12000})
        assert (missing.status_code, missing.json()["message"]) == (404, "No CCU registered")
        central = await added(product, "CCU-02", is_gateway=True)
        wrongs: list[Any] = [{"threshold": 0}, {"threshold": "12"}, {"threshold": True}, [], {}]
        for wrong in wrongs:
            answer = await pages.post(path, json=wrong)
            assert (answer.status_code, answer.json()["message"]) == (400, "Threshold must be greater than 0")
        answer = await pages.post(path, json={"threshold": 12000})
        assert (
            answer.content == b'{"success": true, "message": "Breaker threshold set to 12000 mA", "threshold": 12000}'
        )
    assert (await product.get(f"/devices/{central}"))["attributes"]["desired"]["threshold"] == 12000


async def test_the_spreadsheet_gets_what_was_measured_for_a_key_of_the_organisation(
    product: Product, clock: HeldClock
) -> None:
    base = await opened(product)
    await added(product, "CCU-02", is_gateway=True)
    await added(product, "FE")
    key = (await posted(product, "/api-keys", name="Sheets", role="viewer"))["token"]
    async with client(product) as unit:
        for a, b in ((1250, -1), (65535, 800), (0, 0)):
            await unit.post(f"{base}/api/data/", json={"device_id": "FE", "current_a": a, "current_b": b})
            await unit.post(f"{base}/api/breaker-data/", json={"ccu_id": "02", "current_ma": 4500})
            await caught_up(product, clock)
            clock.at += MINUTE
        for wrong in ("", "vk_made-up", await token(product)):
            refused = await unit.get(f"{BASE}/api/export/sheets/", params={"key": wrong})
            answer = b'{"success": false, "message": "Invalid or missing API key"}'
            assert (refused.status_code, refused.content) == (403, answer)
        told = await unit.get(f"{BASE}/api/export/sheets/", params={"key": key, "days": "many"})
    assert told.content.startswith(b'{"success": true, "outlets": {"FE": {"name": "FE", "device_id": "FE", "threshold"')
    body = told.json()
    rows = body["outlets"]["FE"]["readings"]
    assert [(row["current_a"], row["current_b"], row["is_overload"]) for row in rows] == [
        (1250, None, False),
        (None, 800, True),
        (0, 0, False),
    ]
    assert rows[0]["timestamp"] == "2027-01-15 10:00:00 AM"  # the place's own time
    assert [(row["ccu_id"], row["current_ma"]) for row in body["breaker"]] == [("02", 4500)] * 3


async def test_a_threshold_that_drifted_is_told_within_one_cycle_and_a_command_is_not_taken_back(
    product: Product, clock: HeldClock
) -> None:
    base, devices = await opened(product), [await added(product, name) for name in ("FD", "FE")]
    for device in devices:
        about = (await product.owner.get(f"/devices/{device}")).headers["etag"]
        change = {"attributes": {"desired": {"threshold": 2500}}}
        await product.owner.patch(f"/devices/{device}", json=change, headers={"If-Match": about})
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        for _ in devices:
            await unit.cycle()
            await caught_up(product, clock)
        assert [each.threshold for each in unit.outlets.values()] == [2500, 2500]
        assert (await http.get(f"{base}/api/focus/")).json()["device_id"] is None
        await posted(product, f"/devices/{devices[0]}/commands", method="set_threshold", params={"value": 4000})
        for _ in range(2):
            await unit.cycle(background=True)
            await caught_up(product, clock)
        assert unit.outlets["FD"].threshold == 4000
        state = (await product.get(f"/devices/{devices[0]}"))["attributes"]
        assert (state["desired"]["threshold"], (await reported(product, devices[0]))["threshold"]) == (4000, 4000)


async def test_all_sockets_of_a_place_are_cut_at_once(product: Product, clock: HeldClock) -> None:
    base = await opened(product)
    await added(product, "CCU-02", is_gateway=True)
    for name in ("FD", "FE"):
        await added(product, name)
    off = f"/places/{product.place['id']}/off"
    plan = await product.get(off)
    assert sorted((order["method"], order["params"]["socket"]) for order in plan["orders"]) == [
        *[("relay_off", "a")] * 2,
        *[("relay_off", "b")] * 2,
    ]
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        for each in unit.outlets.values():
            each.relays = [True, True]
        begun: httpx.Response = await product.owner.post(off, json={"confirm": True})
        assert begun.status_code == 202
        while any(True in each.relays for each in unit.outlets.values()):
            await unit.cycle()
            await caught_up(product, clock)
