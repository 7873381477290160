"""Passwords."""

from typing import Literal

import pytest
from argon2 import PasswordHasher, Type

from tests.quick import QUICK
from verger.base.errors import Invalid
from verger.domain.tenancy.passwords import USUAL, Passwords, allowed


class Counting(PasswordHasher):
    """A hasher that counts its checks."""

    checks = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002  argon2's own name
        self.checks += 1
        return super().verify(hash, password)


def test_a_short_password_is_refused_with_the_rule() -> None:
    with pytest.raises(Invalid, match="at least 8 characters") as refused:
        allowed("seven77")
    assert refused.value.faults[0].field == "password"
    assert allowed("eight888") == "eight888"


def test_guessing_is_as_dear_as_owasp_advises() -> None:
    assert (USUAL.type, USUAL.memory_cost, USUAL.time_cost, USUAL.parallelism) == (Type.ID, 19 * 1024, 2, 1)


async def test_what_is_kept_is_argon2id_and_never_twice_the_same() -> None:
    passwords = Passwords(QUICK)
    first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert first.startswith("$argon2id$")
    assert first != second


async def test_only_the_right_password_fits() -> None:
    passwords = Passwords(QUICK)
    kept = await passwords.hash("correct horse")
    assert await passwords.fits(kept, "correct horse")
    assert not await passwords.fits(kept, "wrong horse")
    assert not await passwords.fits("not a hash", "correct horse")


async def test_nobody_has_a_password_but_it_is_checked_all_the_same() -> None:
    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    passwords = Passwords(hasher)
    assert not await passwords.fits(None, "nobody's password")
    assert hasher.checks == 1


async def test_letters_may_be_composed_either_way() -> None:
    passwords = Passwords(QUICK)
    assert await passwords.fits(await passwords.hash("m\u00f6kkim\u00f6kki"), "mo\u0308kkimo\u0308kki")


async def test_hashes_of_old_parameters_are_outdated() -> None:
    kept = await Passwords(QUICK).hash("correct horse")
    assert not Passwords(QUICK).outdated(kept)
    assert Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)).outdated(kept)
