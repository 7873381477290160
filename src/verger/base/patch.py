"""Changes to what is kept: RFC 7396 merge patches, and the version that a change was meant for."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct

from verger.base.errors import Stale

S = TypeVar("S", bound=Struct)


def told(change: Struct) -> dict[str, Any]:
    """Return the fields that a change names; its others are UNSET and stay as they are."""
    return {name: value for name, value in msgspec.structs.asdict(change).items() if value is not UNSET}


def merged(model: S, change: Struct) -> S:
    """Return the model with the change's fields put in; objects merge by key, and a null takes a key out."""
    fields = {name: merge(getattr(model, name), value) for name, value in told(change).items()}
    return msgspec.structs.replace(model, **fields)


def merge(old: Any, new: Any) -> Any:
    """Return one value merged into another as RFC 7396 tells."""
    if not isinstance(new, Mapping):
        return new
    kept = dict(old) if isinstance(old, Mapping) else {}
    for key, value in new.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = merge(kept.get(key), value)
    return kept


def meant_for(version: int, expected: int | None) -> None:
    """Raise Stale when a change was meant for another version; None means it does not matter."""
    if expected not in (None, version):
        raise Stale("This was changed since you read it; read it again and repeat your change.")
