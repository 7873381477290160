"""A notice: something to tell people. A notification: a notice that has reached one of them."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid

TITLE_LONGEST = 200
BODY_LONGEST = 4000
MEMBERS, MANAGERS, OWNERS = "members", "managers", "owners"
_ROLES = (MEMBERS, MANAGERS, OWNERS)
_ONE = "user:"

Title = Annotated[str, Meta(min_length=1, max_length=TITLE_LONGEST, pattern=r"\S")]


class Urgency(StrEnum):
    """How much a notice matters, the least first; the words are those of alerts."""

    info = "info"
    warning = "warning"
    critical = "critical"


class Notice(Struct, frozen=True, kw_only=True):
    """Something to tell; `subject` names what it is about, such as `alert:<id>`, and `kind` what happened to it.

    `to` is members, managers, owners (and whoever may more), several of these as `all_of` writes them, or one person as
    `one` does.
    """

    severity: Urgency
    kind: str
    title: str
    to: str
    body: str = ""
    subject: str | None = None
    place: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        """Refuse a notice to nobody."""
        if not self.user and not all(role in _ROLES for role in self.roles):
            sentence = "A notice goes to members, managers, owners or one person."
            raise Invalid(sentence, [Fault("to", sentence)])

    @property
    def roles(self) -> list[str]:
        """Return the roles that it is meant for, if it is not meant for one person."""
        return self.to.split(",")

    @property
    def user(self) -> str | None:
        """Return the one person it is meant for, None when it is for a role."""
        return self.to.removeprefix(_ONE) if self.to.startswith(_ONE) else None


class Put(Struct, frozen=True):
    """A notice in the outbox, of a tenant, that is still to be spread among people."""

    id: str
    tenant: str
    at: datetime
    notice: Notice


class Notification(Struct, frozen=True, kw_only=True):
    """A notice as one person has it: `at` is when it was told, `read_at` None until they have seen it."""

    id: str
    severity: Urgency
    kind: str
    title: str
    body: str
    subject: str | None
    place: str | None
    device: str | None
    at: datetime
    read_at: datetime | None = None


def one(user: str) -> str:
    """Return what `to` says for one person."""
    return f"{_ONE}{user}"


def all_of(roles: Iterable[str]) -> str:
    """Return what `to` says for several roles: each person in any of them is told once."""
    return ",".join(sorted(roles, key=_ROLES.index))


def shortened(text: str, longest: int) -> str:
    """Return a text of at most so many characters, an ellipsis where it was cut."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
