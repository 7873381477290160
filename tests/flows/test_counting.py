"""Counting: what was done is counted where the device was at the time, in the days of that place."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import microseconds, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.domain.places.model import Place
from verger.domain.telemetry.events import EventStore
from verger.domain.telemetry.model import Event
from verger.flows.counting import Counting

HELSINKI, LIMA = ZoneInfo("Europe/Helsinki"), ZoneInfo("America/Lima")


@dataclass
class Chain:
    """Two branches on two continents, each with a machine, and devices that are moved between them."""

    house: House
    counting: Counting
    east: Place
    west: Place
    booths: dict[str, Place]

    async def device(self, place: Place, since: datetime) -> str:
        device = structs.replace(self.house.new_device(new_id()[-8:]), place=place.id, created_at=since)
        await self.house.provisioning.add(self.house.tenant, device)
        return device.id

    async def move(self, device: str, place: Place, at: datetime) -> None:
        self.house.clock.at = microseconds(at)
        found = await self.house.kept.devices.get(self.house.tenant, device)
        await self.house.provisioning.change(self.house.tenant, structs.replace(found, place=place.id), {})

    async def do(self, device: str, kind: str, at: datetime, count: int | None = None) -> None:
        event = Event(kind, None if count is None else {"count": count}, microseconds(at), new_id())
        async with self.house.kept.db.writing() as connection:
            await self.counting.events.add(connection, [(self.house.tenant, device, event)], microseconds(at))

    async def days(
        self, first: date, last: date, place: Place | None = None, device: str | None = None
    ) -> list[tuple[str, str, int]]:
        """Return (day, kind, count) within some days."""
        tree = await self.house.places.tree(self.house.tenant)
        places = None if place is None else tree.below(place.id)
        counted = await self.counting.days(self.house.tenant, first, last, places, device)
        return [(f"{each.day}", each.kind, each.count) for each in counted]


@pytest_asyncio.fixture
async def chain(house: House, db: Database) -> Chain:
    async def place(name: str, zone: str, parent: str | None = None) -> Place:
        at = moment(house.clock.now())
        made = Place(id=new_id(), name=name, timezone=zone, parent=parent, created_at=at)
        return await house.places.add(house.tenant, made)

    east, west = await place("East", "Europe/Helsinki"), await place("West", "America/Lima")
    booths = {"east": await place("B", east.timezone, east.id), "west": await place("B", west.timezone, west.id)}
    return Chain(house, Counting(house.kept, house.places, EventStore(db)), east, west, booths)


async def test_a_day_is_that_of_the_place_and_gaps_count_where_they_were_found(chain: Chain) -> None:
    device = await chain.device(chain.booths["east"], datetime(2027, 3, 1, tzinfo=HELSINKI))
    for hour, minute in ((0, 0), (12, 0), (23, 59)):
        await chain.do(device, "treatment.basic", datetime(2027, 3, 27, hour, minute, tzinfo=HELSINKI))
    await chain.do(device, "gap.basic", datetime(2027, 3, 27, 13, tzinfo=HELSINKI), 4)
    await chain.do(device, "gap.basic", datetime(2027, 3, 27, 13, tzinfo=HELSINKI), -1)
    await chain.do(device, "reset.basic", datetime(2027, 3, 27, 13, tzinfo=HELSINKI), 9)
    await chain.do(device, "treatment.basic", datetime(2027, 3, 28, 0, 0, tzinfo=HELSINKI))  # a day of 23 hours
    await chain.do(device, "treatment.premium", datetime(2027, 3, 28, 23, 59, tzinfo=HELSINKI))
    assert await chain.days(date(2027, 3, 27), date(2027, 3, 28)) == [
        ("2027-03-27", "basic", 6),
        ("2027-03-28", "basic", 1),
        ("2027-03-28", "premium", 1),
    ]
    assert await chain.days(date(2027, 3, 28), date(2027, 3, 28), chain.east) == [
        ("2027-03-28", "basic", 1),
        ("2027-03-28", "premium", 1),
    ]
    (day,) = await chain.counting.days(chain.house.tenant, date(2027, 3, 27), date(2027, 3, 27))
    assert (day.missing, day.place, day.device) == (3, chain.booths["east"].id, device)
    assert day.first == datetime(2027, 3, 27, tzinfo=HELSINKI)
    assert day.last == datetime(2027, 3, 27, 23, 59, tzinfo=HELSINKI)
    assert await chain.counting.totals(chain.house.tenant, [device]) == {device: {"basic": 7, "premium": 1}}
    assert await chain.counting.days("another", date(2027, 3, 1), date(2027, 3, 31)) == []


async def test_what_was_done_stays_where_the_device_was_at_the_time(chain: Chain) -> None:
    device = await chain.device(chain.booths["east"], datetime(2027, 3, 10, 8, 7, tzinfo=HELSINKI))
    await chain.do(device, "treatment.basic", datetime(2027, 3, 9, tzinfo=HELSINKI))  # while it waited
    await chain.do(device, "treatment.basic", datetime(2027, 3, 11, 2, 6, 59, tzinfo=HELSINKI))
    moved = datetime(2027, 3, 11, 2, 7, tzinfo=HELSINKI)  # within a quarter of an hour, and the day before in Lima
    await chain.move(device, chain.booths["west"], moved)
    await chain.do(device, "treatment.basic", moved)
    other = await chain.device(chain.booths["east"], moved)
    await chain.do(other, "treatment.basic", moved)
    march = date(2027, 3, 1), date(2027, 3, 31)
    assert await chain.days(*march, chain.east) == [
        ("2027-03-09", "basic", 1),
        ("2027-03-11", "basic", 1),
        ("2027-03-11", "basic", 1),
    ]
    assert await chain.days(*march, chain.west) == [("2027-03-10", "basic", 1)]
    assert await chain.days(*march, chain.booths["east"], device) == [
        ("2027-03-09", "basic", 1),
        ("2027-03-11", "basic", 1),
    ]
    assert len(await chain.days(*march)) == 4
    await chain.house.provisioning.retire(chain.house.tenant, device)
    assert await chain.days(*march, device=device) == [
        ("2027-03-09", "basic", 1),
        ("2027-03-10", "basic", 1),
        ("2027-03-11", "basic", 1),
    ]
