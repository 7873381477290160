"""Lists in pages."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import Column, Float, Integer, MetaData, String, Table, func, insert, select

from verger.base.clock import SECOND, moment
from verger.base.db import Database, Instant
from verger.base.errors import Invalid
from verger.base.pages import AnyRow, Asked, Ordering, Page, page

THINGS = Table(
    "things",
    MetaData(),
    Column("id", String(36), primary_key=True),
    Column("name", String(60)),
    Column("size", Integer),
    Column("weight", Float),
    Column("at", Instant),
)
ORDERING = Ordering(
    key=THINGS.c.id,
    sorts={"name": func.lower(THINGS.c.name), "size": THINGS.c.size, "weight": THINGS.c.weight, "at": THINGS.c.at},
    first="-at",
    names=(THINGS.c.name,),
)
NAMES = ["Äiti", "barn", "Barn", "100 %", "a_b", "axb"]


@pytest_asyncio.fixture
async def things(db: Database) -> AsyncIterator[Database]:
    async with db.writing() as connection:
        await connection.run_sync(THINGS.create)
        for number, name in enumerate(NAMES):
            row = {"id": f"id{number}", "name": name, "size": number // 2, "weight": number / 2}
            await connection.execute(insert(THINGS).values(row | {"at": moment((number // 3) * SECOND)}))
    yield db


async def ask(db: Database, asked: Asked) -> Page[str]:
    async with db.reading() as connection:
        return await page(connection, select(THINGS.c.id), ORDERING, asked, id_of)


def id_of(row: AnyRow) -> str:
    return str(row.id)


async def walked(db: Database, sort: str | None, limit: int) -> list[str]:
    found, cursor = [], None
    while True:
        part = await ask(db, Asked(limit, cursor, sort))
        found += part.items
        if part.next is None:
            return found
        cursor = part.next


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
async def test_pages_hold_each_item_once_whatever_their_size(things: Database, limit: int) -> None:
    assert await walked(things, None, limit) == ["id5", "id4", "id3", "id2", "id1", "id0"]
    assert await walked(things, "size", limit) == ["id0", "id1", "id2", "id3", "id4", "id5"]
    assert await walked(things, "-weight", limit) == ["id5", "id4", "id3", "id2", "id1", "id0"]


async def test_names_are_ordered_whatever_their_capitals(things: Database) -> None:
    assert [NAMES[int(each[2:])] for each in await walked(things, "name", 2)] == [
        "100 %",
        "a_b",
        "axb",
        "barn",
        "Barn",
        "Äiti",
    ]


@pytest.mark.parametrize(("q", "found"), [("BAR", 2), ("%", 1), ("_", 1), ("äITI", 1), ("none", 0), ("", 6)])
async def test_names_are_searched_as_written_whatever_their_capitals(things: Database, q: str, found: int) -> None:
    assert len((await ask(things, Asked(q=q))).items) == found


async def test_a_page_goes_on_where_the_last_ended_though_rows_come_and_go(things: Database) -> None:
    first = await ask(things, Asked(2, None, "size"))
    async with things.writing() as connection:
        await connection.execute(insert(THINGS).values(id="id00", name="new", size=0, weight=0.0, at=moment(0)))
        await connection.execute(THINGS.delete().where(THINGS.c.id == "id1"))
    assert (await ask(things, Asked(9, first.next, "size"))).items == ["id2", "id3", "id4", "id5"]


def made_up(*parts: object) -> str:
    return urlsafe_b64encode(msgspec.json.encode(parts)).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "!!!",
        "a",
        made_up("size", "x", "id1"),
        made_up("size", 1 << 70, "id1"),
        made_up("size", 1),
        made_up("size", {"a": 1}, "id1"),
        made_up("name", "x", "id1"),
        made_up("size", 1, 2),
    ],
)
async def test_a_made_up_cursor_is_refused(things: Database, cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        await ask(things, Asked(2, cursor, "size"))
    assert refused.value.faults[0].field == "cursor"


async def test_a_made_up_time_is_refused(things: Database) -> None:
    with pytest.raises(Invalid):
        await ask(things, Asked(2, made_up("at", "x", "id1"), "at"))
    assert (await ask(things, Asked(2, made_up("at", 1 << 62, "id1"), "at"))).items == []


async def test_an_unknown_order_is_refused_with_the_known(things: Database) -> None:
    with pytest.raises(Invalid, match="name or size or weight or at"):
        await ask(things, Asked(sort="color"))
