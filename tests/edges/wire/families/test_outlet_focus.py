"""Several control units in one organisation: each has a focus of its own, and its outlets their commands in time."""

from dataclasses import dataclass

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import client
from tests.edges.wire.families.test_outlet import added, opened
from tests.edges.wire.families.test_outlet_people import BASE, own_page, token
from tests.edges.wire.families.test_outlet_sockets import Browser
from tests.edges.wire.families.towns import Home, Town, home
from tests.edges.wire.families.unit import Outlet, Unit, focus_in
from verger.base.clock import SECOND
from verger.edges.wire.families.rounds import Rounds

CYCLE = 2 * SECOND
HERE = ("127.0.0.2", "127.0.0.3")


@dataclass
class Estate:
    """Two units of one enrolment, each with eight outlets behind it: 10 to 17 and 20 to 27."""

    there: Town
    mine: Home
    units: tuple[Unit, Unit]
    devices: dict[str, str]

    async def cycle(self) -> None:
        """Let both do what they do every two seconds."""
        for unit in self.units:
            await unit.cycle()
        self.there.clock.advance(2)
        await self.there.settled()

    async def ask(self, name: str, method: str = "relay_on") -> None:
        await self.mine.post(f"/devices/{self.devices[name]}/commands", method=method, params={"socket": "a"})

    async def focus_of(self, unit: Unit) -> str | None:
        return focus_in((await unit.http.get(f"{unit.base}/api/focus/")).text)

    async def tell_breaker(self, unit: Unit) -> None:
        said = f'{{"ccu_id":"{unit.ccu_id}","current_ma":900}}'
        await unit.http.post(f"{unit.base}/api/breaker-data/", content=said, headers={})


async def estate(there: Town, mine: Home, addresses: tuple[str, str] = HERE) -> Estate:
    """Connect both, and let them hear of their outlets."""
    base, devices = f"/t/{(await mine.enrolled())['key']}", dict[str, str]()
    for ccu_id in ("01", "02"):
        central = await mine.added(f"CCU-{ccu_id}", is_gateway=True)
        devices |= {name: await mine.added(name, gateway=central) for name in own(ccu_id)}
    one, other = (
        there.unit(base, here=address, ccu_id=ccu_id, breaker=900)
        for ccu_id, address in zip(("01", "02"), addresses, strict=True)
    )
    made = Estate(there, mine, (one, other), devices)
    for unit in made.units:
        await unit.boot()
        assert unit.outlets == {}  # nobody knows yet which unit it is
    await made.cycle()
    await made.cycle()
    return made


def own(ccu_id: str) -> list[str]:
    return [f"{ccu_id[1]}{number}" for number in range(8)]


async def test_every_outlet_of_two_units_has_its_command_within_two_seconds(there: Town) -> None:
    async with home(there, "Lake") as mine:
        at = await estate(there, mine)
        for unit in at.units:
            assert sorted(unit.outlets) == own(unit.ccu_id)
        for pair in zip(own("01"), reversed(own("02")), strict=True):
            for name in pair:
                await at.ask(name)
            asked = there.clock.now()
            await at.cycle()
            assert there.clock.now() - asked == CYCLE
            for unit, name in zip(at.units, pair, strict=True):
                assert unit.outlets[name].relays == [True, False]
        # Much that waits at one unit keeps nobody at the other waiting.
        for name in [*own("01"), "23"]:
            await at.ask(name, "relay_off")
        await at.cycle()
        assert at.units[1].outlets["23"].relays == [False, False]
        for _ in own("01")[1:]:
            await at.cycle()
        assert all(each.relays == [False, False] for each in at.units[0].outlets.values())
        assert [unit.failed for unit in at.units] == [0, 0]


async def test_people_look_at_an_outlet_of_each_unit_at_once(there: Town) -> None:
    async with home(there, "Lake") as mine:
        at = await estate(there, mine)
        for name in ("13", "25"):
            assert (await at.units[0].http.post(f"{at.units[0].base}/api/focus/{name}/", content="", headers={})).text
        assert [await at.focus_of(unit) for unit in at.units] == ["13", "25"]
        answer = await at.units[0].http.post(f"{at.units[0].base}/api/focus/clear/", content="", headers={})
        assert answer.status_code == 200
        assert [await at.focus_of(unit) for unit in at.units] == [None, None]


async def test_units_behind_one_address_are_known_by_the_order_of_what_they_do(there: Town) -> None:
    async with home(there, "Lake") as mine:
        at = await estate(there, mine, ("127.0.0.2", "127.0.0.2"))
        one, other = at.units
        for name in ("12", "26"):
            await at.ask(name)
        await at.tell_breaker(one)
        await at.tell_breaker(other)
        assert [await at.focus_of(one), await at.focus_of(other)] == ["12", "26"]
        for unit, name in zip(at.units, ("12", "26"), strict=True):
            await unit.learn()
            await unit.serve(name)
            assert unit.outlets[name].relays == [True, False]


async def test_a_unit_takes_nothing_from_an_outlet_behind_another_and_tells_nothing_of_it(there: Town) -> None:
    async with home(there, "Lake") as mine:
        at = await estate(there, mine)
        one, other = at.units
        await at.ask("10")
        await at.cycle()
        one.outlets["10"].currents = [700, 0]
        await one.serve("10")
        await at.ask("10", "relay_off")
        other.outlets["10"] = Outlet()  # stored in it, and never reached by its radio
        await other.serve("10")
        await there.settled()
        assert (await mine.get(f"/devices/{at.devices['10']}"))["attributes"]["reported"]["relay_a"] is True
        assert (await mine.commands(at.devices["10"]))[0][2] == "queued"
        await one.cycle()
        assert one.outlets["10"].relays == [False, False]


async def test_an_outlet_whose_page_somebody_looks_at_is_served_every_two_seconds(product: Product) -> None:
    base, owner = await opened(product), await token(product)
    await added(product, "CCU-02", is_gateway=True)
    for name in ("FD", "FE"):
        await added(product, name)
    async with client(product) as unit:
        assert (await unit.get(f"{base}/api/focus/")).json()["device_id"] is None
        page = Browser(product, f"{BASE}/ws/sensor/FE/", own_page(owner))
        assert (await page.next())["type"] == "websocket.accept"
        await page.frame()
        assert (await unit.get(f"{base}/api/focus/")).json()["device_id"] == "FE"
        await page.leave()
        assert (await unit.get(f"{base}/api/focus/")).json()["device_id"] is None


def test_who_left_or_never_asks_keeps_nobody_from_asking() -> None:
    rounds, line = Rounds(), ("tenant", "enrolment", "10.0.0.1")
    assert rounds.asks(line, 0) is None
    rounds.told(line, "one", 0)
    rounds.told(line, "other", SECOND)
    assert rounds.only(line, SECOND) is None
    rounds.told(line, "other", 12 * SECOND)
    assert rounds.asks(line, 12 * SECOND) == "other"  # the first did not ask in time
    assert rounds.asks(line, 13 * SECOND) is None
    rounds.told(line, "other", 61 * SECOND)
    assert rounds.only(line, 61 * SECOND) == "other"
    assert rounds.asks(line, 61 * SECOND) == "other"
    assert rounds.asks(line, 62 * SECOND) == "other"
    assert rounds.at(line, 200 * SECOND) == []
