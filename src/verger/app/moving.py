"""What moves installations of other systems in, when this machine's owner asks for it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from verger.app.stores import Stores
from verger.app.upkeep import Upkeep
from verger.base.errors import Invalid
from verger.edges.control.listener import Reached, Word
from verger.edges.control.moving import WORD
from verger.edges.moving.opening import open_installation
from verger.flows.adopting import Adopting
from verger.flows.moving import MovingIn, Wish
from verger.flows.settling import Settling


def settling(stores: Stores, upkeep: Upkeep) -> Settling:
    """Return what takes readings of before."""
    limit, mode = stores.settings.series_per_device, upkeep.room.mode
    return Settling(stores.kept, stores.history, limit, lambda: mode.shut is not None)


def mover(stores: Stores, adopting: Adopting, upkeep: Upkeep) -> MovingIn:
    """Return what moves installations in."""
    return MovingIn(settling(stores, upkeep), adopting, stores.events, stores.db, stores.clock, open_installation)


def moving_words(stores: Stores, adopting: Adopting, upkeep: Upkeep) -> Mapping[str, Word]:
    """Return the word by which an installation is moved in."""
    moving = mover(stores, adopting, upkeep)

    async def move_in(given: dict[str, Any], reached: Reached) -> Any:
        try:
            wish = msgspec.convert(given, Wish)
        except msgspec.ValidationError as error:
            raise Invalid(f"This cannot be moved in: {error}.") from None
        return msgspec.to_builtins(await moving.run(wish, reached))

    return {WORD: move_in}
