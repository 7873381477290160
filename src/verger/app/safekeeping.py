"""What looks after the data folder: backups by the day and on demand, and the line for this machine's owner."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from verger.app.families import Families
from verger.app.moving import moving_words
from verger.app.stores import Stores
from verger.app.upkeep import Upkeep
from verger.base.jobs import Jobs
from verger.base.work import Work
from verger.domain.backups.shelf import Shelf
from verger.domain.errands.errands import Doing, Kind
from verger.edges.control import limits
from verger.edges.control.listener import Control, Reached, Word
from verger.flows.checking import Checking
from verger.flows.safekeeping import KIND, Safekeeping


async def open_safekeeping(
    stack: AsyncExitStack, stores: Stores, work: Work, families: Families, upkeep: Upkeep
) -> Safekeeping:
    """Begin to look after the data folder, and to do what its owner asks for."""
    safekeeping = Safekeeping(stores.settings, stores.log, stores.history, stores.db, stores.clock)
    await safekeeping.begin()
    # A runner of its own: the others do not wait for a backup.
    work.start(Jobs(stores.db, stores.clock, {KIND: safekeeping.daily}).run())
    work.start(stores.checking.go_on())
    others = {**moving_words(stores, families.adopting, upkeep), **limits.words(stores.limiting.look)}
    control = Control(stores.settings.data, {**words(safekeeping, stores.checking), **others})
    await control.listen()
    stack.push_async_callback(control.stop)
    stack.callback(safekeeping.stop)
    return safekeeping


def backup_kinds(safekeeping: Safekeeping) -> dict[str, Kind]:
    """Return how backups are done as long work."""

    async def back_up(doing: Doing) -> Any:
        return to_builtins(await safekeeping.back_up(doing.reached))

    async def verify(doing: Doing) -> Any:
        return to_builtins(await safekeeping.verify(doing.given, doing.reached))

    return {"backup": Kind(back_up), "backup.verify": Kind(verify)}


def words(safekeeping: Safekeeping, checking: Checking) -> Mapping[str, Word]:
    """Return what the commands of this machine's owner may ask for."""

    async def back_up(given: dict[str, Any], reached: Reached) -> Any:
        folder, passphrase = given.get("folder"), given.get("passphrase")
        shelf = None
        if folder is not None or passphrase is not None:
            own = Path(folder) if folder else safekeeping.settings.backup_folder
            shelf = Shelf(own, passphrase.encode() if passphrase else None)
        return await safekeeping.back_up(reached, shelf)

    async def check(_given: dict[str, Any], reached: Reached) -> Any:
        return to_builtins(await checking.all(reached))

    return {"backup": back_up, "check": check}
