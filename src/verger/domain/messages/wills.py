"""Wills: what clients leave to be said when they are gone, in memory and, by way of the keeper, on disk."""

from collections.abc import Callable

from verger.domain.messages.bequest import Bequest
from verger.domain.messages.keeper import Keeper
from verger.domain.messages.model import Message


class Wills:
    """The wills of all clients that are here or were lately; of one tenant at most `size` bytes are on disk.

    One for which there is no room is heard all the same, unless Verger ends before; `unkept` counts those.
    """

    def __init__(self, keeper: Keeper, size: int = 16 << 20) -> None:
        """Have none."""
        self.unkept = 0
        self._keeper, self._size = keeper, size
        self._all: dict[str, dict[str, Bequest]] = {}  # by owner and client id
        self._used: dict[str, int] = {}

    @property
    def used(self) -> int:
        """Return about how many bytes they take on disk."""
        return sum(self._used.values())

    @property
    def owners(self) -> list[str]:
        """Return everybody who has one."""
        return list(self._all)

    def everyone(self) -> list[Bequest]:
        """Return every will, those with the same owner side by side."""
        return [each for mine in self._all.values() for each in mine.values()]

    def of(self, owner: str) -> list[Bequest]:
        """Return the wills of an owner's clients."""
        return list(self._all.get(owner, {}).values())

    def at(self, owner: str, client_id: str) -> Bequest | None:
        """Return the will of a client, None without one."""
        return self._all.get(owner, {}).get(client_id)

    def recall(self, bequest: Bequest) -> None:
        """Take up one that is on disk."""
        bequest.kept = True
        self._put(bequest)

    def write(self, bequest: Bequest) -> None:
        """Keep the will of a client, in place of the one before."""
        before = self.at(bequest.owner, bequest.client_id)
        if before is not None:
            self.pop(before)
        bequest.kept = self._used.get(bequest.tenant, 0) + bequest.weight <= self._size
        self._put(bequest)
        if bequest.kept:
            self._keeper.will(bequest.owner, bequest.client_id, bequest)
        else:
            self.unkept += 1
            if before is not None:
                self.strike(before)

    def wait(self, bequest: Bequest, due_at: int) -> None:
        """Let the will of a client that has just gone be heard later."""
        bequest.due_at, bequest.cut = due_at, False
        if bequest.kept:
            self._keeper.will(bequest.owner, bequest.client_id, bequest)

    def pop(self, bequest: Bequest) -> bool:
        """Take a will out of memory; whether it was there. On disk it stays until it is struck."""
        if self.at(bequest.owner, bequest.client_id) is not bequest:
            return False
        mine = self._all[bequest.owner]
        del mine[bequest.client_id]
        if not mine:
            del self._all[bequest.owner]
        if bequest.kept:
            self._used[bequest.tenant] -= bequest.weight
        return True

    def put_back(self, bequest: Bequest) -> bool:
        """Have a will again that was popped and not struck; False when its client has another by now."""
        free = self.at(bequest.owner, bequest.client_id) is None
        if free:
            self._put(bequest)
        return free

    def strike(self, bequest: Bequest) -> None:
        """Remove a will from the disk that was popped, unless its client has another there by now."""
        other = self.at(bequest.owner, bequest.client_id)
        if bequest.kept and not (other is not None and other.kept):
            self._keeper.will(bequest.owner, bequest.client_id, None)

    def drop(self, bequest: Bequest) -> None:
        """Let a will be heard by nobody."""
        self.pop(bequest)
        self.strike(bequest)

    def forget(self, tenant: str, gone: Callable[[Message], bool]) -> None:
        """Let go of what is to be heard by nobody any more."""
        for each in self.everyone():
            if each.tenant == tenant and gone(each.will.message):
                self.drop(each)

    def _put(self, bequest: Bequest) -> None:
        self._all.setdefault(bequest.owner, {})[bequest.client_id] = bequest
        if bequest.kept:
            self._used[bequest.tenant] = self._used.get(bequest.tenant, 0) + bequest.weight
