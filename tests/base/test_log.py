"""What the log says, to machines and in the words of a command."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from verger.base.log import start_logging


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**ours)


def said(*, in_words: bool) -> str:
    stream = io.StringIO()
    start_logging("error", stream, in_words=in_words)
    log = structlog.get_logger()
    log.error("a part was set aside", segment="7.log", offset=0, copy=None)
    log.error("it could not be copied", exc_info=OSError("no room"))
    return stream.getvalue()


def test_to_a_machine_each_line_is_an_object() -> None:
    first, second = map(json.loads, said(in_words=False).splitlines())
    assert (first["event"], first["segment"]) == ("a part was set aside", "7.log")
    assert second["exception"].endswith("no room")


def test_a_command_says_each_line_as_a_sentence() -> None:
    assert said(in_words=True).splitlines() == [
        "A part was set aside (segment 7.log, offset 0).",
        "It could not be copied: OSError: no room.",
    ]
