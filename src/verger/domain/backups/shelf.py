"""The shelf: a folder of backups. A backup is there once its manifest is, and the manifest is written last."""

import base64
import binascii
import errno
import fcntl
import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog

from verger.base.errors import Busy, Missing, Refused
from verger.base.folder import sync_folder
from verger.domain.backups.model import FORMAT, Backup, Contents, Damaged, Manifest, Verified
from verger.domain.backups.objects import Objects, clear, write_synced
from verger.domain.backups.sealing import HEAD, Seal, Unopened

_ID = "%Y-%m-%dT%H-%M-%SZ"
_OBJECT = re.compile(r"[0-9a-f]{64}\.(zst|sealed)")
_PATH = re.compile(r"(history/|log/)?[A-Za-z0-9][A-Za-z0-9._-]*")

log = structlog.get_logger()


class Shelf:
    """The backups in one folder; with a passphrase new ones are sealed, and sealed ones can be opened."""

    def __init__(self, folder: Path, passphrase: bytes | None = None) -> None:
        """Look after a folder, which need not be there yet; nothing is read or made now."""
        self.folder = folder
        self._passphrase = passphrase
        self._seal: Seal | None = None

    @contextmanager
    def held(self, *, to_read: bool = False) -> Iterator[None]:
        """Hold the folder, made if need be, against every other writer; what a killed one left half done goes.

        `to_read`: one that lies on a medium which cannot be written is taken as it is, for nobody else can write there.
        """
        self._make()
        try:
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            if not (to_read and error.errno == errno.EROFS):
                raise self._unusable(error) from None
            yield
            return
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Busy(f"A backup is being made in {self.folder} already; wait for it to end.", 30) from None
            clear(self.folder / "incoming")
            for path in self.folder.glob("*.new"):
                path.unlink()
            yield
        finally:
            os.close(lock)

    def objects(self) -> Objects:
        """Return where contents are kept; raise Unopened where the backups here have another passphrase."""
        return Objects(self.folder, self._opened())

    def manifests(self) -> list[Manifest]:
        """Return every backup that is whole, newest first; a manifest that cannot be read is passed over and told."""
        return self._look()[0]

    def find(self, backup: str | None = None) -> Manifest:
        """Return one backup, or the newest; raise Missing."""
        found = [each for each in self.manifests() if backup in (None, each.id)]
        if not found:
            raise Missing(
                f"There is no backup in {self.folder}."
                if backup is None
                else f"There is no backup called {backup} in {self.folder}."
            )
        return found[0]

    def contents(self, manifest: Manifest) -> Contents:
        """Return what a backup holds; raise Unopened, or Damaged."""
        if manifest.sealed:
            if self._passphrase is None:
                raise Unopened("This backup is sealed: give the passphrase it was made with, in a file.")
            sealed = base64.b64decode(manifest.contents)
            seal = self._seal_like(sealed[:HEAD])
            body = b"".join(seal.open(io.BytesIO(sealed).read))
            self._seal = self._seal or seal
        else:
            body = manifest.contents.encode()
        try:
            contents = msgspec.json.decode(body, type=Contents)
        except msgspec.MsgspecError as error:
            raise Damaged(f"The backup {manifest.id} cannot be understood: {error}.") from None
        if not all(_PATH.fullmatch(part.path) and _OBJECT.fullmatch(part.contents.name) for part in contents.parts):
            raise Damaged(f"The backup {manifest.id} names files that no backup holds.")
        return contents

    def add(self, contents: Contents, taken_at: datetime, version: str) -> Manifest:
        """Make a backup of contents that are kept already; once this returns it is there."""
        body, seal = msgspec.json.encode(contents), self._opened()
        text = base64.b64encode(b"".join(seal.seal(io.BytesIO(body).read))) if seal else body
        manifest = Manifest(
            format=FORMAT,
            id=self._free(taken_at),
            version=version,
            taken_at=taken_at,
            size=contents.size,
            sealed=seal is not None,
            objects={part.contents.name: part.contents.stored for part in contents.parts},
            contents=text.decode(),
            check=hashlib.sha256(text).hexdigest(),
        )
        self._write(f"{manifest.id}.json", manifest)
        return manifest

    def told(self) -> list[Backup]:
        """Return the backups as people see them, newest first."""
        manifests = self.manifests()
        return [self._told(each, manifests[place + 1 :]) for place, each in enumerate(manifests)]

    def tell(self, backup: str) -> Backup:
        """Return one backup as people see it; raise Missing."""
        found = [each for each in self.told() if each.id == backup]
        if not found:
            raise Missing("There is no such backup.")
        return found[0]

    def prune(self, keep: int, now: datetime) -> list[str]:
        """Remove all but the newest backup of each of the last `keep` days with one, and those younger than a day.

        Return which went. Objects that no backup names go too, unless there is a manifest that cannot be read.
        """
        manifests, broken = self._look()
        staying = _staying(manifests, keep, now)
        gone = [each.id for each in manifests if each.id not in staying]
        for name in gone:
            (self.folder / f"{name}.json").unlink()
            (self.folder / f"{name}.verified.json").unlink(missing_ok=True)
        sync_folder(self.folder)
        if not broken:
            named = {name for each in manifests if each.id in staying for name in each.objects}
            Objects(self.folder, None).keep_only(named)
        return gone

    def remark(self, backup: str, verified: Verified) -> None:
        """Keep what became of a trial of a backup."""
        self._write(f"{backup}.verified.json", verified)

    def _told(self, manifest: Manifest, older: Sequence[Manifest]) -> Backup:
        shared = {name for each in older for name in each.objects}
        try:
            counts = self.contents(manifest).counts
        except Refused:
            counts = None
        return Backup(
            id=manifest.id,
            taken_at=manifest.taken_at,
            version=manifest.version,
            size=manifest.size,
            stored=sum(manifest.objects.values()),
            new=sum(stored for name, stored in manifest.objects.items() if name not in shared),
            sealed=manifest.sealed,
            counts=counts,
            verified=self._trial(manifest.id),
        )

    def _trial(self, backup: str) -> Verified | None:
        try:
            return msgspec.json.decode((self.folder / f"{backup}.verified.json").read_bytes(), type=Verified)
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def _look(self) -> tuple[list[Manifest], int]:
        """Return the backups that are whole, newest first, and how many are not."""
        found, broken = [], 0
        for path in self.folder.glob("*.json"):
            if path.name.endswith(".verified.json"):
                continue
            try:
                found.append(_read(path))
            except Damaged as damaged:
                broken += 1
                log.warning("a backup cannot be used", file=str(path), why=str(damaged))
        return sorted(found, key=lambda manifest: (manifest.taken_at, manifest.id), reverse=True), broken

    def _opened(self) -> Seal | None:
        """Return the seal that sealed backups here have, or a new one; a passphrase that is none of theirs is refused.

        So a slip of the pen does not make backups that nobody can open.
        """
        if self._passphrase is None or self._seal is not None:
            return self._seal
        sealed = next((each for each in self.manifests() if each.sealed), None)
        if sealed is None:
            self._seal = Seal(self._passphrase)
        else:
            try:
                self.contents(sealed)
            except Unopened:
                raise Unopened(
                    f"The passphrase does not open the backups in {self.folder}: "
                    "use the one they were made with, or another folder."
                ) from None
        return self._seal

    def _seal_like(self, head: bytes) -> Seal:
        if self._seal is not None and self._seal.made(head):
            return self._seal
        return Seal.like(self._passphrase or b"", head)

    def _make(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> Refused:
        return Refused(
            f"The folder of backups {self.folder} cannot be used ({error.strerror}): "
            "set VERGER_BACKUP_FOLDER to a folder that may be written."
        )

    def _free(self, at: datetime) -> str:
        while (self.folder / f"{at.strftime(_ID)}.json").exists():
            at += timedelta(seconds=1)
        return at.strftime(_ID)

    def _write(self, name: str, what: Manifest | Verified) -> None:
        fresh = self.folder / f"{name}.new"
        fresh.unlink(missing_ok=True)
        write_synced(fresh, [msgspec.json.format(msgspec.json.encode(what), indent=1)])
        fresh.rename(self.folder / name)
        sync_folder(self.folder)


def passphrase_in(file: Path | None) -> bytes | None:
    """Return the passphrase in a file, without the end of its line; None without a file."""
    if file is None:
        return None
    try:
        passphrase = file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise Refused(
            f"The passphrase cannot be read from {file} ({error.strerror}): name a file that holds it."
        ) from None
    if not passphrase:
        raise Refused(f"The file {file} is empty: write a passphrase of several words into it.")
    return passphrase


def _read(path: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        known = manifest.format == FORMAT and all(map(_OBJECT.fullmatch, manifest.objects))
        whole = hashlib.sha256(manifest.contents.encode()).hexdigest() == manifest.check
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error) as error:
        raise Damaged(f"The manifest is damaged: {error}.") from None
    if not known:
        raise Damaged("The manifest is of another version of Verger.")
    if not whole or f"{manifest.id}.json" != path.name:
        raise Damaged("The manifest is not as it was written.")
    return manifest


def _staying(manifests: Sequence[Manifest], keep: int, now: datetime) -> set[str]:
    newest_of: dict[str, str] = {}
    for each in manifests:
        newest_of.setdefault(each.taken_at.strftime("%Y-%m-%d"), each.id)
    young = {each.id for each in manifests if now - each.taken_at < timedelta(days=1)}
    return young | set(list(newest_of.values())[:keep])
