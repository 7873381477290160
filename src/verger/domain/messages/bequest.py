"""What a client leaves to be said when it is gone."""

from msgspec import Struct, structs

from verger.base.clock import SECOND
from verger.domain.messages.model import Message

_ROW_BYTES = 100  # what a will takes besides its message


class LastWill(Struct, frozen=True, array_like=True, omit_defaults=True):
    """The will of a client: what is to be said `delay_s` after it is gone, and how long that is worth hearing.

    `assigned`: its client id is one that it was given here, and with which it may not come back.
    """

    message: Message
    delay_s: int = 0
    expires_s: int | None = None
    assigned: bool = False

    def at(self, now: int) -> Message:
        """Return what is said at a moment, in microseconds since 1970."""
        until = None if self.expires_s is None else now + self.expires_s * SECOND
        return structs.replace(self.message, expires_at=until)


class Bequest(Struct, eq=False):
    """A will and whose it is; `due_at` is when it is to be heard (microseconds), None while its client is here.

    `cut`: its connection ended with Verger and not by itself; `kept`: there is room for it on disk.
    """

    tenant: str
    owner: str
    client_id: str
    will: LastWill
    due_at: int | None = None
    cut: bool = False
    kept: bool = False

    @property
    def weight(self) -> int:
        """Return about how many bytes it takes to keep it."""
        return self.will.message.weight + _ROW_BYTES
