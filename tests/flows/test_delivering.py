"""What is told leaves once, arrives in the end, and is never dropped."""

import pytest_asyncio

from tests.flows.posts import ALL, Post, opened
from verger.base.clock import SECOND, HeldClock, moment
from verger.base.db import Database
from verger.base.errors import Refused
from verger.base.pages import Asked
from verger.base.secrets import ServerSecret
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.preferences import Quiet
from verger.domain.notifications.ways import Closed, Gone, Mail, webhook
from verger.domain.tenancy.model import Role
from verger.flows.delivering import Delivering


@pytest_asyncio.fixture
async def post(db: Database, clock: HeldClock) -> Post:
    return await opened(db, clock)


async def test_each_target_is_told_what_is_of_its_severities(post: Post) -> None:
    await post.add()
    hook = await post.add(webhook("https://example.org"), (Urgency.critical,))
    await post.tell("Dry")
    assert await post.after() == ["Warning: Dry"]
    await post.tell("Frost", severity=Urgency.critical)
    assert await post.after() == ["Critical: Frost"] * 2
    assert await post.after(3600) == []
    [(_, message)] = [
        each for each in post.courier.carried if each[0] == await post.room.targets.way(post.home.tenant, hook.id)
    ]
    assert (message.body, message.url, message.items[0].title) == ("Frost!", "https://v.test/notifications", "Frost")
    assert {delivery.state for delivery in await post.states()} == {"sent"}


async def test_what_comes_together_is_one_message(post: Post) -> None:
    await post.add()
    await post.tell("Dry", "Wet", "Hot")
    assert await post.after() == ["Warning: 3 notifications"]
    assert [line[7:] for line in post.courier.carried[0][1].body.splitlines()] == [
        "Warning: Dry",
        "Warning: Wet",
        "Warning: Hot",
    ]


async def test_it_is_tried_again_ever_later_under_the_same_id(post: Post) -> None:
    await post.add()
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry")
    assert await post.after() == []
    assert await post.after(9) == []
    assert await post.after(1) == []
    assert (await post.states())[0].error == "It answered 500."
    await post.tell("Wet")
    post.courier.error = None
    assert await post.after(20) == ["Warning: Dry", "Warning: Wet"]
    assert len(set(post.courier.tried[:3])) == 1
    assert len(post.courier.tried) == 4


async def test_ten_failures_pause_a_target_and_its_owner_is_told(post: Post) -> None:
    target = await post.add()
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry")
    for _ in range(10):
        await post.after(3600)
    assert len(post.courier.tried) == 10
    assert (await post.target(target)).paused_at is not None
    await post.notifying.spread()
    told = (await post.room.inbox.page(post.home.tenant, post.owner, Asked())).items[0]
    assert (told.kind, told.subject) == ("target_paused", f"target:{target.id}")
    assert "10 times in a row" in told.body
    assert not (await post.telling.test(post.home.tenant, post.owner, target.id)).delivered

    post.courier.error = None
    assert (await post.telling.test(post.home.tenant, post.owner, target.id)).delivered
    assert (await post.target(target)).failures == 0
    assert await post.after() == ["Warning: Dry", "Warning: Mine is paused: nothing reaches you there"]


async def test_an_outage_counts_by_how_long_it_is_and_not_by_what_waits(post: Post) -> None:
    target = await post.add()
    post.courier.error = Refused("It is not reached.")
    for number in range(10):
        await post.tell(f"Dry {number}")
        await post.after(10)
    assert (await post.target(target)).failures == 4  # at 10, 20, 40 and 80 seconds
    assert len(post.courier.tried) == 4
    post.courier.error = None
    assert await post.after(80) == ["Warning: Dry 0", "Warning: 9 notifications"]
    assert (await post.target(target)).failures == 0


async def test_what_is_paused_for_failures_is_tried_once_an_hour_until_it_arrives(post: Post) -> None:
    target = await post.add()
    post.courier.error = Refused("It is not reached.")
    await post.tell("Dry")
    for _ in range(15):
        await post.after(3600)
    assert len(post.courier.tried) == 15
    await post.tell("Wet")
    await post.after(60)
    assert len(post.courier.tried) == 15
    post.courier.error = None
    told = ["Warning: Dry", "Warning: 2 notifications"]  # the other is that it was paused
    assert await post.after(3600) == told
    assert (await post.target(target)).paused_at is None


async def test_what_somebody_paused_is_not_tried(post: Post) -> None:
    target = await post.add()
    post.courier.error = Refused("It is not reached.")
    await post.tell("Dry")
    for _ in range(10):
        await post.after(3600)
    await post.telling.change(post.home.tenant, post.owner, target.id, {"paused": True}, None)
    for _ in range(3):
        await post.after(3600)
    assert len(post.courier.tried) == 10


async def test_what_fails_in_quiet_hours_holds_up_nothing_that_may_come_then(post: Post) -> None:
    await post.add()
    quiet = {"quiet": Quiet("00:00", "23:59")}
    post.courier.error = Refused("It is not reached.")
    await post.tell("Dry")
    await post.after()
    await post.telling.prefer(post.home.tenant, post.owner, quiet, None)
    await post.after(60)
    post.courier.error = None
    await post.tell("Frost", severity=Urgency.critical)
    assert "Critical: Frost" in await post.after(60)


async def test_where_no_way_leads_yet_nothing_counts_and_nothing_is_lost(post: Post) -> None:
    target = await post.add()
    post.courier.error = Closed("No mail server is named.")
    await post.tell("Dry")
    for _ in range(30):
        await post.after(3600)
    kept = await post.target(target)
    assert (kept.failures, kept.paused_at, kept.error) == (0, None, "No mail server is named.")
    post.courier.error = None
    assert await post.after(3600) == ["Warning: Dry"]


async def test_what_verger_itself_cannot_send_is_tried_ever_later_too(post: Post) -> None:
    await post.add()
    post.courier.error = ValueError("This is nothing that was expected.")
    await post.tell("Dry")
    await post.after()
    await post.after(1)
    assert len(post.courier.tried) == 1
    assert (await post.states())[0].error == "Verger could not send it; why was logged."


async def test_a_browser_that_is_gone_is_paused_at_once(post: Post) -> None:
    target = await post.add()
    post.courier.error = Gone("It answered 410.")
    await post.tell("Dry")
    await post.after()
    assert (await post.target(target)).paused_at is not None


async def test_over_the_budget_the_rest_is_bundled_and_nothing_is_dropped(post: Post) -> None:
    await post.add()
    await post.telling.prefer(post.home.tenant, post.owner, {"per_hour": 2}, None)
    arrived = []
    for number in range(6):
        await post.tell(f"Dry {number}")
        arrived += await post.after(60)
    assert arrived == ["Warning: Dry 0", "Warning: Dry 1"]
    assert await post.after(3600) == ["Warning: 4 notifications"]
    assert {delivery.state for delivery in await post.states()} == {"sent"}


async def test_whoever_has_left_is_told_nothing_that_waited_for_them(post: Post) -> None:
    leaver = post.home.people[Role.manager]
    await post.telling.add(post.home.tenant, leaver, "Theirs", Mail("left@example.test"), ALL)
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry", owner=leaver)
    assert await post.after() == []
    caller = await post.tenancy.sessions.caller(post.home.tokens[Role.manager])
    await post.tenancy.members.remove(caller, leaver)
    post.courier.error = None
    assert await post.after(3600) == []
    [left] = (await post.room.deliveries.page(post.home.tenant, leaver, Asked())).items
    assert (left.state, left.error) == ("given_up", "Whoever it was for is no member any more.")
    assert await post.room.deliveries.next_due() is None


async def test_after_a_restart_it_goes_on_where_it_was(post: Post, db: Database) -> None:
    await post.add()
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry")
    await post.after()
    post.courier.error = None
    room = Mailroom.over(db, post.clock, ServerSecret(b"s" * 32))
    post.delivering = Delivering(room, post.tenancy, post.courier, post.clock, "")
    assert await post.after(10) == ["Warning: Dry"]
    assert len(set(post.courier.tried)) == 1


async def test_after_a_restore_nothing_leaves_again(post: Post) -> None:
    await post.add()
    await post.tell("Dry")
    assert await post.room.deliveries.give_up() == 1
    assert await post.after() == []


async def test_each_notification_tells_how_far_it_came_by_each_way(post: Post) -> None:
    async def ways() -> list[tuple[str, str, int, str | None, bool]]:
        [told] = (await post.telling.page(post.home.tenant, post.owner, Asked(), unread=False)).items
        assert await post.telling.get(post.home.tenant, post.owner, told.id) == told
        return [(each.kind, each.state, each.attempts, each.error, each.paused) for each in told.ways]

    await post.tell("Frost")
    assert await ways() == []
    await post.add()
    hook = await post.add(webhook("https://example.org"), (Urgency.critical,))
    async with post.room.db.writing() as connection:
        await post.room.outbox.forget(connection, moment(post.clock.now() + SECOND))
    await post.tell("Frost", severity=Urgency.critical)
    assert await ways() == [("email", "waiting", 0, None, False), ("webhook", "waiting", 0, None, False)]
    post.courier.error = Refused("It answered 500.")
    await post.after()
    await post.telling.change(post.home.tenant, post.owner, hook.id, {"paused": True}, None)
    post.courier.error = None
    assert await post.after(10) == ["Critical: Frost"]
    assert await ways() == [("email", "sent", 1, None, False), ("webhook", "waiting", 1, "It answered 500.", True)]
