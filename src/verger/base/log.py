"""Logging: for people on a terminal and in commands, one JSON object a line otherwise; secrets never appear."""

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from verger.base.secrets import masked

_OF_THE_LINE = {"level", "timestamp"}


def start_logging(level: str = "info", stream: TextIO | None = None, *, in_words: bool = False) -> None:
    """Send every log line, ours and the libraries', to stderr (or `stream`) in one form; `in_words` for a command."""
    stream = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    last: Processor = structlog.processors.JSONRenderer()
    if in_words:
        last = _in_words
    elif stream.isatty():
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiosqlite", "uvicorn.access", "uvicorn.error", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        cache_logger_on_first_use=False,
    )


def _without_secrets(_logger: WrappedLogger, _method: str, entry: EventDict) -> EventDict:
    return {key: masked(value) if isinstance(value, str) else value for key, value in entry.items()}


def _in_words(_logger: WrappedLogger, _method: str, entry: EventDict) -> str:
    """Return a log line as a sentence, with what belongs to it in brackets."""
    said = str(entry.pop("event")).rstrip(".")
    cause = str(entry.pop("exception", "")).strip().rpartition("\n")[2]
    about = [f"{key} {value}" for key, value in entry.items() if key not in _OF_THE_LINE and value not in (None, "")]
    more = f" ({', '.join(about)})" if about else ""
    return f"{said[:1].upper()}{said[1:]}{more}{f': {cause}' if cause else ''}."
