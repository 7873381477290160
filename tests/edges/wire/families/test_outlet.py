"""A central control unit and its outlets, unchanged: what its firmware sends, and what it finds in the answers."""

from typing import Any

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client, enrolled, posted, waiting
from tests.edges.wire.families.unit import Unit, commands_in
from verger.base.clock import SECOND, HeldClock


async def added(product: Product, address: str, **more: Any) -> str:
    about = {"name": address, "place": product.place["id"], "dialect": "outlet", "address": address} | more
    device: str = (await posted(product, "/devices", **about))["device"]["id"]
    return device


async def opened(product: Product) -> str:
    return f"/t/{(await enrolled(product, 'outlet'))['key']}"


async def caught_up(product: Product, clock: HeldClock) -> None:
    clock.at += 2 * SECOND
    await product.house.oversight.followers.caught_up()


async def latest(product: Product, device: str) -> dict[str, float]:
    await product.house.oversight.followers.caught_up()
    return {metric: each["value"] for metric, each in (await product.get(f"/devices/{device}/latest")).items()}


async def reported(product: Product, device: str) -> dict[str, Any]:
    await product.house.oversight.followers.caught_up()
    state: dict[str, Any] = (await product.get(f"/devices/{device}"))["attributes"]["reported"]
    return state


async def asked(product: Product, device: str, method: str, **params: Any) -> Any:
    return await posted(product, f"/devices/{device}/commands", method=method, params=params)


async def stage(product: Product, command: Any) -> str:
    await product.house.oversight.followers.caught_up()
    return str((await product.get(f"/commands/{command['id']}"))["stage"])


async def test_every_answer_is_written_as_the_firmware_searches_it(product: Product) -> None:
    base, first = await opened(product), await added(product, "FE")
    await added(product, "fd")
    await asked(product, first, "relay_on", socket="a")
    await asked(product, first, "set_threshold", value=5000)
    async with client(product) as unit:
        sent = b'{"device_id":"FE","current_a":1250,"current_b":800,"relay_a":true,"relay_b":false,"is_overload":false}'
        answer = await unit.post(f"{base}/api/data/", content=sent)
        logged = b'{"success": true, "message": "Data received (logged to DB)", "relay_a": true, "relay_b": false}'
        assert (answer.status_code, answer.content) == (200, logged)
        assert (await unit.get(f"{base}/api/devices/")).content == b'{"success": true, "devices": ["FD", "FE"]}'
        assert (await unit.get(f"{base}/api/focus/")).content == b'{"success": true, "device_id": "FE"}'
        orders = (
            b'{"success": true, "commands": [{"command": "relay_on", "socket": "a", "value": null}, '
            b'{"command": "set_threshold", "socket": "", "value": 5000}]}'
        )
        assert (await unit.get(f"{base}/api/commands/FE/")).content == orders
        assert commands_in(orders.decode()) == [("relay_on", "a", 0), ("set_threshold", "", 5000)]
        assert (await unit.get(f"{base}/api/commands/FE/")).content == b'{"success": true, "commands": []}'
        await product.house.oversight.followers.caught_up()
        stands = (
            b'{"success": true, "device_id": "FE", "name": "FE", "relay_a": true, "relay_b": false, "threshold": 5000}'
        )
        assert (await unit.get(f"{base}/api/outlet-status/FE/")).content == stands


async def test_what_cannot_be_is_refused_as_the_old_server_did(product: Product) -> None:
    base = await opened(product)
    needed = "Missing required fields. Required: ['device_id', 'current_a', 'current_b']"
    async with client(product) as unit:
        for body, sentence in ((b"{", "Invalid JSON format"), (b"[]", "Invalid JSON format"), (b"{}", needed)):
            answer = await unit.post(f"{base}/api/data/", content=body)
            assert answer.status_code == 400
            assert answer.json() == {"success": False, "message": sentence}
        wrong = b'{"device_id":"FE","current_a":"x","current_b":null}'
        assert (await unit.post(f"{base}/api/data/", content=wrong)).status_code == 400
        answer = await unit.get(f"{base}/api/commands/FE/")
        missing = b'{"success": false, "message": "Outlet with device_id FE not found"}'
        assert (answer.status_code, answer.content) == (404, missing)
        answer = await unit.post(f"{base}/api/focus/FE/")
        assert (answer.status_code, answer.json()["message"]) == (404, "No CCU registered")
        assert (await unit.get(f"{base}/api/devices")).status_code == 404
        assert (await unit.get("/compat/outlet/api/devices/")).status_code == 401


@pytest.mark.parametrize(
    ("a", "b", "kept"),
    [
        (1250, -1, {"current_a": 1250}),
        (100, 101, {"current_a": 0, "current_b": 101}),
        (65535, 0, {"current_b": 0}),
        (-1, -1, {}),
        ("730", 65534, {"current_a": 730, "current_b": 65534}),
    ],
)
async def test_sentinels_are_no_readings_and_noise_is_nothing(
    product: Product, a: Any, b: Any, kept: dict[str, float]
) -> None:
    base, device = await opened(product), await added(product, "FE")
    async with client(product) as unit:
        body = {"device_id": "fe", "current_a": a, "current_b": b}
        assert (await unit.post(f"{base}/api/data/", json=body)).status_code == 200
    assert await latest(product, device) == kept
    assert (await reported(product, device))["is_overload"] is (a == 65535)


async def test_an_overload_is_one_event_however_long_it_lasts(product: Product, clock: HeldClock) -> None:
    base, device = await opened(product), await added(product, "FE")
    async with client(product) as unit:
        for a in (900, 65535, 65535, 700, 65535):
            await unit.post(f"{base}/api/data/", json={"device_id": "FE", "current_a": a, "current_b": 5})
            await caught_up(product, clock)
    events = (await product.get(f"/devices/{device}/events"))["items"]
    assert [each["kind"] for each in events if each["kind"] == "overload.tripped"] == ["overload.tripped"] * 2
    assert events[0]["data"]["sockets"] == ["a"]


@pytest.mark.parametrize(("ccu_id", "current", "kept"), [("2", 4500, 4500), (2, 280, 0), ("02", 281, 281)])
async def test_a_control_unit_waits_to_be_adopted_and_keeps_what_it_said(
    product: Product, ccu_id: Any, current: int, kept: float
) -> None:
    base = await opened(product)
    async with client(product) as unit:
        answer = await unit.post(f"{base}/api/breaker-data/", json={"ccu_id": ccu_id, "current_ma": current})
        assert answer.content == b'{"success": true, "message": "Breaker data received (logged to DB)"}'
    (pending,) = await waiting(product)
    assert (pending["address"], pending["sample"]) == ("CCU-02", {"current_ma": kept})
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Unit", place=product.place["id"])
    assert await latest(product, made["device"]["id"]) == {"current_ma": kept}


async def test_a_unit_and_its_outlets_live_their_whole_life_unchanged(product: Product, clock: HeldClock) -> None:
    base = await opened(product)
    central = await added(product, "CCU-02", is_gateway=True)
    names = {name: await added(product, name, gateway=central) for name in ("FE", "FD", "2")}
    async with client(product) as http:
        unit = Unit(http, base, breaker=4500)
        await unit.boot()
        assert sorted(unit.outlets) == ["02", "FD", "FE"]
        for each in unit.outlets.values():
            each.currents = [1200, 0]
        for _ in range(3):
            await unit.cycle(background=True)
            await caught_up(product, clock)
        assert await latest(product, central) == {"current_ma": 4500}
        for device in names.values():
            assert await latest(product, device) == {"current_a": 1200, "current_b": 0}
        # Each outlet with a command comes in its turn, and one that was told is looked at again for its proof.
        orders = {name: await asked(product, device, "relay_on", socket="b") for name, device in names.items()}
        for _ in range(3):
            await unit.cycle()
            await caught_up(product, clock)
        assert all(each.relays == [False, True] for each in unit.outlets.values())
        for _ in range(3):
            await unit.cycle()
            await caught_up(product, clock)
        assert [await stage(product, each) for each in orders.values()] == ["succeeded"] * 3
        assert (await http.get(f"{base}/api/focus/")).content == b'{"success": true, "device_id": null}'
        assert unit.failed == 0


async def test_a_relay_that_refuses_is_never_told_to_have_moved(product: Product, clock: HeldClock) -> None:
    base, device = await opened(product), await added(product, "FE")
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        unit.outlets["FE"].deaf = True
        order = await asked(product, device, "relay_on", socket="a")
        for _ in range(4):
            await unit.cycle()
            await caught_up(product, clock)
        assert await stage(product, order) == "acknowledged"
        clock.at += 60 * SECOND
        assert (await http.get(f"{base}/api/focus/")).json()["device_id"] is None


async def test_a_relay_of_which_nothing_is_known_is_not_proven_off_while_current_flows(
    product: Product, clock: HeldClock
) -> None:
    base, device = await opened(product), await added(product, "FE")
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        outlet = unit.outlets["FE"]
        outlet.deaf, outlet.relays, outlet.currents = True, [False, False], [900, 0]  # as after a start of the unit
        order = await asked(product, device, "relay_off", socket="a")
        for _ in range(4):
            await unit.cycle()
            await caught_up(product, clock)
        assert await stage(product, order) == "acknowledged"
        outlet.currents = [0, 0]
        for _ in range(3):
            await unit.cycle(background=True)
            await caught_up(product, clock)
        assert await stage(product, order) == "succeeded"


async def test_people_choose_which_outlet_is_in_focus(product: Product) -> None:
    base = await opened(product)
    await added(product, "CCU-01", is_gateway=True)
    await added(product, "FE")
    async with client(product) as http:
        assert (await http.post(f"{base}/api/focus/fe/")).content == b'{"success": true, "device_id": "FE"}'
        assert (await http.get(f"{base}/api/focus/")).json()["device_id"] == "FE"
        assert (await http.post(f"{base}/api/focus/AA/")).json()["message"] == "Outlet AA not found"
        for method in ("DELETE", "POST"):
            answer = await http.request(method, f"{base}/api/focus/clear/")
            assert answer.content == b'{"success": true, "device_id": null}'
        assert (await http.get(f"{base}/api/focus/")).json()["device_id"] is None


async def test_each_control_unit_has_a_focus_of_its_own(product: Product) -> None:
    bases = []
    for name, unit, outlet in (("Lake", "CCU-02", "FE"), ("Hill", "CCU-03", "FD")):
        place = (await posted(product, "/places", name=name))["id"]
        bases.append(f"/t/{(await posted(product, '/enrolments', dialect='outlet', place=place))['key']}")
        await added(product, unit, is_gateway=True, place=place)
        await added(product, outlet, place=place)
    async with client(product) as http:
        for base, outlet in zip(bases, ("FE", "FD"), strict=True):
            assert (await http.post(f"{base}/api/focus/{outlet}/")).json()["device_id"] == outlet
        for base, outlet in zip(bases, ("FE", "FD"), strict=True):
            assert (await http.get(f"{base}/api/focus/")).json()["device_id"] == outlet
        assert (await http.post(f"{bases[0]}/api/focus/clear/")).status_code == 200
        assert (await http.get(f"{bases[0]}/api/focus/")).json()["device_id"] is None
        assert (await http.get(f"{bases[1]}/api/focus/")).json()["device_id"] == "FD"


async def test_a_threshold_that_is_desired_reaches_the_outlet_once(product: Product) -> None:
    base, device = await opened(product), await added(product, "FE")
    change = {"attributes": {"desired": {"threshold": 2500}}}
    about = (await product.owner.get(f"/devices/{device}")).headers["etag"]
    answer = await product.owner.patch(f"/devices/{device}", json=change, headers={"If-Match": about})
    assert answer.status_code == 200, answer.text
    async with client(product) as http:
        unit = Unit(http, base)
        await unit.boot()
        await unit.serve("FE")
        assert unit.outlets["FE"].threshold == 2500
        assert (await reported(product, device))["threshold"] == 2500
        assert (await http.get(f"{base}/api/commands/FE/")).json()["commands"] == []


async def test_nobody_fetches_commands_without_an_enrolment(product: Product) -> None:
    device = await added(product, "FE")
    await asked(product, device, "relay_on", socket="a")
    async with client(product) as http:
        for base in ("/compat/outlet", "/t/ve_made-up"):
            assert (await http.get(f"{base}/api/commands/FE/")).status_code == 401
            assert (await http.get(f"{base}/api/focus/")).status_code == 401
