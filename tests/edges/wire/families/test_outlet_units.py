"""Control units in our own network, called at the addresses that the operator wrote down, and nowhere else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from tests.edges.wire.families.test_ports import free
from tests.edges.wire.families.towns import Home, Town, home, town
from verger.base.clock import HeldClock
from verger.base.settings import BadSetting, Settings
from verger.edges.wire import units
from verger.simulator import outlet
from verger.simulator.life import Door, Nature
from verger.simulator.sockets import FRIDGE, Outlet


@dataclass
class Local:
    """The pages that a unit has of its own: what it was told, each as its path and fields."""

    told: asyncio.Queue[tuple[str, dict[str, str]]] = field(default_factory=asyncio.Queue)
    status: int = 200

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        named = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
        body = (await reader.readexactly(int(named.get("content-length", 0)))).decode()
        self.told.put_nowait((head[0].split()[1], dict(parse_qsl(body))))
        answer = b'{"success":true}'
        where = b"Location: /elsewhere\r\n" if self.status == 307 else b""
        head_of = b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n%sConnection: close\r\n\r\n"
        writer.write(head_of % (self.status, len(answer), where))
        writer.write(answer)
        await writer.drain()
        writer.close()

    async def next(self) -> tuple[str, dict[str, str]]:
        async with asyncio.timeout(5):
            return await self.told.get()


@dataclass
class Lan:
    """A town with a unit that may be called."""

    there: Town
    mine: Home
    local: Local
    base: str
    central: str
    outlet: str
    port: int


@asynccontextmanager
async def lan(folder: Path, clock: HeldClock, local: Local | None) -> AsyncIterator[Lan]:
    """Make an organisation with a unit and an outlet, and begin anew with the unit's address written down."""
    port = free()
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(town(folder, clock))
        mine = await stack.enter_async_context(home(there, "Lake"))
        base = f"/t/{(await mine.enrolled())['key']}"
        central = await mine.added("CCU-02", is_gateway=True)
        outlet = await mine.added("FE", gateway=central)
        token = mine.people.headers["authorization"].removeprefix("Bearer ")
    async with AsyncExitStack() as stack:
        if local is not None:
            server = await asyncio.start_server(local.answer, "127.0.0.1", port)
            await stack.enter_async_context(server)
        given = {"VERGER_OUTLET_UNITS": f"{central}@127.0.0.1:{port}"}
        there = await stack.enter_async_context(town(folder, clock, **given))
        mine.people = await stack.enter_async_context(there.people(token))
        yield Lan(there, mine, local or Local(), base, central, outlet, port)


async def stage_of(at: Lan, order: dict[str, str], wanted: str) -> list[str]:
    """Wait until a command is in a stage; return what proved each of its steps."""
    async with asyncio.timeout(5):
        while await at.mine.stage(order) != wanted:
            await asyncio.sleep(0)
            await at.there.settled()
    return [step["proof"] for step in (await at.mine.get(f"/commands/{order['id']}"))["steps"]]


async def test_a_unit_is_told_at_once_and_only_its_relay_confirms(tmp_path: Path, clock: HeldClock) -> None:
    async with lan(tmp_path / "data", clock, Local()) as at:
        order = await at.mine.post(f"/devices/{at.outlet}/commands", method="relay_on", params={"socket": "a"})
        form = {"device_id": "FE", "command": "relay_on", "socket": "a"}
        assert await at.local.next() == ("/api/ext/relay", form)
        assert await stage_of(at, order, "acknowledged") == [f"asked by {order['asked_by']}", "lan", "lan"]
        unit = at.there.unit(at.base)
        await unit.boot()
        await at.there.cycles(unit, 1)
        assert unit.outlets["FE"].relays == [False, False]  # by the radio alone, which this unit does not simulate
        unit.outlets["FE"].relays = [True, False]
        await at.there.cycles(unit, 1)
        assert (await stage_of(at, order, "succeeded"))[-1] == "reported relay_a"


async def test_the_simulated_unit_is_called_and_obeys_at_once(tmp_path: Path, clock: HeldClock) -> None:
    async with lan(tmp_path / "data", clock, None) as at:

        async def wait(_seconds: float) -> None:
            """Let the radio take no time."""

        door = Door("127.0.0.1", at.there.port, at.base.removeprefix("/t/"))
        nature = Nature(1, 7, 2.0, clock=clock, wait=wait)
        unit = outlet.Unit(nature, door, {"FE": Outlet(1, (FRIDGE, FRIDGE))}, pages=at.port)
        await unit.cycle()
        assert unit.radio["FE"].outlet.relays == [True, True]
        order = await at.mine.post(f"/devices/{at.outlet}/commands", method="relay_off", params={"socket": "b"})
        change = {"attributes": {"desired": {"threshold": 9_000}}}
        assert (await at.mine.people.patch(f"/devices/{at.central}", json=change)).status_code == 200
        assert (await stage_of(at, order, "acknowledged"))[-1] == "lan"
        assert unit.radio["FE"].outlet.relays == [True, False]  # before it asked for anything
        async with asyncio.timeout(5):
            while unit.board.limit != 9_000:
                await at.there.settled()
        for _ in range(3):
            clock.advance(2)
            await unit.cycle()
            await at.there.settled()
        await unit.stop()
        assert await at.mine.stage(order) == "succeeded"


async def test_a_threshold_reaches_outlet_and_breaker_and_what_was_told_is_reported(
    tmp_path: Path, clock: HeldClock
) -> None:
    async with lan(tmp_path / "data", clock, Local()) as at:
        for device, path, form in (
            (at.central, "/api/breaker/threshold?value=12000", {}),
            (at.outlet, "/api/ext/threshold", {"device_id": "FE", "value": "12000"}),
        ):
            change = {"attributes": {"desired": {"threshold": 12_000}}}
            assert (await at.mine.people.patch(f"/devices/{device}", json=change)).status_code == 200
            assert await at.local.next() == (path, form)
            async with asyncio.timeout(5):
                while (await at.mine.get(f"/devices/{device}"))["attributes"]["reported"].get("threshold") != 12_000:
                    await at.there.settled()


async def test_a_limit_that_a_unit_did_not_take_is_told_again_until_it_does(
    tmp_path: Path, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "_AGAIN_S", 0.01)
    async with lan(tmp_path / "data", clock, Local(status=500)) as at:
        change = {"attributes": {"desired": {"threshold": 9_000}}}
        assert (await at.mine.people.patch(f"/devices/{at.central}", json=change)).status_code == 200
        for _ in range(3):
            assert await at.local.next() == ("/api/breaker/threshold?value=9000", {})
        reported = (await at.mine.get(f"/devices/{at.central}"))["attributes"]["reported"]
        assert "threshold" not in reported
        at.local.status = 200
        async with asyncio.timeout(5):
            while "threshold" not in reported:
                await at.there.settled()
                reported = (await at.mine.get(f"/devices/{at.central}"))["attributes"]["reported"]
        assert reported["threshold"] == 9_000


@pytest.mark.parametrize("status", [None, 400, 307])
async def test_what_a_unit_does_not_take_is_found_by_its_poll(
    tmp_path: Path, clock: HeldClock, status: int | None
) -> None:
    local = None if status is None else Local(status=status)
    async with lan(tmp_path / "data", clock, local) as at:
        order = await at.mine.post(f"/devices/{at.outlet}/commands", method="relay_on", params={"socket": "a"})
        if local is not None:
            assert (await at.local.next())[0] == "/api/ext/relay"
        unit = at.there.unit(at.base)
        await unit.boot()
        await at.there.cycles(unit, 2)
        assert unit.outlets["FE"].relays == [True, False]
        assert await at.mine.stage(order) == "succeeded"
        assert at.local.told.empty()


@pytest.mark.parametrize("wrong", ["unit", "unit@router", "unit@8.8.8.8", "@192.168.1.20", "unit@192.168.1.20:x"])
def test_only_numbers_of_private_networks_are_addresses_of_units(wrong: str) -> None:
    with pytest.raises(BadSetting, match="VERGER_OUTLET_UNITS"):
        Settings.read({"VERGER_OUTLET_UNITS": wrong})
    assert Settings.read({}).outlet_units == ()
    fine = Settings.read({"VERGER_OUTLET_UNITS": "unit@192.168.1.20, other@10.0.0.5:8080"})
    assert fine.outlet_units == (("unit", "192.168.1.20:80"), ("other", "10.0.0.5:8080"))
