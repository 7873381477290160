"""Devices that ask over HTTP what they should know."""

import asyncio

from verger.edges.wire.polls import KEPT_S, Polls


async def waiting(polls: Polls, device: str = "d") -> "asyncio.Task[dict[str, object]]":
    """Return a poll that is open."""
    poll = asyncio.create_task(polls.wait(device))
    await asyncio.sleep(0)
    return poll


async def test_a_change_finds_every_open_poll_of_its_device() -> None:
    polls = Polls()
    first, second, other = await waiting(polls), await waiting(polls), await waiting(polls, "other")
    assert polls.tell("d", {"every_s": 60}, ["old"])
    assert await first == await second == {"every_s": 60, "deleted": ["old"]}
    assert not other.done()
    other.cancel()


async def test_a_change_between_two_polls_waits_for_the_next() -> None:
    polls = Polls()
    first = await waiting(polls)
    polls.tell("d", {"a": 1}, [])
    await first
    assert polls.tell("d", {"a": 2, "b": 1}, [])
    assert polls.tell("d", {"c": 1}, ["b"])
    assert polls.tell("d", {"b": 5}, ["a"])
    assert await polls.wait("d") == {"c": 1, "b": 5, "deleted": ["a"]}
    again = await waiting(polls)
    assert not again.done()
    again.cancel()


async def test_a_change_right_behind_another_is_not_lost() -> None:
    polls = Polls()
    first = await waiting(polls)
    assert polls.tell("d", {"a": 1}, [])
    assert polls.tell("d", {"a": 2}, [])
    assert await first == {"a": 1}
    assert await polls.wait("d") == {"a": 2}


async def test_who_hung_up_finds_what_came_meanwhile() -> None:
    polls = Polls()
    poll = await waiting(polls)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    polls.tell("d", {"a": 1}, [])
    assert await polls.wait("d") == {"a": 1}


async def test_nothing_is_kept_for_who_never_asked_or_not_for_long() -> None:
    now = [0.0]
    polls = Polls(lambda: now[0], most=1)
    assert not polls.tell("d", {"a": 1}, [])
    for device in ("d", "e"):
        poll = await waiting(polls, device)
        polls.tell(device, {"a": 1}, [])
        await poll
    assert not polls.tell("d", {"a": 2}, [])  # one device at most is remembered
    assert polls.tell("e", {"a": 2}, [])
    now[0] = KEPT_S + 1
    late = await waiting(polls, "e")
    assert not late.done()
    late.cancel()
