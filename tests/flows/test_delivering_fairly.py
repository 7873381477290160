"""Nobody waits for who is slow, and what Verger itself cannot do is shown and floods nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from tests.flows.posts import Post, opened
from tests.people import next_household
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Refused
from verger.domain.notifications.model import Urgency
from verger.domain.notifications.preferences import PreferenceStore, Quiet
from verger.domain.notifications.targets import TargetStore
from verger.domain.notifications.ways import Mail, Webhook, webhook
from verger.domain.tenancy.model import Role
from verger.flows.delivering import Delivering


@pytest_asyncio.fixture
async def post(db: Database, clock: HeldClock) -> Post:
    return await opened(db, clock)


@asynccontextmanager
async def running(post: Post) -> AsyncIterator[None]:
    task = asyncio.create_task(post.delivering.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110  it is another's event
            await asyncio.sleep(0)


def titles(post: Post) -> list[str]:
    return [message.title for _, message in post.courier.carried]


async def test_an_organisation_with_many_slow_targets_holds_up_nobody(post: Post) -> None:
    slow = [webhook(f"https://slow.example/{number}") for number in range(12)]
    for way in slow:
        await post.add(way)
    post.courier.slow = slow
    farm = await next_household(post.tenancy)
    farmer = farm.people[Role.owner]
    await post.telling.add(farm.tenant, farmer, "Theirs", webhook("https://quick.example"), tuple(Urgency))
    async with running(post):
        await post.tell("Dry")
        await until(lambda: post.courier.waits == 8)
        await post.tell("Wet", tenant=farm.tenant, owner=farmer)
        await until(lambda: titles(post) == ["Warning: Wet"])
        await post.tell("Wetter", tenant=farm.tenant, owner=farmer)
        await until(lambda: len(titles(post)) == 2)
        assert post.courier.waits == 8
        post.courier.door.set()
        await until(lambda: len(titles(post)) == 14)


async def test_a_slow_mail_server_holds_up_no_other_way(post: Post) -> None:
    letters = [Mail(f"{number}@example.test") for number in range(6)]
    for letter in letters:
        await post.add(letter)
    await post.add(webhook("https://quick.example"))
    post.courier.slow = letters
    async with running(post):
        await post.tell("Dry")
        await until(lambda: (len(titles(post)), post.courier.waits) == (1, 4))
        assert isinstance(post.courier.carried[0][0], Webhook)


async def test_what_arrived_is_not_sent_again_at_once_though_that_could_not_be_kept(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post.add()
    plain = TargetStore.note

    async def note(*_: object, **__: object) -> None:
        raise OSError("The disk is gone.")

    monkeypatch.setattr(TargetStore, "note", note)
    await post.tell("Dry")
    await post.after()
    for _ in range(9):
        await post.after(1)
    assert len(post.courier.tried) == 1
    monkeypatch.setattr(TargetStore, "note", plain)
    await post.after(60)
    assert (len(post.courier.tried), len(set(post.courier.tried))) == (2, 1)
    assert [delivery.state for delivery in await post.states()] == ["sent"]


async def test_a_fault_of_verger_is_tried_ever_later_and_shown(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    await post.add()
    tried = []

    async def find(*_: object) -> None:
        tried.append(post.clock.now())
        raise ValueError("This was not expected.")

    monkeypatch.setattr(PreferenceStore, "find", find)
    await post.tell("Dry")
    for _ in range(80):
        await post.after(1)
    assert len(tried) == 4
    assert "1 way (ValueError: This was not expected.)" in await post.delivering.check()
    assert {figure.value for figure in post.delivering.figures() if figure.name == "notifications_faults"} == {4}
    monkeypatch.undo()
    assert await post.after(100) == ["Warning: Dry"]
    assert await post.delivering.check() == "ok"


async def test_what_is_tried_again_keeps_quiet_hours_too(post: Post) -> None:
    await post.add()
    await post.telling.prefer(post.home.tenant, post.owner, {"timezone": "UTC", "quiet": None}, None)
    post.courier.error = Refused("It answered 500.")
    await post.tell("Dry")
    await post.after()
    now = f"{(await post.states())[0].due_at:%H:%M}"
    quiet = Quiet(now, f"{(int(now[:2]) + 2) % 24:02}:00")
    await post.telling.prefer(post.home.tenant, post.owner, {"quiet": quiet}, None)
    post.courier.error = None
    assert await post.after(60) == []
    assert await post.after(2 * 3600) == ["Warning: Dry"]
    assert len(set(post.courier.tried)) == 1


async def test_what_an_end_cut_short_is_carried_again_under_its_id(post: Post) -> None:
    way = webhook("https://slow.example")
    await post.add(way)
    post.courier.slow = [way]
    async with running(post):
        await post.tell("Dry")
        await until(lambda: post.courier.waits == 1)
    post.courier.slow = []
    post.delivering = Delivering(post.room, post.tenancy, post.courier, post.clock, "")
    assert await post.after() == []
    assert await post.after(10) == ["Warning: Dry"]
    assert len(set(post.courier.tried)) == 1
