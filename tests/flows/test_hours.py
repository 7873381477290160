"""Somebody changes when they want to be told: what waited for the old hours leaves as soon as the new ones let it."""

from typing import Any

import pytest
import pytest_asyncio

from tests.flows.posts import Post, opened
from tests.people import next_household
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Refused, Stale
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.preferences import Digest, Quiet
from verger.domain.notifications.ways import Mail
from verger.domain.tenancy.model import Role

LONG = Quiet("07:00", "22:00")  # it is 08:00
DAILY = Digest("20:00", (Urgency.warning,))


@pytest_asyncio.fixture
async def post(db: Database, clock: HeldClock) -> Post:
    post = await opened(db, clock)
    await post.add()
    await prefer(post, timezone="UTC")
    return post


async def prefer(post: Post, **changes: Any) -> None:
    await post.telling.prefer(post.home.tenant, post.owner, changes, None)


@pytest.mark.parametrize(
    ("before", "after", "waits_s"),
    [
        ({"quiet": LONG}, {"quiet": None}, 0),
        ({"quiet": LONG}, {"quiet": Quiet("07:00", "08:10")}, 600),
        ({"quiet": LONG}, {"quiet": Quiet("07:00", "22:00", (Urgency.warning,))}, 0),
        ({"quiet": LONG}, {"timezone": "Asia/Tokyo", "quiet": Quiet("08:00", "16:00")}, 0),
        ({"digest": DAILY}, {"digest": None}, 0),
        ({"digest": DAILY}, {"digest": Digest("09:00", (Urgency.warning,))}, 3600),
        ({"digest": DAILY}, {"digest": None, "quiet": Quiet("07:00", "09:00")}, 3600),
    ],
)
async def test_what_waits_leaves_by_the_new_hours(
    post: Post, before: dict[str, Any], after: dict[str, Any], waits_s: float
) -> None:
    await prefer(post, **before)
    await post.tell("Dry")
    assert await post.after() == []
    await prefer(post, **after)
    if waits_s:
        assert await post.after(waits_s - 1) == []
        assert await post.after(1) == ["Warning: Dry"]
    else:
        assert await post.after() == ["Warning: Dry"]


async def test_more_messages_an_hour_let_leave_what_was_over_the_old_number(post: Post) -> None:
    await prefer(post, per_hour=1)
    await post.tell("Dry")
    assert await post.after() == ["Warning: Dry"]
    await post.tell("Wet")
    assert await post.after() == []
    await prefer(post, per_hour=5)
    assert await post.after() == ["Warning: Wet"]


async def test_what_failed_once_and_waits_for_the_hours_leaves_too(post: Post) -> None:
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry")
    await post.after()
    await prefer(post, quiet=LONG)
    assert await post.after(10) == []
    post.courier.error = None
    await prefer(post, quiet=None)
    assert await post.after() == ["Warning: Dry"]


async def test_saving_again_and_again_tries_nothing_sooner_that_failed(post: Post) -> None:
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry")
    await post.after()
    for number in range(3):
        await prefer(post, per_hour=20 + number)
        await post.after()
    assert len(post.courier.tried) == 1


async def test_hours_are_each_person_s_own(post: Post) -> None:
    farm = await next_household(post.tenancy)
    farmer = farm.people[Role.owner]
    await post.telling.add(farm.tenant, farmer, "Theirs", Mail("b@example.test"), tuple(Urgency))
    await post.telling.prefer(farm.tenant, farmer, {"timezone": "UTC", "quiet": LONG}, None)
    await prefer(post, quiet=LONG)
    await post.tell("Wet", tenant=farm.tenant, owner=farmer)
    await prefer(post, quiet=None)
    assert await post.after() == []


async def test_what_is_refused_lets_nothing_leave(post: Post) -> None:
    await prefer(post, quiet=LONG)
    await post.tell("Dry")
    await post.after()
    with pytest.raises(Stale):
        await post.telling.prefer(post.home.tenant, post.owner, {"quiet": None}, 1)
    assert await post.after() == []
