"""Roles and callers."""

import pytest

from verger.base.clock import moment
from verger.base.errors import Forbidden
from verger.domain.tenancy.model import ApiKey, Caller, Role, User, known_as, permissions


def person(role: Role) -> Caller:
    return Caller(User("u1", "Aino", "aino@example.test", moment(0), 1), "t1", role, "s1")


def program(role: Role) -> Caller:
    return Caller(ApiKey("k1", "export", role, (), "u1", moment(0), None, 1), "t1", role)


def test_each_role_may_all_that_the_lesser_ones_may() -> None:
    assert permissions(Role.viewer) < permissions(Role.member) < permissions(Role.manager) < permissions(Role.owner)


def test_a_viewer_may_change_nothing() -> None:
    assert {permission.partition(":")[2] for permission in permissions(Role.viewer)} == {"read"}


def test_whoever_may_not_is_told_whom_to_ask() -> None:
    with pytest.raises(Forbidden, match=r"As viewer .*ask a manager"):
        person(Role.viewer).needs("places:write")
    with pytest.raises(Forbidden, match="ask an owner"):
        person(Role.manager).needs("history:delete")


def test_whoever_may_goes_on() -> None:
    caller = person(Role.member)
    assert caller.needs("devices:control") is caller


def test_nobody_hands_out_more_than_they_hold() -> None:
    with pytest.raises(Forbidden):
        person(Role.manager).gives(Role.owner)
    assert person(Role.manager).gives(Role.manager).role is Role.manager


def test_a_key_is_no_person() -> None:
    assert person(Role.viewer).person().name == "Aino"
    with pytest.raises(Forbidden, match="sign in"):
        program(Role.owner).person()


def test_callers_have_names_of_their_own() -> None:
    assert person(Role.viewer).name == "user:u1"
    assert program(Role.viewer).name == "key:k1"


def test_an_email_address_is_known_whatever_its_capitals() -> None:
    assert known_as(" Aino@Example.TEST ") == known_as("aino@example.test")
