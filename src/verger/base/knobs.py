"""Kinds of settings: what may be written, and how it is read; a reader raises ValueError saying what to write."""

import re
from collections.abc import Callable
from dataclasses import field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

SQLITE = "sqlite+aiosqlite://"

_T = TypeVar("_T")


def setting(default: _T, read: Callable[[str], Any], *, shown: bool = True) -> _T:
    """Return a field with a default; `shown` is whether it may stand in what is logged."""
    told: _T = field(default=default, repr=shown, metadata={"read": read})
    return told


def whole(default: int, low: int, high: int) -> int:
    """Return a field of whole numbers within bounds."""
    return setting(default, _whole(low, high))


def port(default: _T) -> _T:
    """Return a field of ports; 0 is a free one."""
    return setting(default, _whole(0, 65535))


def folder(text: str) -> Path:
    """Read the path of a folder."""
    if not text.strip():
        raise ValueError("the path of a folder")
    return Path(text).expanduser().absolute()


def file(text: str) -> Path:
    """Read the path of a file."""
    return Path(text).expanduser().absolute()


def networks(text: str) -> tuple[str, ...]:
    """Read networks separated by commas."""
    try:
        return tuple(str(ip_network(part.strip())) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError("networks separated by commas, such as 10.0.0.0/8,192.168.1.5") from None


def database(text: str) -> str:
    """Read the address of the database."""
    if text.startswith("sqlite://"):
        return SQLITE + text.removeprefix("sqlite://")
    raise ValueError("sqlite:////path/of/verger.db, for no other database works, or leave it out")


def hour(text: str) -> str:
    """Read a time of day, or off."""
    if text.lower() != "off" and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError("a time of day in UTC, such as 03:00, or off")
    return text.lower()


def mail_server(text: str) -> str:
    """Read the address of a mail server."""
    parts = urlsplit(text)
    if parts.scheme not in ("smtp", "smtps", "smtp+starttls") or not parts.hostname or parts.path.strip("/"):
        raise ValueError("smtps://user:password@mail.example, smtp+starttls://… or smtp://… for a server without TLS")
    return text


def sender(text: str) -> str:
    """Read whom mail is from."""
    if not re.fullmatch(r"(?:[^<>\r\n]+<[^@\s<>]+@[^@\s<>]+>|[^@\s<>]+@[^@\s<>]+)", text.strip()):
        raise ValueError("an e-mail address, such as Verger <verger@example.org>")
    return text.strip()


def home(text: str) -> str:
    """Read where people open Verger."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address that people open, such as https://verger.example.org")
    return text.rstrip("/")


def level(text: str) -> str:
    """Read how much is logged."""
    if text.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("debug, info, warning or error")
    return text.lower()


def _whole(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers within bounds."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = low - 1
        if not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return read
