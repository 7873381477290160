"""Shedding: what a meter says leads to a command, an alert and the memory of both, or to none of them."""

from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from tests.flows.conftest import FakeScreens, FakeWire, House, new_tenant
from verger.base.clock import SECOND
from verger.base.db import Database
from verger.base.errors import Invalid, Missing, Stale
from verger.base.pages import Asked
from verger.domain.alerts.store import AlertStore, Wanted
from verger.domain.commands.store import CommandStore, WantedCommands
from verger.domain.shedding.store import SheddingStore
from verger.domain.telemetry.model import Batch
from verger.flows.bounding import Bounding
from verger.flows.commanding import Commanding
from verger.flows.desiring import Desiring
from verger.flows.shedding import Effects, Shedding


class Board:
    """A meter, two outlets, and what becomes of a plan; it may begin anew at any moment."""

    def __init__(self, house: House, db: Database) -> None:
        self.house, self.db = house, db
        self.latest: dict[int, tuple[int, float]] = {}
        self.log: list[Batch] = []

    async def open(self) -> None:
        """Begin, or begin anew as a fresh process would."""
        kept, clock, store = self.house.kept, self.house.clock, SheddingStore(self.db)
        self.commands, self.alerts = CommandStore(self.db), AlertStore(self.db)
        commanding, effects = Commanding(kept, self.commands, clock), Effects(self.commands, self.alerts)
        self.shedding = Shedding(kept, store, commanding, effects, self._latest, clock)
        await self.shedding.open()
        desiring = Desiring(kept, FakeWire(), FakeScreens(), clock, 100)
        self.bounding = Bounding(kept, store, self.shedding, commanding, desiring, self.alerts, clock)

    def _latest(self, numbers: Any) -> list[tuple[int, float] | None]:
        return [self.latest.get(number) for number in numbers]

    async def furnish(self) -> None:
        self.meter = (await self.house.add("Unit", dialect="outlet", address="CCU-02", is_gateway=True)).id
        self.outlets = [(await self.house.add(name, dialect="outlet", address=name)).id for name in ("FE", "FD")]

    def load(self, which: int, socket: str) -> dict[str, Any]:
        return {"device": self.outlets[which], "method": "relay_off", "params": {"socket": socket}}

    async def plan(self, **more: Any) -> Any:
        order = [self.load(0, "a"), self.load(0, "b"), self.load(1, "a")]
        usual: dict[str, Any] = {"limit": 100, "enabled": True, "order": order}
        return await self.bounding.change(self.house.tenant, self.meter, usual | more)

    async def number(self, device: str, metric: str) -> int:
        known = self.house.kept.registry.known(device)
        assert known is not None
        if metric not in known.series:
            for series in await self.house.kept.series.create({(self.house.tenant, device): [metric]}):
                self.house.kept.registry.learn(device, {series.metric: series.number})
        return known.series[metric]

    async def draw(self, which: int, socket: str, value: float) -> None:
        number = await self.number(self.outlets[which], f"current_{socket}")
        self.latest[number] = (self.house.clock.now(), value)

    async def say(self, value: float, ago_s: float = 0, after_s: float = 2) -> Batch:
        self.house.clock.advance(after_s)
        now, number = self.house.clock.now(), await self.number(self.meter, "current_ma")
        columns = np.array([number], np.uint32), np.array([now - round(ago_s * SECOND)]), np.array([value])
        batch = Batch(now, *columns, sequence=len(self.log) + 1)
        self.log.append(batch)
        await self.shedding.take(batch)
        return batch

    async def cut(self) -> list[tuple[str, str]]:
        """Return (outlet, socket) of what was cut off, the first first."""
        page = await self.commands.page(self.house.tenant, Asked(sort="asked_at"), WantedCommands())
        names = dict(zip(self.outlets, ("FE", "FD"), strict=True))
        return [(names[each.device], each.params["socket"]) for each in page.items]

    async def alerted(self) -> list[tuple[str, str]]:
        page = await self.alerts.page(self.house.tenant, Asked(), Wanted())
        return [(each.state, each.message) for each in page.items]


@pytest_asyncio.fixture
async def board(house: House, db: Database) -> Board:
    made = Board(house, db)
    await made.open()
    await made.furnish()
    return made


async def test_what_is_first_is_cut_off_at_once_and_the_next_after_the_rest(board: Board) -> None:
    await board.plan()
    await board.say(100)
    assert await board.cut() == []
    await board.say(120)
    assert await board.cut() == [("FE", "a")]
    assert await board.alerted() == [("active", "FE a is being cut off: Unit carries 120 of 100.")]
    for _ in range(5):
        await board.say(118)
    assert await board.cut() == [("FE", "a"), ("FE", "b")]
    await board.say(90)
    assert [state for state, _ in await board.alerted()] == ["cleared"]
    (first, *_) = (await board.commands.page(board.house.tenant, Asked(), WantedCommands())).items
    assert first.asked_by == f"shedding:{board.meter}"


async def test_a_fresh_process_that_reads_the_same_again_cuts_nothing_twice(board: Board) -> None:
    await board.plan()
    for _ in range(8):
        await board.say(120)
        await board.open()
        for batch in board.log:
            await board.shedding.take(batch)
    assert await board.cut() == [("FE", "a"), ("FE", "b")]


async def test_what_draws_nothing_is_passed_over_and_so_is_who_cannot_be_told(board: Board) -> None:
    await board.plan()
    await board.draw(0, "a", 0)
    await board.house.provisioning.retire(board.house.tenant, board.outlets[0])
    await board.say(120)
    assert await board.cut() == [("FD", "a")]


async def test_what_is_old_by_now_cuts_nothing_off(board: Board) -> None:
    await board.plan()
    await board.say(120, ago_s=60)
    assert await board.cut() == []
    batch = await board.say(90)
    board.house.clock.advance(60)
    late = Batch(batch.received_at + SECOND, batch.series, batch.at, np.array([120.0]), sequence=9)
    await board.shedding.take(late)
    assert await board.cut() == []


async def test_a_change_takes_hold_at_once_and_without_a_plan_nothing_happens(board: Board) -> None:
    standing = await board.plan(enabled=False)
    assert standing.order[0].metric == "current_a"
    await board.say(120)
    assert await board.cut() == []
    await board.bounding.change(board.house.tenant, board.meter, {"enabled": True, "limit": 150}, standing.version)
    with pytest.raises(Stale):
        await board.bounding.change(board.house.tenant, board.meter, {"limit": 90}, standing.version)
    await board.say(120)
    await board.say(151)
    assert await board.cut() == [("FE", "a")]
    desired = (await board.house.kept.attributes.of(board.house.tenant, [board.meter]))[board.meter].desired
    assert desired == {"threshold": 150}
    await board.bounding.end(board.house.tenant, board.meter)
    assert [state for state, _ in await board.alerted()] == ["cleared"]
    await board.say(200, after_s=60)
    assert len(await board.cut()) == 1


async def test_the_threshold_of_a_unit_is_the_limit_of_its_plan_however_it_was_said(board: Board) -> None:
    await board.plan(limit=1000)
    tenant, desiring = board.house.tenant, board.bounding.desiring
    await board.say(500)
    await desiring.desire(tenant, board.meter, {"threshold": 400})
    assert (await board.bounding.get(tenant, board.meter)).limit == 400
    await board.say(500)
    assert await board.cut() == [("FE", "a")]
    assert await board.alerted() == [("active", "FE a is being cut off: Unit carries 500 of 400.")]
    await desiring.desire(tenant, board.meter, {"threshold": 600})
    await board.say(500)
    assert [state for state, _ in await board.alerted()] == ["cleared"]
    changed = await board.bounding.change(tenant, board.meter, {"rest_s": 20})
    assert (changed.limit, changed.rest_s) == (600, 20)
    for limit in (0.2, 2_000_000):
        with pytest.raises(Invalid, match="whole number") as wrong:
            await board.bounding.change(tenant, board.meter, {"limit": limit})
        assert wrong.value.faults[0].field == "limit"
    assert (await board.bounding.get(tenant, board.meter)).limit == 600


async def test_a_first_plan_begins_with_the_threshold_of_its_unit(board: Board) -> None:
    await board.bounding.desiring.desire(board.house.tenant, board.meter, {"threshold": 9000})
    made = await board.bounding.change(board.house.tenant, board.meter, {"enabled": False})
    assert (made.metric, made.limit) == ("current_ma", 9000)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3000", 1_000_001])
async def test_a_threshold_that_none_can_keep_is_refused(board: Board, wrong: Any) -> None:
    for device in (board.meter, *board.outlets):
        with pytest.raises(Invalid, match="whole number of 1 to"):
            await board.bounding.desiring.desire(board.house.tenant, device, {"threshold": wrong})
    assert await board.house.kept.attributes.of(board.house.tenant, [board.meter]) == {}


async def test_a_plan_for_what_is_not_there_is_refused(board: Board, db: Database) -> None:
    wrong: list[dict[str, Any]] = [
        {"order": [board.load(0, "a") | {"device": "nobody"}]},
        {"order": [board.load(0, "c")]},
        {"protected": [{"device": "nobody"}]},
        {"protected": [{"device": board.outlets[0]}]},
        {"rest_s": 1},
        {"limit": None},
    ]
    for change in wrong:
        with pytest.raises(Invalid):
            await board.plan(**change)
    stranger = await new_tenant(db, board.house.clock)
    for act in (board.bounding.get(stranger, board.meter), board.bounding.change(stranger, board.meter, {"limit": 9})):
        with pytest.raises(Missing):
            await act
    with pytest.raises(Missing):
        await board.bounding.get(board.house.tenant, board.meter)
