"""A notice reaches those it is for, each of them once, whoever there is."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.people import first_household, quick_tenancy
from verger.base.clock import HeldClock, moment
from verger.base.db import Database
from verger.base.pages import Asked
from verger.base.secrets import ServerSecret
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.notifications.preferences import Preferences
from verger.domain.notifications.ways import Message, Way
from verger.domain.tenancy.members import Members
from verger.domain.tenancy.model import Member, Role
from verger.flows.notifying import Notifying, whom
from verger.flows.telling import Telling

FEW = Preferences(lesser=False)
NOBODY_CHOSE: dict[str, Preferences] = {}


def people(*roles: str) -> list[Member]:
    return [Member(role, role, f"{role}@example.test", Role(role), moment(0), 1) for role in roles]


def to(whom: str, title: str = "Soil at 12 %") -> Notice:
    return Notice(severity=Urgency.warning, kind="alert", title=title, to=whom)


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


async def test_one_that_cannot_be_spread_holds_up_no_other_and_is_tried_again(
    db: Database, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenancy = quick_tenancy(db, clock)
    home = await first_household(tenancy)
    room, screens = Mailroom.over(db, clock, ServerSecret(b"s" * 32)), FakeWhispers()
    notifying, asked = Notifying(room, tenancy.members, screens, clock), tenancy.members.everyone
    faults = [OSError("The disk is gone.")]

    async def everyone(_members: Members, tenant: str) -> list[Member]:
        if faults:
            raise faults.pop()
        return await asked(tenant)

    monkeypatch.setattr(Members, "everyone", everyone)
    async with db.writing() as connection:
        for title in ("First", "Second"):
            await room.outbox.put(connection, home.tenant, to("owners", title))
    assert (await notifying.spread(), await notifying.spread()) == (1, 0)
    clock.advance(11)
    assert await notifying.spread() == 1
    assert [word["title"] for _, word in screens.told] == ["Second", "First"]
