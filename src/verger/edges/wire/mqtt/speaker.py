"""Who speaks on a connection, and what such a one needs of it."""

from collections.abc import Callable
from typing import Protocol

from verger.domain.messages.model import Message
from verger.edges.wire.mqtt.happenings import Ended, Happening
from verger.edges.wire.mqtt.packets import Publish
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.session import Session


class Line(Protocol):
    """A connection as its speaker knows it; `owner` is the speaker's, "" while there is none.

    `certificate` is the fingerprint of the one that was shown, "" without one.
    """

    client_id: str
    address: str
    certificate: str
    session: Session
    blocked: bool
    resting: bool

    @property
    def owner(self) -> str:
        """Return whose connection it is."""
        ...

    def end(self, reason: Reason, sentence: str = "") -> None:
        """Say why and close."""
        ...

    def write(self, raw: bytes) -> None:
        """Send bytes, if there are any and the connection stands."""
        ...

    def send(self, message: Message, qos: int, *, retain: bool, identifiers: tuple[int, ...]) -> None:
        """Send a message of a topic tree as soon as its turn has come."""
        ...

    def when_read(self, act: Callable[[], None]) -> None:
        """Do something once a client that is `blocked` reads again."""
        ...

    def soon(self) -> None:
        """Write what there is to write once this turn of the loop is over."""
        ...

    def saved(self) -> None:
        """Learn that more of the session is on disk."""
        ...

    def pace(self) -> None:
        """Decide whether to rest."""
        ...

    def settled(self, *, lost: bool = False) -> None:
        """Write what there is to write; a client of which something is lost is let go soon."""
        ...


class Speaker(Protocol):
    """Who speaks on a connection once it is let in: `owner` names it, `unanswered` counts its messages."""

    owner: str
    unanswered: int

    @property
    def asking(self) -> bool:
        """Whether nothing more should be read until it has its answers."""
        ...

    def heard(self, packet: Publish) -> None:
        """Take a message."""
        ...

    def on(self, happened: Happening) -> None:
        """Act on what happened besides messages."""
        ...

    def ended(self, ended: Ended) -> None:
        """Learn that the session is over, and see to the will of the client."""
        ...

    def gone(self) -> None:
        """Learn that the connection is gone."""
        ...
