"""Taking over: an installation in a file that people brought is tried, then moved in, as long work of theirs."""

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from verger.base.errors import Busy, Fault, Invalid, Missing, Refused
from verger.base.zones import zone_of
from verger.domain.errands.errands import Doing
from verger.domain.imports.folder import ImportFolder
from verger.flows.moving import MovingIn, Wish

KIND = "take-over"
_ODD = re.compile(r"[^\w.() :+-]")
_LONGEST = 120


class TakeOver(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose installation a file is, and below which place it goes: all of it, or `only` the places of one name.

    `name` is what the file was called, which says whose events some exported ones hold.
    """

    file: str
    family: Literal["cottage", "farm", "outlet", "ozone", "plant"]
    place: str
    name: Annotated[str, Meta(max_length=300)] = ""
    only: Annotated[str, Meta(max_length=200)] = ""
    timezone: Annotated[str, Meta(max_length=64)] = ""
    trial: bool = True


@dataclass(frozen=True)
class TakingOver:
    """Moves in what stands in files; each is seen under its own name in a folder of its own in `scratch` meanwhile."""

    moving: MovingIn
    folder: ImportFolder
    scratch: Path

    async def checked(self, tenant: str, wish: TakeOver) -> dict[str, Any]:
        """Return what a job is given for a wish; raise Missing or Invalid."""
        await self._below(tenant, wish.place)
        if wish.timezone and zone_of(wish.timezone) is None:
            sentence = "Write the name of a time zone, such as Europe/Helsinki."
            raise Invalid(sentence, [Fault("timezone", sentence)])
        await asyncio.to_thread(self.folder.find, tenant, wish.file)
        given: dict[str, Any] = msgspec.to_builtins(wish)
        return given

    async def run(self, doing: Doing) -> dict[str, Any]:
        """Move an installation in, or find out what would come of it; return what came of it."""
        wish = msgspec.convert(doing.given, TakeOver)
        await self._below(doing.tenant, wish.place)
        path = await asyncio.to_thread(self.folder.find, doing.tenant, wish.file)
        with self._named(path, wish.name) as where:
            source = Wish(
                family=wish.family,
                where=str(where),
                timezone=wish.timezone,
                place=wish.place,
                only=wish.only,
                trial=wish.trial,
            )
            try:
                moved = await self.moving.run(source, doing.reached)
            except Busy:
                raise
            except Refused as refused:  # people know the file by its name alone
                raise Refused(str(refused).replace(str(where), where.name)) from None
        if not wish.trial:
            await asyncio.to_thread(self.folder.drop, doing.tenant, wish.file)
        told: dict[str, Any] = msgspec.to_builtins(moved)
        return told

    async def _below(self, tenant: str, place: str) -> None:
        try:
            await self.moving.adopting.provisioning.places.get(tenant, place)
        except Missing:
            sentence = "There is no such place; name one that is there."
            raise Invalid(sentence, [Fault("place", sentence)]) from None

    @contextmanager
    def _named(self, path: Path, name: str) -> Iterator[Path]:
        """Give a file under the name that it had, in a folder where nothing else is."""
        self.scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self.scratch) as folder:
            where = Path(folder) / (plain(name) or "installation")
            try:
                os.link(path, where)
            except OSError:  # some disks have no hard links
                where.symlink_to(path.absolute())
            yield where


def plain(name: str) -> str:
    """Return the name of a file without folders and signs that mean something to anybody."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return _ODD.sub("_", last).lstrip(". ")[-_LONGEST:]
