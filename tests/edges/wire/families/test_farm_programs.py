"""Programs, accounts and the first pages of mushroom farms, in their old words."""

import httpx

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled
from tests.edges.wire.families.test_farm_people import AT, device_of, farm_of, got
from tests.people import PASSWORD


async def test_programs_tell_what_devices_measure(product: Product, pages: httpx.AsyncClient) -> None:
    _, room = await farm_of(pages)
    device = await device_of(pages, room)
    key = (await enrolled(product, "farm"))["key"]
    program = (await product.owner.post("/api-keys", json={"name": "Lambda", "role": "manager"})).json()["token"]
    told = {"type": "telemetry", "device_id": "d-1", "room_id": room, "farm_id": "sim-farm", "temperature_c": 21}
    for number, token in enumerate((key, program)):
        sent = told | {"temperature_c": 21 + number, "timestamp": f"2027-01-15T07:00:0{number}Z"}
        answer = await pages.post("/internal/ingest", json=sent, headers={"Authorization": f"Internal {token}"})
        assert (answer.status_code, answer.json()) == (200, {"status": "success"}), answer.text
    by_id = told | {"device_id": device, "recorded_at": "2027-01-15T07:10:00", "type": "telemetry"}
    async with client(product) as plain:
        answer = await plain.post(f"{AT}/internal/ingest", json=by_id, headers={"X-Internal-Token": key})
        assert answer.status_code == 200
        nobody = await plain.post(f"{AT}/internal/ingest", json=by_id)
        assert (nobody.status_code, nobody.json()["error"]) == (401, "Missing or invalid internal authorization")
        wrong = await plain.post(f"{AT}/internal/ingest", json=by_id, headers={"X-Internal-Token": "ve_x"})
        assert (wrong.status_code, wrong.json()["error"]) == (401, "Invalid internal token")
    await product.house.oversight.followers.caught_up()
    assert len((await got(pages, f"/rooms/{room}/telemetry?agg=raw"))["data"]) == 3
    note = {"type": "notification", "message": "Door open", "room_id": room, "level": "warning"}
    answer = await pages.post("/internal/ingest", json=note, headers={"Authorization": f"Internal {program}"})
    assert answer.status_code == 200
    refused = await pages.post("/internal/ingest", json=note, headers={"Authorization": f"Internal {key}"})
    assert refused.status_code == 403
    (shown,) = (await got(pages, "/notifications?level=warning"))["notifications"]
    assert (shown["message"], shown["room_id"]) == ("Door open", room)


async def test_accounts_are_made_by_those_who_may(product: Product, pages: httpx.AsyncClient) -> None:
    about = {"email": "new@example.test", "password": PASSWORD, "full_name": "New", "role": "viewer"}
    async with client(product) as plain:
        refused = await plain.post(f"{AT}/auth/register", json=about)
        assert refused.status_code == 403
        wrong = await plain.post(f"{AT}/auth/login", json={"email": "aino@example.test", "password": "no"})
        assert (wrong.status_code, wrong.json()) == (401, {"error": "Invalid email or password"})
        lacks = await plain.post(f"{AT}/auth/login", json={"email": "aino@example.test"})
        assert (lacks.status_code, lacks.json()) == (400, {"error": "Email and password are required"})
    answer = await pages.post("/auth/register", json=about)
    assert (answer.status_code, answer.json()["role"]) == (201, "viewer")
    _, room = await farm_of(pages)
    user = {"user_id": answer.json()["user_id"]}
    assert (await pages.post(f"/rooms/{room}/assign", json=user | {"role": "viewer"})).status_code == 200
    assert (await pages.post(f"/rooms/{room}/assign", json=user | {"role": "owner"})).status_code == 409
    assert (await pages.post(f"/rooms/{room}/assign", json=user | {"role": "king"})).json() == {"error": "Invalid role"}


async def test_what_it_answers_to_is_described_for_people_and_programs(product: Product) -> None:
    async with client(product) as plain:
        assert (await plain.get(f"{AT}/")).json()["documentation"] == "/docs/"
        page = await plain.get(f"{AT}/docs/", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "script" not in page.text
        assert f"href='{AT}/apispec.json'" in page.text
        spec = (await plain.get(f"{AT}/apispec.json")).json()
        assert (spec["swagger"], spec["basePath"]) == ("2.0", AT)
        telemetry = spec["paths"]["/api/rooms/{room}/telemetry"]["get"]
        assert telemetry["summary"]
        assert [each["name"] for each in telemetry["parameters"]] == ["room"]
        assert telemetry["security"] == [{"Bearer": []}]
        for path, methods in spec["paths"].items():
            assert path in page.text
            assert all(each["summary"] for each in methods.values()), path


async def test_the_server_says_what_it_is(product: Product, pages: httpx.AsyncClient) -> None:
    async with client(product) as plain:
        told = (await plain.get(f"{AT}/")).json()
        assert (told["message"], told["api_base"]) == ("IoT Smart Farm API", "/api")
        assert (await plain.get(f"{AT}/health")).json()["status"] == "healthy"
        slash = await plain.get(f"{AT}/api/farms/")
        assert (slash.status_code, list(slash.json())) == (404, ["error"])
    told = await pages.post("/control", json={"command": "x"})
    assert (told.status_code, told.json()["success"]) == (400, False)
    assert await got(pages, "/device_states") == {}
