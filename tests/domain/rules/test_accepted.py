"""Rules that were accepted once, read by a version that would refuse them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from verger.base.errors import Invalid
from verger.domain.rules.accepted import KeptRule, accepted

ALERT = {"alert": {"severity": "warning", "message": "cold"}}
FROST = {"metric": "t", "is": "below", "value": 3}
OWN: dict[str, Any] = {"id": "r", "name": "A rule", "place": "p", "enabled": True, "version": 4}


def read(when: Any, then: Any = ALERT) -> KeptRule:
    return accepted({"when": when, "then": [then]}, OWN | {"created_at": datetime.now(UTC)})


def test_one_that_is_as_it_should_be_has_nothing_said_against_it() -> None:
    rule = read(FROST)
    assert (rule.objection, rule.unfit, rule.runs) == (None, False, True)


@pytest.mark.parametrize(
    ("when", "says"),
    [
        (FROST | {"clear": 1}, "clear has to be 3 or above it"),
        (FROST | {"tolerance": 1}, "This says nothing with below"),
        ({"event": "door", "stage": "failed"}, "This says nothing with event"),
        ({"silent_for_s": 0}, "for how many seconds"),
    ],
)
def test_one_that_would_be_refused_judges_as_it_was_accepted_and_says_why(when: Any, says: str) -> None:
    rule = read(when)
    assert says in (rule.objection or "")
    assert (rule.unfit, rule.runs, rule.readable) == (False, True, True)
    with pytest.raises(Invalid, match=says):
        rule.check()


def test_one_that_nobody_can_judge_by_is_unfit() -> None:
    rule = read({"schedule": "at noon"})
    assert "Write five fields" in (rule.objection or "")
    assert (rule.unfit, rule.runs, rule.readable) == (True, False, True)


def test_one_that_is_not_understood_has_its_name_still() -> None:
    rule = read({"moon": "full"})
    assert (rule.name, rule.version, rule.unfit, rule.runs, rule.readable) == ("A rule", 4, True, False, False)
    assert "does not understand it" in (rule.objection or "")
