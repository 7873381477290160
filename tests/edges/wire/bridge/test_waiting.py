"""What came over a bridge too soon is kept later, each device's in the order it came."""

import asyncio

from verger.domain.telemetry.model import Heard
from verger.edges.wire.bridge.waiting import Coming, Waiting


class Lane:
    """Messages that wait, and those that tried again."""

    def __init__(self, most: int = 100) -> None:
        self.tried: list[int] = []
        self.coming: dict[int, Coming] = {}
        self.waiting = Waiting(lambda coming: self.tried.append(coming.ticket), most)

    def late(self, ticket: int, device: str = "d") -> None:
        """Let a message be told that it came too soon."""
        coming = self.coming.setdefault(ticket, Coming(ticket, Heard(device, ()), 1))
        self.waiting.later(coming, 0)

    async def until(self, tried: list[int]) -> None:
        for _ in range(10):
            await asyncio.sleep(0)  # turns of the loop, for what is due now
        assert self.tried == tried


async def test_one_of_a_device_tries_at_a_time_and_the_next_once_it_is_kept() -> None:
    lane = Lane()
    lane.late(1)
    lane.late(2)
    lane.late(3, "other")
    await lane.until([1, 3])
    lane.late(1)  # still too soon
    await lane.until([1, 3, 1])
    assert lane.waiting.queued(Coming(4, Heard("d", ()), 1))
    assert not lane.waiting.queued(Coming(5, Heard("third", ()), 1))
    lane.waiting.kept(lane.coming[1])
    assert lane.tried == [1, 3, 1, 2]
    lane.waiting.kept(lane.coming[2])
    lane.waiting.kept(lane.coming[3])
    assert (lane.tried, len(lane.waiting)) == ([1, 3, 1, 2, 4], 1)


async def test_with_too_many_there_is_no_room_until_one_is_kept() -> None:
    lane = Lane(most=2)
    lane.late(1)
    await lane.waiting.room()
    lane.late(2)
    room = asyncio.create_task(lane.waiting.room())
    await lane.until([1])
    assert not room.done()
    lane.waiting.kept(lane.coming[1])
    await room


async def test_at_the_end_nothing_tries_again() -> None:
    lane = Lane()
    lane.late(1)
    lane.waiting.stop()
    lane.late(2)
    for _ in range(5):
        await asyncio.sleep(0)  # turns of the loop, in which it would
    assert (lane.tried, len(lane.waiting)) == ([], 0)
