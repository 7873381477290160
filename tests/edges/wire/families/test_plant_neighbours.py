"""Two organisations whose plant-care Pis kept the id and the secret that their client is delivered with."""

from typing import Any

import httpx
import pytest

from tests.edges.wire.families.towns import Home, Town, home

STOCK = {"device_id": "11111111-1111-1111-1111-111111111111", "device_secret": "demo-device-secret"}
SOIL, PUMP = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", "21111111-1111-1111-1111-111111111111"


async def planter(of: Home) -> tuple[str, str]:
    """Add the device that the client is delivered as; return it, and the address of its organisation's enrolment."""
    about = {"dialect": "plant", "address": STOCK["device_id"], "secret": STOCK["device_secret"]}
    channels = {SOIL: "soil_moisture", PUMP: "pump"}
    made = await of.post("/devices", name="Planter", place=of.place, channels=channels, **about)
    key = (await of.post("/enrolments", dialect="plant", place=of.place))["key"]
    return made["device"]["id"], f"/t/{key}/compat/plant"


async def log_page(there: Town, of: Home, device: str) -> list[str]:
    await there.house.stores.kept.remarks.write()
    return [each["message"] for each in (await of.get(f"/devices/{device}/log"))["items"]]


async def measured(there: Town, pi: httpx.AsyncClient, at: str, value: float) -> str:
    """Sign in and say what was measured; return the token."""
    told = await pi.post(f"{at}/auth/device", json=STOCK)
    assert told.status_code == 200, told.text
    token: str = told.json()["access_token"]
    batch = {"readings": [{"sensor_id": SOIL, "value": value}]}
    answer = await pi.post(f"{at}/telemetry", json=batch, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    await there.settled()
    return token


async def test_each_speaks_for_its_own_organisation_at_the_address_of_an_enrolment(there: Town) -> None:
    async with home(there, "Lake") as lake, home(there, "Hill") as hill:
        (one, at_lake), (other, at_hill) = await planter(lake), await planter(hill)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{there.port}") as pi:
            token = await measured(there, pi, at_hill, 33)
            assert (await lake.latest(one), await hill.latest(other)) == ({}, {"soil_moisture": 33})
            await lake.post(f"/devices/{one}/commands", method="pump.on", params={})
            waiting = await pi.get(f"{at_hill}/commands", headers={"Authorization": f"Bearer {token}"})
            assert waiting.json() == []
            await measured(there, pi, at_lake, 22)
            assert (await lake.latest(one), await hill.latest(other)) == (
                {"soil_moisture": 22},
                {"soil_moisture": 33},
            )


async def test_without_an_enrolment_neither_is_let_in_and_both_log_pages_tell(there: Town) -> None:
    async with home(there, "Lake") as lake, home(there, "Hill") as hill:
        (one, _), (other, _) = await planter(lake), await planter(hill)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{there.port}") as pi:
            answer = await pi.post("/compat/plant/auth/device", json=STOCK)
            assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid secret"})
            for each, device in ((lake, one), (hill, other)):
                (told,) = await log_page(there, each, device)
                assert "same address and secret" in told
            assert (await hill.people.delete(f"/devices/{other}")).status_code == 204
            await measured(there, pi, "/compat/plant", 21)
            assert await lake.latest(one) == {"soil_moisture": 21}


@pytest.mark.parametrize("claims", ["Lake", "Hill"])
async def test_whoever_claims_a_planter_is_told_of_their_own(there: Town, claims: str) -> None:
    async with home(there, "Lake") as lake, home(there, "Hill") as hill:
        added: dict[str, Any] = {"Lake": (lake, (await planter(lake))[0]), "Hill": (hill, (await planter(hill))[0])}
        mine, device = added[claims]
        people: httpx.AsyncClient = mine.people
        answer = await people.post(f"http://127.0.0.1:{there.port}/compat/plant/devices/claim", json=STOCK)
        assert answer.status_code == 200, answer.text
        assert answer.json()["id"] == STOCK["device_id"]
        assert await log_page(there, mine, device) == []
