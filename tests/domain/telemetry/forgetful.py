"""A disk that forgets: when the power goes, any part of what was not synced may be gone, and any part may be there."""

import errno
from collections.abc import Iterable
from pathlib import Path
from random import Random

SECTOR = 512


def chances(seed: int) -> Random:
    """Return chances that come again with their seed."""
    return Random(seed)


class _File:
    """One file's contents: the first version is on disk, the last is what the system shows."""

    def __init__(self) -> None:
        self.versions = [b""]
        self.spoiled = False  # a sync of it failed, so a later one that succeeds keeps nothing either

    def change(self, now: bytes) -> None:
        if now != self.versions[-1]:
            self.versions.append(now)

    def sync(self) -> None:
        if not self.spoiled:
            del self.versions[:-1]

    def after_power_cut(self, random: Random) -> "_File":
        after = _File()
        after.versions = [self.versions[0] if len(self.versions) == 1 else b"".join(self._sectors(random))]
        return after

    def _sectors(self, random: Random) -> Iterable[bytes]:
        """Each sector is of any version; one that nothing synced is in may also be empty, or whatever stood there."""
        usual = random.choice([None, None, 0, -1])
        size = len(random.choice(self.versions) if usual is None else self.versions[usual])
        for start in range(0, size, SECTOR):
            length = min(SECTOR, size - start)
            choices = [each[start : start + length].ljust(length, b"\0") for each in self.versions]
            if start >= len(self.versions[0]) and usual is None:
                choices += [bytes(length), random.randbytes(length)]
            yield random.choice(choices) if usual is None else choices[usual]


class ForgetfulDisk:
    """Files in memory. The power goes amid the `cut`-th change; from then on everything fails.

    Some changes may fail before that, each with a probability of `faults`.
    """

    def __init__(self, random: Random, cut: int | None = None, faults: float = 0) -> None:
        self.changes = 0
        self.cut = cut
        self.faults = faults
        self.dead = False
        self._random = random
        self._names: dict[Path, list[_File | None]] = {}  # versions, as of a file's contents
        self._open: dict[int, _File] = {}
        self._opened = 0

    @property
    def spoiled(self) -> bool:
        """Whether it holds something that is shown and yet may never reach the disk."""
        return any(file.spoiled for versions in self._names.values() for file in versions if file)

    def after_power_cut(self) -> "ForgetfulDisk":
        """Return the disk as it is found when the power is back."""
        after = ForgetfulDisk(self._random, faults=self.faults)
        files = {file: file.after_power_cut(self._random) for file in self._files()}
        usual = self._random.choice([None, None, 0, -1])
        for path, versions in self._names.items():
            file = self._random.choice(versions) if usual is None else versions[usual]
            if file:
                after._names[path] = [files[file]]
        return after

    def after_kill(self) -> "ForgetfulDisk":
        """Return the same disk: only the program was gone, so the system still shows all that was written."""
        self._open.clear()
        self.dead = False
        self.changes, self.cut = 0, None
        return self

    def _files(self) -> set[_File]:
        return {file for versions in self._names.values() for file in versions if file}

    def _change(self, fault: int = errno.EIO) -> bool:
        """Count a change; return whether the power goes amid it, raise if it fails."""
        if self.dead:
            raise OSError(errno.EIO, "The power is gone")
        self.changes += 1
        if self.changes == self.cut:
            self.dead = True
            return True
        if self.faults and self._random.random() < self.faults:
            raise OSError(fault, "The disk failed")
        return False

    def _half_done(self) -> bool:
        """Return whether the change amid which the power goes was begun."""
        return self._random.random() < 0.5

    def _alive(self) -> None:
        if self.dead:
            raise OSError(errno.EIO, "The power is gone")

    def _show(self, path: Path, file: _File | None) -> None:
        self._names.setdefault(path, [None]).append(file)

    def _gone(self) -> OSError:
        return OSError(errno.EIO, "The power is gone")

    def make_folder(self, folder: Path) -> None:
        self._alive()

    def names(self, folder: Path) -> list[str]:
        self._alive()
        return [path.name for path, versions in self._names.items() if versions[-1] and path.parent == folder]

    def create(self, path: Path) -> int:
        if self._names.get(path, [None])[-1]:
            raise FileExistsError(path)
        cut = self._change(errno.ENOSPC)
        if not cut or self._half_done():
            self._show(path, _File())
        if cut:
            raise self._gone()
        return self.open(path)

    def open(self, path: Path) -> int:
        self._alive()
        file = self._names.get(path, [None])[-1]
        if not file:
            raise FileNotFoundError(path)
        self._opened += 1
        self._open[self._opened] = file
        return self._opened

    def size(self, file: int) -> int:
        self._alive()
        return len(self._open[file].versions[-1])

    def read(self, file: int, offset: int, length: int) -> bytes:
        self._alive()
        return self._open[file].versions[-1][offset : offset + length]

    def write(self, file: int, offset: int, what: bytes) -> None:
        try:
            cut = self._change(errno.ENOSPC)
        except OSError:
            self._write(file, offset, what[: self._random.randrange(len(what) + 1)])
            raise
        self._write(file, offset, what[: self._random.randrange(len(what) + 1)] if cut else what)
        if cut:
            raise self._gone()

    def _write(self, file: int, offset: int, what: bytes) -> None:
        now = self._open[file].versions[-1]
        self._open[file].change(now[:offset].ljust(offset, b"\0") + what + now[offset + len(what) :])

    def truncate(self, file: int, size: int) -> None:
        cut = self._change()
        if not cut or self._half_done():
            self._open[file].change(self._open[file].versions[-1][:size])
        if cut:
            raise self._gone()

    def sync(self, file: int) -> None:
        try:
            cut = self._change()
        except OSError:
            self._open[file].spoiled = True
            raise
        if cut:
            raise self._gone()
        self._open[file].sync()

    def close(self, file: int) -> None:
        self._alive()
        del self._open[file]

    def unlink(self, path: Path) -> None:
        cut = self._change()
        if not cut or self._half_done():
            self._show(path, None)
        if cut:
            raise self._gone()

    def sync_folder(self, folder: Path) -> None:
        if self._change():
            raise self._gone()
        for path, versions in self._names.items():
            if path.parent == folder:
                del versions[:-1]
