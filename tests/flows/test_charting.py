"""Charting, clearing, showing and the overview, over a real history."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import DAY, HOUR, SECOND, microseconds, moment
from verger.base.errors import Conflict, Invalid, Missing
from verger.base.ids import new_id
from verger.domain.alerts.store import AlertStore
from verger.domain.devices.model import Connect, Device, DeviceType, Metric, Mqtt
from verger.domain.history.history import History
from verger.domain.places.model import Place
from verger.flows import charting
from verger.flows.charting import Charting, Span
from verger.flows.clearing import Clearing
from verger.flows.overview import Overview
from verger.flows.presence import Presence
from verger.flows.showing import Showing


@dataclass
class Estate:
    """A house with a history."""

    house: House
    history: History
    showing: Showing
    charting: Charting
    sequence: int = 0

    async def say(self, device: Device, metric: str, *readings: tuple[int, float]) -> None:
        kept = self.house.kept
        known = kept.registry.known(device.id)
        assert known is not None
        if metric not in known.series:
            made = await kept.series.create({(self.house.tenant, device.id): [metric]})
            kept.registry.learn(device.id, {metric: made[0].number})
        at, value = zip(*readings, strict=True)
        self.sequence += 1
        number = np.full(len(at), known.series[metric], np.uint32)
        self.history.take(self.sequence, number, np.array(at, np.int64), np.array(value, np.float64))

    def span(self, points: int = 500) -> Span:
        now = self.house.clock.now()
        return Span(now - DAY, now + HOUR, points)


@pytest_asyncio.fixture
async def estate(house: House, tmp_path: Path) -> AsyncIterator[Estate]:
    """Give an estate whose clock stands a day after everything was made."""
    history = await History.open(tmp_path / "history", clock=house.clock)
    presence = Presence(house.kept, AlertStore(house.kept.db), house.screens, house.clock, 600)
    showing = Showing(house.kept, house.places, history, presence, Connect(Mqtt(1883)))
    yield Estate(house, history, showing, Charting(showing, house.places, history))
    await history.close()


async def test_a_chart_is_told_by_metric_with_the_unit_of_the_type(estate: Estate) -> None:
    house, now = estate.house, estate.house.clock.now()
    kind = DeviceType(key="room", name="Room", metrics=[Metric(key="t", unit="Cel")], created_at=moment(now))
    await house.kept.types.add(house.tenant, kind)
    device = await house.add(type="room")
    await estate.say(device, "t", (now - 2 * SECOND, 20.0), (now - SECOND, 21.0))
    await estate.say(device, "x", (now, 1.0))
    charts = await estate.charting.device(house.tenant, device.id, ["t"], estate.span())
    assert list(charts) == ["t"]
    assert charts["t"]["unit"] == "Cel"
    assert (charts["t"]["raw"], charts["t"]["avg"]) == (True, [20.0, 21.0])
    assert "min" not in charts["t"]


async def test_more_readings_than_points_become_buckets(estate: Estate) -> None:
    now = estate.house.clock.now()
    device = await estate.house.add()
    await estate.say(device, "t", *((now - n * SECOND, float(n)) for n in range(100)))
    chart = (await estate.charting.device(estate.house.tenant, device.id, [], estate.span(10)))["t"]
    assert not chart["raw"]
    assert len(chart["at"]) <= 10
    assert sum(chart["count"]) == 100
    assert (min(chart["min"]), max(chart["max"]), sum(chart["sum"])) == (0.0, 99.0, 4950.0)
    assert all(at % chart["width_ms"] == 0 for at in chart["at"])


async def test_a_place_has_the_history_of_devices_while_they_stayed(estate: Estate) -> None:
    house = estate.house
    barn = await house.places.add(house.tenant, Place(id=new_id(), name="Barn", created_at=moment(0)))
    device = await house.add()
    before = house.clock.now()
    await estate.say(device, "t", (before, 1.0))
    house.clock.advance(3600)
    await house.provisioning.change(house.tenant, structs.replace(device, place=barn.id), {})
    await estate.say(device, "t", (house.clock.now() + SECOND, 2.0))
    house.clock.advance(60)
    there = await estate.charting.place(house.tenant, barn.id, [], estate.span())
    here = await estate.charting.place(house.tenant, house.place.id, [], estate.span())
    assert [chart["avg"] for chart in there] == [[2.0]]
    assert [chart["avg"] for chart in here] == [[1.0]]


async def test_a_place_includes_what_lies_below_it(estate: Estate) -> None:
    house = estate.house
    room = Place(id=new_id(), name="Room", parent=house.place.id, created_at=moment(0))
    await house.places.add(house.tenant, room)
    device = (await house.provisioning.add(house.tenant, structs.replace(house.new_device(), place=room.id)))[0]
    await estate.say(device, "t", (house.clock.now(), 5.0))
    charts = await estate.charting.place(house.tenant, house.place.id, [], estate.span())
    assert [(chart["device"], chart["metric"]) for chart in charts] == [(device.id, "t")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_pages_of_raw_readings_hold_each_one_once(estate: Estate, size: int) -> None:
    now = estate.house.clock.now()
    device = await estate.house.add()
    for metric in ("a", "b"):
        await estate.say(device, metric, *((now - n * SECOND, float(n)) for n in range(10)))
    found, cursor = [], None
    while True:
        page = await estate.charting.readings(estate.house.tenant, device.id, [], estate.span(size), cursor)
        found += [(r.at, r.metric, r.value) for r in page.items]
        if (cursor := page.next) is None:
            break
    assert len(found) == len(set(found)) == 20
    assert found == sorted(found)


async def test_a_cursor_of_somebody_else_is_refused(estate: Estate) -> None:
    device = await estate.house.add()
    with pytest.raises(Invalid, match="no cursor of ours"):
        await estate.charting.readings(estate.house.tenant, device.id, [], estate.span(), "nonsense!")


def test_a_span_does_not_end_before_it_begins() -> None:
    with pytest.raises(Invalid):
        Span(2, 1, 10)


async def test_a_cursor_beyond_all_time_is_refused(estate: Estate) -> None:
    device, cursor = await estate.house.add(), base64.urlsafe_b64encode(b'[1000000000000000000000,"t"]').decode()
    with pytest.raises(Invalid, match="no cursor of ours"):
        await estate.charting.readings(estate.house.tenant, device.id, [], estate.span(), cursor)


async def test_more_points_than_one_answer_holds_are_refused(estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    device, now = await estate.house.add(), estate.house.clock.now()
    for metric in ("t", "h"):
        await estate.say(device, metric, *((now - second * SECOND, 1.0) for second in range(6)))
    monkeypatch.setattr(charting, "MOST_POINTS", 11)
    with pytest.raises(Invalid, match="fewer metrics"):
        await estate.charting.device(estate.house.tenant, device.id, [], estate.span())
    assert (await estate.charting.device(estate.house.tenant, device.id, ["t"], estate.span()))["t"]["raw"]


async def test_latest_is_the_reading_with_the_greatest_time(estate: Estate) -> None:
    now = estate.house.clock.now()
    device = await estate.house.add()
    await estate.say(device, "t", (now, 2.0), (now - HOUR, 1.0))
    latest = await estate.showing.latest(estate.house.tenant, [device])
    assert (latest[device.id]["t"].value, microseconds(latest[device.id]["t"].at)) == (2.0, now)


async def test_the_overview_tells_places_their_values_and_who_is_silent(estate: Estate) -> None:
    house = estate.house
    device = await house.add("Hall")
    await estate.say(device, "rssi", (house.clock.now(), -60.0))
    await estate.say(device, "temperature", (house.clock.now(), 21.0))
    today = await Overview(estate.showing, house.places, house.clock, list).today(house.tenant)
    (line,) = today.places
    assert (line.state, line.because) == ("unknown", "Hall has not spoken yet")
    assert [(value.metric, value.value) for value in line.headline] == [("temperature", 21.0), ("rssi", -60.0)]
    assert line.headline[0].spark[-1] == 21.0
    assert [silent.device for silent in today.silent] == [device.id]


async def test_a_place_with_anything_in_it_is_not_deleted_by_accident(estate: Estate) -> None:
    house = estate.house
    device = await house.add()
    clearing = Clearing(house.places, house.kept, house.provisioning)
    with pytest.raises(Conflict, match="contents=delete"):
        await clearing.clear(house.tenant, house.place.id, None, None)
    await clearing.clear(house.tenant, house.place.id, "delete", None)
    for gone in (house.places.get(house.tenant, house.place.id), house.kept.devices.get(house.tenant, device.id)):
        with pytest.raises(Missing):
            await gone


async def test_the_contents_of_a_place_can_move_before_it_goes(estate: Estate) -> None:
    house = estate.house
    barn = await house.places.add(house.tenant, Place(id=new_id(), name="Barn", created_at=moment(0)))
    shelf = Place(id=new_id(), name="Shelf", parent=house.place.id, created_at=moment(0))
    await house.places.add(house.tenant, shelf)
    device = await house.add()
    clearing = Clearing(house.places, house.kept, house.provisioning)
    with pytest.raises(Invalid):
        await clearing.clear(house.tenant, house.place.id, "move", shelf.id)
    await clearing.clear(house.tenant, house.place.id, "move", barn.id)
    assert (await house.kept.devices.get(house.tenant, device.id)).place == barn.id
    assert (await house.places.get(house.tenant, shelf.id)).parent == barn.id


async def test_subject_and_snapshot_show_a_place_with_all_below_it(estate: Estate) -> None:
    house = estate.house
    device = await house.add()
    await estate.say(device, "t", (house.clock.now(), 5.0))
    subject = await estate.showing.subject(house.tenant, "place", house.place.id)
    word = subject.snapshot()
    assert (word["type"], word["place"]) == ("snapshot", house.place.id)
    assert word["devices"][0]["latest"]["t"].value == 5.0
    with pytest.raises(Missing):
        await estate.showing.subject("somebody else", "place", house.place.id)
