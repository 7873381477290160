"""What is put into the outbox stands there with its cause, or not at all."""

import pytest

from verger.base.clock import SECOND, HeldClock, moment
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.domain.notifications.model import TITLE_LONGEST, Notice, Urgency, one
from verger.domain.notifications.outbox import Outbox
from verger.domain.tenancy import tables


def dry(**more: str) -> Notice:
    return Notice(**{"severity": Urgency.warning, "kind": "alert", "title": "Dry", "to": "members"} | more)  # type: ignore[arg-type]


async def begin(db: Database, clock: HeldClock) -> Outbox:
    async with db.writing() as connection:
        await connection.execute(
            tables.tenant.insert().values(id="mine", name="Barn", timezone="UTC", created_at=moment(0), version=1)
        )
    return Outbox(db, clock)


async def test_a_notice_waits_until_it_is_spread(db: Database, clock: HeldClock) -> None:
    outbox = await begin(db, clock)
    async with db.writing() as connection:
        first = await outbox.put(connection, "mine", dry(title="x" * 300))
        await outbox.put(connection, "mine", dry(to=one("aino")))
    long, personal = await outbox.waiting()
    assert (long.id, len(long.notice.title), long.notice.user) == (first, TITLE_LONGEST, None)
    assert personal.notice.user == "aino"
    async with db.writing() as connection:
        assert await outbox.spread(connection, first)
        assert not await outbox.spread(connection, first)
    assert [put.id for put in await outbox.waiting()] == [personal.id]


async def test_what_was_not_committed_is_not_told(db: Database, clock: HeldClock) -> None:
    outbox = await begin(db, clock)

    async def cause() -> None:
        async with db.writing() as connection:
            await outbox.put(connection, "mine", dry())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await cause()
    assert await outbox.waiting() == []


async def test_old_notices_are_forgotten(db: Database, clock: HeldClock) -> None:
    outbox = await begin(db, clock)
    async with db.writing() as connection:
        await outbox.put(connection, "mine", dry())
        assert await outbox.forget(connection, moment(clock.now())) == 0
        assert await outbox.forget(connection, moment(clock.now() + SECOND)) == 1


@pytest.mark.parametrize("to", ["", "viewers", "user:", "aino"])
def test_a_notice_to_nobody_is_refused(to: str) -> None:
    with pytest.raises(Invalid, match="one person"):
        dry(to=to)
