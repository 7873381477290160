"""Answers kept under idempotency keys."""

import pytest

from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.errors import Conflict, Invalid
from verger.domain.tenancy.answers import Answers
from verger.domain.tenancy.tenancy import Tenancy

ASKED = b"/api-keys\n{}"
DAY_S = 86_400


@pytest.fixture
def answers(tenancy: Tenancy) -> Answers:
    return tenancy.answers


async def test_a_kept_answer_is_given_again_to_its_caller_only(answers: Answers) -> None:
    assert await answers.begin("user:1", "k", ASKED) is None
    await answers.keep("user:1", "k", b"201 vk_secret")
    assert await answers.begin("user:1", "k", ASKED) == b"201 vk_secret"
    assert await answers.begin("user:2", "k", ASKED) is None


async def test_a_key_stands_for_one_request(answers: Answers) -> None:
    await answers.begin("user:1", "k", ASKED)
    with pytest.raises(Invalid, match="another request"):
        await answers.begin("user:1", "k", ASKED + b"x")


async def test_an_attempt_that_was_cut_short_is_told(answers: Answers) -> None:
    await answers.begin("user:1", "k", ASKED)
    with pytest.raises(Conflict, match="cut short"):
        await answers.begin("user:1", "k", ASKED)


async def test_a_forgotten_key_may_be_used_again(answers: Answers) -> None:
    await answers.begin("user:1", "k", ASKED)
    await answers.forget("user:1", "k")
    assert await answers.begin("user:1", "k", b"something else") is None


async def test_answers_are_sealed_on_disk(answers: Answers, db: Database) -> None:
    await answers.begin("user:1", "k", ASKED)
    await answers.keep("user:1", "k", b"201 vk_secret")
    async with db.reading() as connection:
        kept = (await connection.exec_driver_sql("SELECT answer FROM idempotency")).scalar_one()
    assert b"vk_secret" not in kept


async def test_answers_are_kept_for_a_day(answers: Answers, clock: HeldClock, db: Database) -> None:
    await answers.begin("user:1", "k", ASKED)
    await answers.keep("user:1", "k", b"201")
    clock.advance(DAY_S - 1)
    assert await answers.begin("user:1", "k", ASKED) == b"201"
    clock.advance(1)
    assert await answers.begin("user:1", "k", ASKED) is None
    clock.advance(DAY_S)
    await answers.purge()
    async with db.reading() as connection:
        assert (await connection.exec_driver_sql("SELECT * FROM idempotency")).first() is None
