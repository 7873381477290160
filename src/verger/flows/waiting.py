"""What strangers said, packed until they are adopted; each word with the time that it was said or received."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from verger.domain.telemetry.model import Attributes, Event, Readings, Said

_MOST_AT_ONCE = 1_000
_BYTES = 1_024  # that a reading may take, with all that is told beside it


class _Measured(Struct, frozen=True, tag="readings"):
    values: dict[str, float]
    at: int | None = None


_DECODER = msgspec.msgpack.Decoder(list[_Measured | Attributes | Event])


def packed(said: Sequence[Said], now: int) -> tuple[bytes, int]:
    """Return what a stranger said, and how many readings that is, at least one for each KiB of it.

    What is about commands means nothing yet.
    """
    words: list[Any] = []
    readings = 0
    for each in said:
        at = now if each.at is None else each.at
        if isinstance(each, Readings):
            words.append(_Measured(dict(list(each.values.items())[:_MOST_AT_ONCE]), at))
            readings += len(words[-1].values)
        elif isinstance(each, Attributes | Event):
            words.append(msgspec.structs.replace(each, at=at))
            readings += 1
    body = msgspec.msgpack.encode(words) if words else b""
    return body, max(readings, -(-len(body) // _BYTES))


def unpacked(body: bytes, channels: dict[str, str], own: dict[str, str]) -> tuple[Said, ...]:
    """Return what a stranger said with its metrics as its device has them; both by its family's own ids."""
    names = {metric: own[channel] for channel, metric in channels.items() if channel in own}
    said: list[Said] = []
    for word in _DECODER.decode(body):
        if isinstance(word, _Measured):
            said.append(Readings({names.get(name, name): value for name, value in word.values.items()}, word.at))
        else:
            said.append(word)
    return tuple(said)
