"""The lines of a file are read one by one, and none may take all the memory there is."""

import io

import pytest

from verger.base.errors import Invalid
from verger.domain.imports import lines
from verger.domain.imports.lines import Lines
from verger.domain.imports.model import FileForm

HEAD = b"time,device,metric,value\n"
GOOD = b"2026-03-01T12:00:00Z,Hall,t,1\n"


def opened(text: bytes) -> Lines:
    return Lines(io.BytesIO(text), FileForm(form="long"))


@pytest.mark.parametrize("long", [b"x" * 5_000_000, b'"a\n",' * 500_000, ("é" * 2_000_000).encode()])
def test_a_row_without_end_is_told_and_not_held(long: bytes) -> None:
    read = opened(HEAD + GOOD + long)
    assert len(read.take(1)[0]) == 1
    with pytest.raises(Invalid, match="longer than 1,048,576 characters"):
        read.take(1)


def test_each_row_may_be_as_long_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 40)
    found, faults, more = opened(HEAD + GOOD * 50).take(100)
    assert (len(found), faults, more) == (50, [], False)
