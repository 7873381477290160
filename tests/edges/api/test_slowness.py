"""Failed proofs are answered slowly."""

import asyncio

import pytest

from verger.base.errors import Forbidden, Missing, TooMany, Unknown
from verger.edges.api.slowness import Slowness


async def fails(refused: Exception) -> str:
    raise refused


async def fits() -> str:
    return "right"


async def test_only_failed_proofs_wait() -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    slowness = Slowness(sleep=note)
    for refused in (Missing("x"), Forbidden("x")):
        with pytest.raises(type(refused)):
            await slowness.unless_right(fails(refused), "own", "address")
    assert await slowness.unless_right(fits(), "own", "address") == "right"
    assert waits == []
    with pytest.raises(Unknown):
        await slowness.unless_right(fails(Unknown("x")), "own", "address")
    with pytest.raises(Forbidden):
        await slowness.unless_right(fails(Forbidden("x")), "own", "address", Forbidden)
    assert waits == [0.25, 0.5]


async def test_a_right_one_clears_its_own_name_but_not_its_address() -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    slowness = Slowness(sleep=note)
    for own in ("a", "a", "a"):
        with pytest.raises(Unknown):
            await slowness.unless_right(fails(Unknown("x")), own, "here")
    await slowness.unless_right(fits(), "a", "here")
    for own, address in (("a", "there"), ("b", "here")):
        with pytest.raises(Unknown):
            await slowness.unless_right(fails(Unknown("x")), own, address)
    assert waits == [0.25, 0.5, 1.0, 0.25, 2.0]


async def test_a_crowd_that_waits_is_bounded_and_the_right_still_get_in() -> None:
    held = asyncio.Event()

    async def hold(_seconds: float) -> None:
        await held.wait()

    slowness = Slowness(sleep=hold, most=2)
    waiting = [asyncio.create_task(slowness.unless_right(fails(Unknown("x")), "o", "a")) for _ in range(3)]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert isinstance(done.pop().exception(), TooMany)
    assert await slowness.unless_right(fits(), "o", "a") == "right"
    held.set()
    assert {type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)} == {TooMany, Unknown}
