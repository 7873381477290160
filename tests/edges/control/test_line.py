"""Commands reach the process by a socket that only the folder's owner can open."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from verger.base.errors import Invalid, Refused
from verger.edges.control.address import NAME
from verger.edges.control.caller import ask
from verger.edges.control.listener import Control, HungUp, Reached


class Words:
    """What may be asked for in these tests."""

    def __init__(self) -> None:
        self.hung_up = asyncio.Event()

    async def echo(self, given: dict[str, Any], reached: Reached) -> Any:
        reached(1, 2)
        await asyncio.sleep(0.3)
        return given

    async def refuse(self, given: dict[str, Any], reached: Reached) -> Any:
        raise Invalid("Say it otherwise.")

    async def wait(self, given: dict[str, Any], reached: Reached) -> Any:
        try:
            while True:
                reached(0, None)
                await asyncio.sleep(0.01)
        except (HungUp, Refused):
            self.hung_up.set()
            raise


@pytest.fixture
def words() -> Words:
    return Words()


@pytest_asyncio.fixture(params=["data", "d" * 120])
async def folder(tmp_path: Path, words: Words, request: pytest.FixtureRequest) -> AsyncIterator[Path]:
    folder = tmp_path / request.param
    folder.mkdir(mode=0o700)
    control = Control(folder, {"echo": words.echo, "refuse": words.refuse, "wait": words.wait})
    await control.listen()
    yield folder
    await control.stop()


def nobody(_done: int, _total: int | None) -> None:
    """Be told nothing."""


async def test_what_is_asked_is_answered_and_told_how_far_it_is(folder: Path) -> None:
    told: list[tuple[int, int | None]] = []
    answer = await asyncio.to_thread(ask, folder, "echo", {"a": 1}, lambda done, total: told.append((done, total)))
    assert answer == {"a": 1}
    assert (1, 2) in told


async def test_a_refusal_comes_back_as_its_sentence(folder: Path) -> None:
    for word, sentence in (("refuse", "Say it otherwise"), ("sing", "does not know sing")):
        with pytest.raises(Refused, match=sentence):
            await asyncio.to_thread(ask, folder, word, {}, nobody)


async def test_only_its_owner_can_open_it(folder: Path) -> None:
    assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600


async def test_who_hangs_up_calls_off_what_they_asked_for(folder: Path, words: Words) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(_done: int, _total: int | None) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await asyncio.to_thread(ask, folder, "wait", {}, interrupt)
    await asyncio.wait_for(words.hung_up.wait(), 5)


async def test_where_no_process_runs_there_is_no_answer(tmp_path: Path) -> None:
    assert await asyncio.to_thread(ask, tmp_path, "echo", {}, nobody) is None


async def test_a_process_that_stops_ends_what_it_was_asked_for(tmp_path: Path, words: Words) -> None:
    control = Control(tmp_path, {"wait": words.wait})
    await control.listen()
    asking = asyncio.create_task(asyncio.to_thread(ask, tmp_path, "wait", {}, nobody))
    await asyncio.sleep(0.1)
    await control.stop()
    with pytest.raises(Refused, match="stopping"):
        await asking
    assert not (tmp_path / NAME).exists()
