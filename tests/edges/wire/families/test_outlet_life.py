"""Control units and their outlets over real sockets: a whole life, and two organisations with equal ids."""

from contextlib import AsyncExitStack
from pathlib import Path

from tests.edges.wire.families.test_ports import free
from tests.edges.wire.families.towns import Home, Town, home, town
from tests.edges.wire.families.unit import Outlet
from verger.base.clock import HeldClock


async def adopted(mine: Home) -> dict[str, str]:
    """Adopt all that waits; return the devices by their addresses."""
    found = {}
    for each in (await mine.get("/pending-devices"))["items"]:
        more = {"name": each["address"], "place": mine.place}
        made = await mine.post(f"/pending-devices/{each['id']}/adopt", **more)
        found[each["address"]] = made["device"]["id"]
    return found


async def test_a_unit_boots_is_adopted_measures_is_cut_off_by_a_rule_falls_silent_and_returns(there: Town) -> None:
    async with home(there, "Lake") as mine:
        unit = there.unit(f"/t/{(await mine.enrolled())['key']}", breaker=4500)
        await unit.boot()
        assert unit.outlets == {}
        unit.outlets["FE"] = Outlet(currents=[1250, -1], relays=[True, True])  # added on the unit's own page
        await there.cycles(unit, 2, background=True)
        devices = await adopted(mine)
        central, outlet = devices["CCU-02"], devices["FE"]
        await there.settled()
        assert await mine.latest(central) == {"current_ma": 4500}
        assert await mine.latest(outlet) == {"current_a": 1250}
        # From now on the server lists it. A rule cuts it off above its threshold, and the relay's flag is the proof.
        when = {"metric": "current_a", "device": outlet, "is": "above", "value": 2000}
        off = {"command": {"device": outlet, "method": "relay_off", "params": {"socket": "a"}}}
        rule = await mine.post("/rules", name="Cut off", place=mine.place, when=when, then=[off, {"alert": {}}])
        unit.outlets["FE"].currents = [2400, 60]
        await there.cycles(unit, 1, background=True)
        assert await mine.commands(outlet) == [("relay_off", {"socket": "a"}, "queued")]
        await there.cycles(unit, 1)
        assert unit.outlets["FE"].relays == [False, True]
        assert await mine.commands(outlet) == [("relay_off", {"socket": "a"}, "acknowledged")]
        unit.outlets["FE"].currents = [0, 60]
        await there.cycles(unit, 1)
        assert await mine.commands(outlet) == [("relay_off", {"socket": "a"}, "succeeded")]
        (run,) = (await mine.get(f"/rules/{rule['id']}/runs"))["items"]
        assert run["because"]
        told = await mine.get(f"/devices/{outlet}")
        assert (told["online"], told["attributes"]["reported"]["relay_a"]) == (True, False)
        # It falls silent, and is back with its next word.
        for _ in range(140):  # a jump of the clock would be no silence
            there.clock.advance(5)
            await there.house.presence.tick(there.house.stores.log.last)
        assert not (await mine.get(f"/devices/{outlet}"))["online"]
        await there.cycles(unit, 1, background=True)
        await there.house.presence.look()
        assert (await mine.get(f"/devices/{outlet}"))["online"]
        assert unit.failed == 0


async def test_sentinels_and_noise_over_the_wire_are_no_values_of_theirs(there: Town) -> None:
    async with home(there, "Lake") as mine:
        base = f"/t/{(await mine.enrolled())['key']}"
        central, outlet = await mine.added("CCU-02", is_gateway=True), await mine.added("FE")
        unit = there.unit(base, breaker=280)
        await unit.boot()
        for currents in ([-1, -1], [100, 101], [65_535, 730]):
            unit.outlets["FE"].currents = currents
            await there.cycles(unit, 1, background=True)
        rows = (await mine.get(f"/devices/{outlet}/readings"))["items"]
        assert sorted((row["metric"], row["value"]) for row in rows) == [
            ("current_a", 0),
            ("current_b", 101),
            ("current_b", 730),
        ]
        assert (await mine.get(f"/devices/{outlet}"))["attributes"]["reported"]["is_overload"] is True
        assert (await mine.get(f"/devices/{central}/latest"))["current_ma"]["value"] == 0


async def test_a_command_reaches_whichever_outlet_within_one_cycle_and_a_relay_that_refuses_proves_nothing(
    there: Town,
) -> None:
    async with home(there, "Lake") as mine:
        base = f"/t/{(await mine.enrolled())['key']}"
        await mine.added("CCU-02", is_gateway=True)
        names = [f"{number:02X}" for number in range(0xF0, 0xF8)]
        devices = {name: await mine.added(name) for name in names}
        unit = there.unit(base, breaker=900)
        await unit.boot()
        await there.cycles(unit, 1)
        for name, device in devices.items():
            unit.outlets[name].deaf = name == "F3"
            order = await mine.post(f"/devices/{device}/commands", method="relay_on", params={"socket": "b"})
            await there.cycles(unit, 1)
            assert unit.outlets[name].relays == [False, name != "F3"]
            await there.cycles(unit, 2)
            assert await mine.stage(order) == ("acknowledged" if name == "F3" else "succeeded")


async def test_two_organisations_with_equal_ids_share_nothing_by_key_by_port_and_by_network(
    tmp_path: Path, clock: HeldClock
) -> None:
    one, other = free(), free()
    async with AsyncExitStack() as stack:
        more = {"VERGER_COMPAT_PORTS": f"outlet:{one},outlet:{other}"}
        there = await stack.enter_async_context(town(tmp_path / "data", clock, **more))
        homes = [await stack.enter_async_context(home(there, name)) for name in ("Lake", "Hill")]
        doors = []
        for mine, port, address in zip(homes, (one, other), ("127.0.0.2", "127.0.0.3"), strict=True):
            made = await mine.enrolled(port=port, networks=[f"{address}/32"])
            doors.append(
                (
                    there.unit(f"/t/{made['key']}"),
                    there.unit("", port=port),
                    there.unit("/compat/outlet", here=address),
                )
            )
        devices = [(await mine.added("CCU-02", is_gateway=True), await mine.added("FE")) for mine in homes]
        for way in range(3):
            currents = (1000 + way, 2000 + way)
            for units, current in zip(doors, currents, strict=True):
                unit = units[way]
                unit.breaker = current * 2
                await unit.boot()
                unit.outlets["FE"].currents = [current, 0]
                await there.cycles(unit, 1, background=True)
            for mine, (central, outlet), current in zip(homes, devices, currents, strict=True):
                assert (await mine.get(f"/devices/{outlet}/latest"))["current_a"]["value"] == current
                assert (await mine.get(f"/devices/{central}/latest"))["current_ma"]["value"] == current * 2
            # A command, the focus and a threshold of one reach its own outlet alone.
            (mine, theirs), ((_, outlet), (_, alien)) = homes, devices
            order = await mine.post(f"/devices/{outlet}/commands", method="relay_on", params={"socket": "a"})
            await there.cycles(doors[1][way], 3)
            assert await mine.stage(order) == "queued"
            assert doors[1][way].outlets["FE"].relays == [False, False]
            await there.cycles(doors[0][way], 2)
            assert await mine.stage(order) == "succeeded"
            assert await theirs.commands(alien) == []
            assert (await theirs.people.get(f"/devices/{outlet}")).status_code == 404
