"""The room that the inboxes of one tenant share, and who makes way where it is full: pure."""

from collections.abc import Sized
from heapq import heappop, heappush
from typing import Protocol

_FEW = 64


class Inbox(Protocol):
    """An inbox as its room knows it; `left` is 0 while its client is here, else in which place it went.

    `listed` is the place under which the room knows it.
    """

    left: int
    listed: int

    @property
    def letters(self) -> Sized:
        """Return what waits in it."""
        ...

    def drop_oldest(self) -> bool:
        """Let the oldest letter go; whether one went."""
        ...


class Room:
    """The space that the inboxes of one tenant share; what ends with a connection takes none of it.

    One inbox holds at most `messages` and `size` bytes, all `together` so many bytes. `dropped` only grows. `away`: a
    heap of those with letters whose client is away, and of some who are back.
    """

    def __init__(self, messages: int = 1_000, size: int = 1 << 20, together: int = 16 << 20) -> None:
        """Be empty."""
        self.messages, self.size, self.together = messages, size, together
        self.letters = self.used = self.dropped = 0
        self._leavings = 0
        self.away: list[tuple[int, Inbox]] = []
        self._most_away = _FEW

    def take(self, inbox: Inbox, weight: int) -> None:
        """Have a further letter in an inbox."""
        self.used += weight
        self.letters += 1
        self.know(inbox)

    def give_back(self, weight: int) -> None:
        """Have one less."""
        self.used -= weight
        self.letters -= 1

    def leaving(self) -> int:
        """Return a number for a client that goes, greater than those before."""
        self._leavings += 1
        return self._leavings

    def know(self, inbox: Inbox) -> None:
        """Know an inbox that is away and has letters."""
        if inbox.left and inbox.listed != inbox.left:
            inbox.listed = inbox.left
            heappush(self.away, (inbox.left, inbox))
            if len(self.away) > self._most_away:
                self.away = sorted(each for each in self.away if _stands(*each))
                self._most_away = max(_FEW, 2 * len(self.away))

    def longest_away(self) -> Inbox | None:
        """Return the inbox with letters whose client has been away for longest, None while all are here."""
        while self.away:
            if _stands(*self.away[0]):
                return self.away[0][1]
            heappop(self.away)
        return None


def _stands(left: int, inbox: Inbox) -> bool:
    """Tell whether an inbox is still away since then and has letters; if not, it is listed anew once it is."""
    if inbox.left == left and inbox.letters:
        return True
    if inbox.listed == left:
        inbox.listed = 0
    return False
