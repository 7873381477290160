"""Cutting off in a chosen order, over real sockets: within seconds, never what is protected, and on after a restart."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.edges.wire.families.towns import Home, Town, home, town
from tests.edges.wire.families.unit import Unit
from tests.people import PASSWORD
from verger.base.clock import HeldClock

LOADS = {"FE": 6_000, "FD": 5_000, "FC": 4_000}  # mA, all on socket a; FC is a fridge


def flows(unit: Unit) -> None:
    """Let what is on draw its current, and the breaker carry the sum and what else there is."""
    for name, outlet in unit.outlets.items():
        outlet.currents = [LOADS[name] if outlet.relays[0] else 0, 0]
    unit.breaker = 5_000 + sum(sum(outlet.currents) for outlet in unit.outlets.values())


async def go(there: Town, unit: Unit, count: int = 1, *, background: bool = False) -> None:
    for _ in range(count):
        flows(unit)
        await there.cycles(unit, 1, background=background)


async def furnished(mine: Home) -> tuple[str, dict[str, str]]:
    central = await mine.added("CCU-02", is_gateway=True)
    return central, {name: await mine.added(name, gateway=central) for name in LOADS}


async def planned(mine: Home, central: str, devices: dict[str, str], *names: str, **more: Any) -> Any:
    order = [{"device": devices[name], "method": "relay_off", "params": {"socket": "a"}} for name in names]
    plan = {"enabled": True, "order": order, "protected": [{"device": devices["FC"]}]} | more
    answer = await mine.people.patch(f"/devices/{central}/shedding", json=plan)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def booted(there: Town, base: str) -> Unit:
    unit = there.unit(base)
    await unit.boot()
    for outlet in unit.outlets.values():
        outlet.relays = [True, False]
    return unit


async def test_too_much_is_cut_off_in_order_within_two_cycles_and_what_is_protected_never(there: Town) -> None:
    async with home(there, "Lake") as mine:
        base = f"/t/{(await mine.enrolled())['key']}"
        central, devices = await furnished(mine)
        protected = {"device": devices["FC"], "method": "relay_off", "params": {"socket": "a"}}
        refused = await mine.people.patch(
            f"/devices/{central}/shedding", json={"order": [protected], "protected": [{"device": devices["FC"]}]}
        )
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "order[0]")
        await planned(mine, central, devices, "FD", "FE", limit=12_000)
        unit = await booted(there, base)
        # 20 A flow: the first is off with the next focus, the second once the rest of 10 s is over; 9 A are left.
        await go(there, unit, 2)
        assert unit.outlets["FD"].relays == [False, False]
        assert unit.outlets["FE"].relays[0]
        await go(there, unit, 6)
        assert not unit.outlets["FE"].relays[0]
        await go(there, unit, 30, background=True)
        assert unit.outlets["FC"].relays == [True, False]
        for name in ("FD", "FE"):
            assert await mine.commands(devices[name]) == [("relay_off", {"socket": "a"}, "succeeded")]
        assert await mine.commands(devices["FC"]) == []
        (alert,) = (await mine.get("/alerts"))["items"]
        assert (alert["rule"], alert["state"], alert["count"]) == ("shedding", "cleared", 2)
        assert (await mine.get(f"/devices/{central}"))["attributes"]["desired"]["threshold"] == 12_000


async def test_a_relay_that_refuses_is_not_confirmed_and_the_next_is_cut_off_after_a_restart_too(
    tmp_path: Path, clock: HeldClock
) -> None:
    folder = tmp_path / "data"
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(town(folder, clock))
        mine = await stack.enter_async_context(home(there, "Lake"))
        base = f"/t/{(await mine.enrolled())['key']}"
        central, devices = await furnished(mine)
        await planned(mine, central, devices, "FD", "FE", limit=15_000)
        unit = await booted(there, base)
        outlets = unit.outlets
        outlets["FD"].deaf = True
        await go(there, unit, 2)
        assert await mine.commands(devices["FD"]) == [("relay_off", {"socket": "a"}, "acknowledged")]
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(town(folder, clock))
        unit = there.unit(base, outlets=outlets)
        token = (await _signed_in(there))["token"]
        mine.people = await stack.enter_async_context(there.people(token))
        await go(there, unit, 6)
        assert not outlets["FE"].relays[0]
        assert await mine.commands(devices["FD"]) == [("relay_off", {"socket": "a"}, "acknowledged")]
        assert (await mine.commands(devices["FE"]))[0][2] in {"acknowledged", "succeeded"}
        standing = await mine.get(f"/devices/{central}/shedding")
        assert standing["cut_at"] is not None


async def _signed_in(there: Town) -> Any:
    async with there.people("") as people:
        answer = await people.post("/auth/login", json={"email": "lake@example.test", "password": PASSWORD})
        return answer.json()


async def test_a_blueprints_load_is_a_limit_as_well_and_energy_is_reckoned_from_what_flows(there: Town) -> None:
    async with home(there, "Lake") as mine:
        base = f"/t/{(await mine.enrolled())['key']}"
        answer = await mine.people.post(f"/places/{mine.place}/blueprint", json={"name": "outlet"})
        assert answer.status_code in {200, 201}, answer.text
        central = await mine.added("CCU-02", is_gateway=True, type="outlet-unit")
        devices = {name: await mine.added(name, gateway=central, type="outlet") for name in LOADS}
        await planned(mine, central, devices, "FD", metric="load", limit=100)
        unit = await booted(there, base)
        for outlet in unit.outlets.values():
            outlet.currents = [2_000, 0]
        unit.breaker = 16_500  # others on the same line draw the rest: 110 % of 15 A
        await there.cycles(unit, 3)
        await there.settled()
        assert unit.outlets["FD"].relays == [False, False]
        assert [each["message"] for each in (await mine.get("/alerts"))["items"] if each["rule"] == "shedding"] == [
            "Outlet FD a is being cut off: Outlet CCU-02 carries 110 of 100."
        ]
        unit.breaker = 10_000
        await there.cycles(unit, 90)
        told = await mine.latest(central)
        assert told["breaker_power"] == 2_300
        assert 0.114 < told["breaker_energy"] < 0.121  # 2.3 kW for 180 s, after 3.8 kW for 4 s
