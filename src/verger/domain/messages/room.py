"""The room that the inboxes of one tenant share, and who makes way where it is full: pure."""

from collections.abc import Iterator
from itertools import islice
from typing import Protocol

_TRIED = 16


class Inbox(Protocol):
    """An inbox as its room knows it: how many bytes of the room are `taken` by it, and whether its client is `away`.

    `rank` is where it stands among the others.
    """

    taken: int
    away: bool
    rank: tuple[int, bool]

    def make_way(self) -> bool:
        """Let the oldest letter go; whether one went."""
        ...


class Room:
    """The space that the inboxes of one tenant share; what ends with a connection takes none of it.

    One inbox holds at most `messages` and `size` bytes, all `together` so many bytes. `dropped` only grows.
    """

    def __init__(self, messages: int = 1_000, size: int = 1 << 20, together: int = 16 << 20) -> None:
        """Be empty."""
        self.messages, self.size, self.together = messages, size, together
        self.letters = self.used = self.dropped = 0
        self._ranks: dict[tuple[int, bool], dict[Inbox, None]] = {}  # by the bits of what they take, and who is away

    def take(self, inbox: Inbox, weight: int) -> None:
        """Have a further letter in an inbox."""
        self.used += weight
        self.letters += 1
        inbox.taken += weight
        self.place(inbox)

    def give_back(self, inbox: Inbox, weight: int) -> None:
        """Have one less."""
        self.used -= weight
        self.letters -= 1
        inbox.taken -= weight
        self.place(inbox)

    def place(self, inbox: Inbox) -> None:
        """Know how much an inbox takes by now, and whether its client is away; one that takes nothing is not known."""
        rank = inbox.taken.bit_length(), inbox.away
        if rank == inbox.rank:
            return
        if inbox.rank[0]:
            del self._ranks[inbox.rank][inbox]
        inbox.rank = rank
        if rank[0]:
            self._ranks.setdefault(rank, {})[inbox] = None

    def yielding(self, inbox: Inbox, weight: int) -> Iterator[Inbox]:
        """Give those who are to make way for a letter of an inbox: who takes most, and at last that inbox itself.

        Of those who take about as much, up to twice, the ones go first whose clients are away. So nobody loses anything
        to one who takes more.
        """
        own = (inbox.taken + weight).bit_length()
        for bits in range(self.together.bit_length(), own - 1, -1):
            yield from islice(self._ranks.get((bits, True), ()), _TRIED)
            if bits > own:
                yield from islice(self._ranks.get((bits, False), ()), _TRIED)
        yield inbox
