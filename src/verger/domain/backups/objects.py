"""Objects: contents kept once each, under a name that is made of them, compressed and, with a seal, sealed."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import zstandard

from verger.base.copying import Go
from verger.base.folder import sync_folder
from verger.base.ids import new_id
from verger.domain.backups.model import Damaged, Stored
from verger.domain.backups.sealing import Seal, Unopened

_PIECE = 1 << 20
_LEVEL = 3


class _Readable(Protocol):
    def read(self, size: int) -> bytes:
        """Return so many bytes, fewer only at the end."""
        ...


class Objects:
    """The folder of objects. What stands under a name is whole: it was synced before it got it."""

    def __init__(self, folder: Path, seal: Seal | None) -> None:
        """Keep them in a folder, sealed if there is a seal; the folder is made by the first `put`."""
        self.folder = folder / "objects"
        self._incoming = folder / "incoming"
        self._damaged = folder / "damaged"
        self._seal = seal

    def put(self, path: Path, go: Go, size: int | None = None) -> Stored:
        """Keep a file, or its first `size` bytes; return once it is on disk."""
        self._incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._incoming / new_id()
        with path.open("rb") as file:
            source = _Measured(file, path.stat().st_size if size is None else size, go)
            compressed = _compressed(source)
            write_synced(fresh, self._seal.seal(compressed.read) if self._seal else _all(compressed))
        if source.left:
            fresh.unlink()
            raise Damaged(f"{path} is shorter than it was a moment ago.")
        name = self._name(source.sha256.digest())
        return Stored(name, source.size, source.sha256.hexdigest(), self._settle(fresh, name))

    def holds(self, contents: Stored) -> bool:
        """Tell whether contents are here, as far as can be told without reading them."""
        try:
            return self._path(contents.name).stat().st_size == contents.stored
        except FileNotFoundError:
            return False

    def get(self, contents: Stored, target: Path, go: Go) -> None:
        """Write contents to a new file, on disk on return; raise Damaged where they are not what they were."""
        path = self._path(contents.name)
        try:
            with path.open("rb") as file:
                source = _Measured(_decompressed(self._opened(contents, file)), contents.size, go)
                write_synced(target, _all(source))
                extra = source.more()
        except FileNotFoundError:
            raise Damaged(f"The object {contents.name} is not there.") from None
        except (zstandard.ZstdError, Unopened) as error:
            raise Damaged(f"The object {contents.name} is damaged: {error}") from None
        if source.left or extra or source.sha256.hexdigest() != contents.sha256:
            raise Damaged(f"The object {contents.name} is not what was written.")

    def set_aside(self, name: str) -> None:
        """Take an object out, so that the next backup keeps its contents anew."""
        self._damaged.mkdir(mode=0o700, exist_ok=True)
        with suppress(FileNotFoundError):
            self._path(name).rename(self._damaged / name)
            sync_folder(self._path(name).parent)

    def keep_only(self, names: set[str]) -> int:
        """Remove every other object; return the bytes that went."""
        freed = 0
        for path in [*self.folder.glob("??/*")]:
            if path.name not in names:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _opened(self, contents: Stored, file: BinaryIO) -> Iterable[bytes]:
        if not contents.name.endswith(".sealed"):
            return _all(file)
        if self._seal is None:
            raise Damaged("This backup is sealed: give the passphrase it was made with.")
        return self._seal.open(file.read)

    def _name(self, sha256: bytes) -> str:
        return f"{self._seal.name(sha256)}.sealed" if self._seal else f"{sha256.hex()}.zst"

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name

    def _settle(self, fresh: Path, name: str) -> int:
        target = self._path(name)
        if target.exists():
            fresh.unlink()
            return target.stat().st_size
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self.folder)
            sync_folder(self.folder.parent)
        fresh.rename(target)
        sync_folder(target.parent)
        return target.stat().st_size


class _Measured:
    """A stream of `size` bytes that is counted and hashed as it is read."""

    def __init__(self, source: _Readable, size: int, go: Go) -> None:
        self.size = self.left = size
        self.sha256 = hashlib.sha256()
        self._source = source
        self._go = go

    def read(self, size: int) -> bytes:
        piece = self._source.read(min(size, self.left))
        self.left -= len(piece)
        self.sha256.update(piece)
        self._go(len(piece))
        return piece

    def more(self) -> bool:
        """Tell whether the source goes on behind the end."""
        return bool(self._source.read(1))


class _Pieces:
    """An iterator of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


def _compressed(source: Any) -> _Readable:
    return zstandard.ZstdCompressor(_LEVEL, write_checksum=True).stream_reader(source, read_size=_PIECE)


def _decompressed(pieces: Iterable[bytes]) -> _Readable:
    source: Any = _Pieces(iter(pieces))
    return zstandard.ZstdDecompressor().stream_reader(source, read_size=_PIECE)


def _all(source: _Readable) -> Iterator[bytes]:
    while piece := source.read(_PIECE):
        yield piece


def write_synced(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a new file, for its owner only, on disk on return; where that fails nothing is left."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(file, "wb") as out:
            for piece in pieces:
                out.write(piece)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        path.unlink()
        raise


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty folder that is removed at the end, and of which nothing is left from before."""
    clear(folder)
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        clear(folder)


def clear(folder: Path) -> None:
    """Remove a folder with all that is in it, if it is there."""
    if folder.is_dir():
        shutil.rmtree(folder)
