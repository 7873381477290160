"""The inlet: batches, bounds, and what happens when the log cannot keep."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.edges.wire.conftest import FakeInbound
from verger.base.errors import Busy
from verger.domain.telemetry.model import Answer, Heard, Readings
from verger.edges.wire.inlet import ENOUGH_BYTES, MANY, MOST_BATCH_BYTES, MOST_BYTES, MOST_IN_BATCH, Inlet

KEPT = Answer(kept=True)


def message(value: float) -> Heard:
    return Heard("d", (Readings({"t": value}),))


class Ear:
    """A speaker that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Answer | None]] = []
        self.batches = 0
        self.done = asyncio.Event()

    def answered(self, tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
        self.told += zip(tickets, answers, strict=True)
        self.batches += 1
        self.done.set()


async def test_what_joins_while_a_batch_is_under_way_is_the_next_batch(inlet: Inlet, inbound: FakeInbound) -> None:
    inbound.open.clear()
    first = asyncio.create_task(inlet.put(message(1)))
    await inbound.taking.wait()
    ear = Ear()
    for number in (2, 3):
        inlet.join(message(number), ear, number)
    inbound.open.set()
    await ear.done.wait()
    assert inbound.batches == [[message(1)], [message(2), message(3)]]
    assert ear.told == [(2, KEPT), (3, KEPT)]
    assert ear.batches == 1
    assert await first == KEPT
    assert (inlet.messages, inlet.batches, inlet.unkept) == (3, 2, 0)


async def test_a_batch_has_a_bound(inlet: Inlet, inbound: FakeInbound) -> None:
    ear = Ear()
    for number in range(MOST_IN_BATCH + 1):
        inlet.join(message(number), ear, number)
    await inlet.put(message(-1))
    assert [len(batch) for batch in inbound.batches] == [MOST_IN_BATCH, 2]
    assert [ticket for ticket, _ in ear.told] == list(range(MOST_IN_BATCH + 1))


async def test_messages_that_join_together_are_answered_together(inlet: Inlet, inbound: FakeInbound) -> None:
    ear = Ear()
    inlet.join(message(1), ear, 1)
    inlet.join_all([message(2), message(3)], ear, [2, 3], 20)
    inlet.join_all([message(number) for number in range(MOST_IN_BATCH)], ear, range(4, MOST_IN_BATCH + 4), 20)
    await inlet.put(message(-1))
    assert [len(batch) for batch in inbound.batches] == [3, MOST_IN_BATCH, 1]
    assert [ticket for ticket, _ in ear.told] == list(range(1, MOST_IN_BATCH + 4))
    assert ear.batches == 3


async def test_large_messages_make_small_batches_and_it_is_full_sooner(inlet: Inlet, inbound: FakeInbound) -> None:
    ear = Ear()
    for number in range(4):
        inlet.join(message(number), ear, number, MOST_BATCH_BYTES // 2)
    inlet.join(message(4), ear, 4, 2 * MOST_BATCH_BYTES)
    assert inlet.full
    assert MOST_BYTES <= 4 * MOST_BATCH_BYTES
    await inlet.put(message(-1))
    assert [len(batch) for batch in inbound.batches] == [2, 2, 1, 1]
    assert not inlet.full


@pytest.mark.parametrize("failure", [Busy("The disk is full."), ValueError("a bug")])
async def test_a_batch_that_fails_is_answered_with_nothing_and_the_next_is_kept(
    inlet: Inlet, inbound: FakeInbound, failure: Exception
) -> None:
    inbound.failure, ear = failure, Ear()
    inlet.join(message(1), ear, 7)
    with pytest.raises(Busy):
        await inlet.put(message(2))
    inbound.failure = None
    assert await inlet.put(message(3)) == KEPT
    assert ear.told == [(7, None)]
    assert inlet.unkept == 2


async def test_one_that_cannot_bear_its_answer_does_not_keep_others_from_theirs(inlet: Inlet) -> None:
    class Deaf(Ear):
        def answered(self, tickets: Sequence[int], answers: Sequence[Answer | None]) -> None:
            raise ValueError(tickets, answers)

    inlet.join(message(1), Deaf(), 1)
    assert await inlet.put(message(2)) == KEPT


async def test_it_is_full_until_the_next_batch_is_taken(inbound: FakeInbound) -> None:
    inlet, ear, woken = Inlet(inbound, most=2), Ear(), list[str]()
    inlet.when_free(lambda: woken.append("at once"))
    for number in (1, 2):
        inlet.join(message(number), ear, number)
    assert inlet.full
    inlet.when_free(lambda: inlet.join(message(3), ear, 3))
    inlet.when_free(lambda: inlet.join(message(4), ear, 4))
    inlet.when_free(lambda: woken.append("late"))
    assert woken == ["at once"]
    waiting = asyncio.create_task(inlet.put(message(5)))
    running = asyncio.create_task(inlet.run())
    assert await waiting == KEPT
    assert woken == ["at once", "late"]
    assert [len(batch) for batch in inbound.batches] == [2, 2, 1]
    assert inlet.rests == 2
    inlet.stop()
    await running


async def test_what_has_joined_is_still_taken_when_it_stops(inbound: FakeInbound) -> None:
    inlet = Inlet(inbound)
    inlet.join(message(1), Ear(), 1)
    inlet.stop()
    await inlet.run()
    assert inbound.heard == [message(1)]


async def test_a_message_waits_for_company_until_enough_is_there(inbound: FakeInbound) -> None:
    inlet, ear = Inlet(inbound, wait_s=60), Ear()
    running = asyncio.create_task(inlet.run())
    for number in range(3):
        inlet.join(message(number), ear, number)
        await asyncio.sleep(0)
    inlet.join_all([message(3)], Ear(), [3])
    await asyncio.sleep(0.01)
    assert inbound.batches == []
    inlet.join(message(4), Ear(), 4, ENOUGH_BYTES)
    assert await inlet_took(inbound, 5) == [5]
    inlet.join(message(5), ear, 5)
    await asyncio.sleep(0)
    inlet.stop()
    await running
    assert [len(batch) for batch in inbound.batches] == [5, 1]


async def test_a_message_without_company_waits_no_longer_than_it_is_to(inbound: FakeInbound) -> None:
    inlet = Inlet(inbound, wait_s=0.01)
    running = asyncio.create_task(inlet.run())
    assert await inlet.put(message(1)) == KEPT
    inlet.stop()
    await running


async def test_where_many_speak_the_next_waits_a_moment_for_others(inbound: FakeInbound) -> None:
    inlet = Inlet(inbound)
    running = asyncio.create_task(inlet.run())
    await many(inlet, inbound)
    inlet.join(message(5), Ear(), 5)
    for _ in range(5):
        await asyncio.sleep(0)
    inlet.join(message(6), Ear(), 6)
    inlet.stop()
    await running
    assert [len(batch) for batch in inbound.batches] == [MANY, 2]


async def test_the_moment_ends_where_hardly_anybody_comes_any_more(
    inbound: FakeInbound, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verger.edges.wire.inlet.MOMENTS", 1_000_000)  # so that it would be noticed
    inlet = Inlet(inbound)
    running = asyncio.create_task(inlet.run())
    await many(inlet, inbound)
    late = Ear()
    inlet.join(message(5), late, 5)
    async with asyncio.timeout(5):
        await late.done.wait()
    inlet.stop()
    await running


async def test_a_request_waits_for_nobody(inbound: FakeInbound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verger.edges.wire.inlet.MOMENT_S", 3600)
    inlet = Inlet(inbound)
    running = asyncio.create_task(inlet.run())
    await many(inlet, inbound)
    async with asyncio.timeout(5):
        assert await inlet.put(message(5)) == KEPT
    inlet.stop()
    await running


async def many(inlet: Inlet, inbound: FakeInbound) -> None:
    """Let so many speak at once that the next waits for others."""
    for number in range(MANY):
        inlet.join(message(number), Ear(), number)
    assert await inlet_took(inbound, MANY) == [MANY]


async def inlet_took(inbound: FakeInbound, many: int) -> list[int]:
    """Return how large the batches are once so many messages were taken, which takes few turns of the loop."""
    for _ in range(20):
        if len(inbound.heard) < many:
            await asyncio.sleep(0)
    return [len(batch) for batch in inbound.batches]
