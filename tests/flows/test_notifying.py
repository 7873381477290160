"""A notice reaches those it is for, each of them once, whoever there is."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.people import first_household, next_household, quick_tenancy
from verger.base.clock import SECOND, HeldClock, moment
from verger.base.db import Database
from verger.base.pages import Asked
from verger.base.secrets import ServerSecret
from verger.domain.notifications.inbox import Inbox
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Notice, Put, Urgency, one
from verger.domain.notifications.preferences import Preferences
from verger.domain.notifications.tables import notice
from verger.domain.notifications.ways import Message, Way
from verger.domain.tenancy.members import Members
from verger.domain.tenancy.model import Member, Role
from verger.flows.notifying import Notifying, whom
from verger.flows.telling import Telling

FEW = Preferences(lesser=False)
NOBODY_CHOSE: dict[str, Preferences] = {}


def people(*roles: str) -> list[Member]:
    return [Member(role, role, f"{role}@example.test", Role(role), moment(0), 1) for role in roles]


def to(whom: str, title: str = "Soil at 12 %", severity: Urgency = Urgency.warning) -> Notice:
    return Notice(severity=severity, kind="alert", title=title, to=whom)


@pytest.mark.parametrize(
    ("there", "wanted", "meant", "told"),
    [
        ("viewer member manager owner", {}, "members", "member manager owner"),
        ("viewer member manager owner", {}, "managers", "manager owner"),
        ("viewer member manager owner", {}, "owners", "owner"),
        ("viewer member manager owner", {"owner": FEW}, "members", "member manager"),
        ("viewer member manager owner", {"owner": FEW, "manager": FEW}, "members", "member"),
        ("viewer manager owner", {"owner": FEW, "manager": FEW}, "members", "manager"),
        ("viewer owner", {"owner": FEW}, "members", "owner"),
        ("viewer owner", {"owner": FEW}, "managers", "owner"),
        ("viewer member manager owner", {"owner": FEW, "manager": FEW}, "members,owners", "member owner"),
        ("member manager owner", {"owner": FEW}, "managers,owners", "manager owner"),
        ("viewer member owner", {}, "user:viewer", "viewer"),
        ("viewer member owner", {"owner": FEW}, "user:gone", "owner"),
    ],
)
def test_somebody_is_always_told(there: str, wanted: dict[str, Preferences], meant: str, told: str) -> None:
    assert whom(to(meant), people(*there.split()), wanted) == told.split()


@dataclass
class FakeWhispers:
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def whisper(self, tenant: str, user: str, word: dict[str, Any]) -> None:
        self.told.append((user, word))


class FakeCourier:
    """Carries nothing anywhere."""

    async def carry(self, way: Way, message: Message) -> None:
        raise AssertionError


async def test_each_has_it_once_and_says_when_they_have_seen_it(db: Database, clock: HeldClock) -> None:
    tenancy = quick_tenancy(db, clock)
    home = await first_household(tenancy)
    owner, member = home.people[Role.owner], home.people[Role.member]
    room, screens = Mailroom.over(db, clock, ServerSecret(b"s" * 32)), FakeWhispers()
    notifying, telling = (
        Notifying(room, tenancy.members, screens, clock),
        Telling(room, screens, FakeCourier(), clock, ""),
    )
    async with db.writing() as connection:
        await room.outbox.put(connection, home.tenant, to("members"))
        await room.outbox.put(connection, home.tenant, to(one(owner), "For you"))
    assert (await notifying.spread(), await notifying.spread()) == (2, 0)
    assert [word["title"] for user, word in screens.told if user == owner] == ["Soil at 12 %", "For you"]

    page = await room.inbox.page(home.tenant, owner, Asked())
    assert [told.title for told in page.items] == ["For you", "Soil at 12 %"]
    assert await telling.seen(home.tenant, owner, [page.items[0].id]) == 1
    assert screens.told[-1][1] == {"type": "notifications_read", "notifications": [page.items[0].id], "unread": 1}
    assert [told.id for told in (await room.inbox.page(home.tenant, owner, Asked(), unread=True)).items] == [
        page.items[1].id
    ]
    assert await telling.seen(home.tenant, owner, None) == 0
    assert await room.inbox.unread(home.tenant, member) == 1


async def test_one_that_cannot_be_spread_holds_up_no_other_and_is_tried_ever_later_and_shown(
    db: Database, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenancy = quick_tenancy(db, clock)
    home = await first_household(tenancy)
    room, screens = Mailroom.over(db, clock, ServerSecret(b"s" * 32)), FakeWhispers()
    notifying, give, tried = Notifying(room, tenancy.members, screens, clock), Inbox.give, list[int]()

    async def given(inbox: Inbox, connection: AsyncConnection, put: Put, *more: Any) -> Any:
        if put.notice.title == "First":
            tried.append(clock.now())
            raise OSError("The disk is gone.")
        return await give(inbox, connection, put, *more)

    monkeypatch.setattr(Inbox, "give", given)
    async with db.writing() as connection:
        for title in ("First", "Second"):
            await room.outbox.put(connection, home.tenant, to("owners", title))
    assert (await notifying.spread(), await notifying.spread()) == (1, 0)
    assert await notifying.check() == "ok"
    for _ in range(100):
        clock.advance(1)
        await notifying.spread()
    waits = [(later - earlier) // SECOND for earlier, later in pairwise(tried)]
    assert waits == [10, 20, 40]
    assert "1 notification cannot be given to people (OSError: The disk is gone.)" in await notifying.check()
    assert [figure.value for figure in notifying.figures()] == [1, 4]
    monkeypatch.undo()
    clock.advance(3600)
    assert await notifying.spread() == 1
    assert await notifying.check() == "ok"
    assert [word["title"] for _, word in screens.told] == ["Second", "First"]


async def test_one_that_makes_no_sense_holds_up_no_other(db: Database, clock: HeldClock) -> None:
    tenancy = quick_tenancy(db, clock)
    home = await first_household(tenancy)
    room, screens = Mailroom.over(db, clock, ServerSecret(b"s" * 32)), FakeWhispers()
    notifying = Notifying(room, tenancy.members, screens, clock)
    async with db.writing() as connection:
        for title in ("First", "Second"):
            await room.outbox.put(connection, home.tenant, to("owners", title))
        await connection.execute(update(notice).where(notice.c.title == "First").values(to="nobody"))
    for _ in range(3):
        await notifying.spread()
        clock.advance(100)
    assert [word["title"] for _, word in screens.told] == ["Second"]
    assert "A notice goes to members" in await notifying.check()


async def test_the_people_of_a_tenant_are_looked_up_once_for_all_that_waits(
    db: Database, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenancy = quick_tenancy(db, clock)
    homes = [await first_household(tenancy), await next_household(tenancy)]
    room = Mailroom.over(db, clock, ServerSecret(b"s" * 32))
    everyone, asked = Members.everyone, list[str]()

    async def counted(members: Members, tenant: str) -> list[Member]:
        asked.append(tenant)
        return await everyone(members, tenant)

    monkeypatch.setattr(Members, "everyone", counted)
    async with db.writing() as connection:
        for home in homes * 10:
            await room.outbox.put(connection, home.tenant, to("members"))
    assert await Notifying(room, tenancy.members, FakeWhispers(), clock).spread() == 20
    assert sorted(asked) == sorted(home.tenant for home in homes)


async def test_an_organisation_with_much_to_tell_lets_others_have_their_turn_and_what_is_grave_comes_first(
    db: Database, clock: HeldClock
) -> None:
    tenancy = quick_tenancy(db, clock)
    many, few = await first_household(tenancy), await next_household(tenancy)
    outbox = Mailroom.over(db, clock, ServerSecret(b"s" * 32)).outbox
    async with db.writing() as connection:
        for number in range(5):
            await outbox.put(connection, many.tenant, to("owners", f"Dry {number}"))
        await outbox.put(connection, many.tenant, to("owners", "Frost", Urgency.critical))
        await outbox.put(connection, few.tenant, to("owners", "Wet"))
    assert [put.notice.title for put in await outbox.waiting(most=3)] == ["Frost", "Wet", "Dry 0"]


async def test_what_is_put_is_spread_at_once(db: Database, clock: HeldClock) -> None:
    tenancy = quick_tenancy(db, clock)
    home = await first_household(tenancy)
    room, screens = Mailroom.over(db, clock, ServerSecret(b"s" * 32)), FakeWhispers()
    loop = asyncio.create_task(Notifying(room, tenancy.members, screens, clock).run())
    for number in range(5):
        async with db.writing() as connection:
            await room.outbox.put(connection, home.tenant, to("owners", f"Dry {number}"))
        async with asyncio.timeout(20):
            while len(screens.told) <= number:  # noqa: ASYNC110  it is another's event
                await asyncio.sleep(0)
    loop.cancel()
