"""Faults as they are asked for: by name and rate, the same for the same seed."""

from itertools import pairwise

import pytest

from verger.base.clock import DAY, MINUTE
from verger.base.errors import Invalid
from verger.simulator.faults import NAMES, USUAL, Faults, read_faults


def test_faults_are_named_with_how_often_they_happen() -> None:
    assert read_faults("wifi, twice:0.2") == {"wifi": USUAL, "twice": 0.2}
    assert read_faults("all:0.5") == dict.fromkeys(NAMES, 0.5)
    assert read_faults("") == {}


@pytest.mark.parametrize(
    ("text", "sentence"), [("fire", "no fault called fire"), ("wifi:2", "a share from 0 to 1"), ("wifi:x", "a share")]
)
def test_faults_that_cannot_be_are_told(text: str, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_faults(text)


def test_the_same_seed_has_the_same_faults_about_as_often_as_said() -> None:
    faults = Faults({"twice": 0.2, "wifi": 0.3}, 5)
    struck = [faults.strikes("twice", at) for at in range(2000)]
    assert struck == [Faults({"twice": 0.2}, 5).strikes("twice", at) for at in range(2000)]
    assert 300 < sum(struck) < 500
    away = [faults.lasts("wifi", at) for at in range(0, DAY, MINUTE)]
    changes = sum(a != b for a, b in pairwise(away))
    assert 0 < changes < 200
    assert not faults.strikes("relay", 1)
