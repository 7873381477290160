"""What a device can say, and the batch in which it is kept."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from verger.base.errors import Fault, Invalid


class Garbled(Invalid):
    """What came over the wire makes no sense in the dialect it was spoken in."""


class Readings(Struct, frozen=True, gc=False):
    """Numbers of one device at one time: `values` by metric, `at` in microseconds, or None for the time of receipt."""

    values: dict[str, float]
    at: int | None = None


class Attributes(Struct, frozen=True, gc=False, tag="attributes"):
    """What a device reports about itself that is not a number; `at` as for readings."""

    values: dict[str, Any]
    at: int | None = None


class Event(Struct, frozen=True, gc=False, tag="event"):
    """Something that happened: `kind` is dotted, `id` is the device's own, if it gives one."""

    kind: str
    data: Any = None
    at: int | None = None
    id: str | None = None


class Ack(Struct, frozen=True, gc=False, tag="ack"):
    """What the device of a command proves of it by the command's number: that it has it, or its answer to it.

    `behind` is the device that it was for, where its gateway has it.
    """

    number: int
    proof: str
    answered: bool = False
    result: Any = None
    behind: str | None = None
    at: int | None = None


class Once(Struct, frozen=True, gc=False, tag="once"):
    """A message that is kept once: of an MQTT `session` the `number`th at QoS 2, under a packet identifier.

    It stands in the record of what the message said, so that after a crash both are known or neither.
    """

    session: str
    packet_id: int
    number: int
    at: int | None = None


Said = Readings | Attributes | Event | Ack


class Heard(Struct, frozen=True, gc=False):
    """One message from one device: what it said, what of it could not be taken, and how it is known again."""

    device: str
    said: tuple[Said, ...]
    refused: tuple[Fault, ...] = ()
    once: Once | None = None


class Run(Struct, frozen=True, gc=False):
    """Messages of one device, one after the other, that say the same metrics at the time of receipt and nothing else.

    `values` stand message by message, for each as many as there are `metrics`. Most of what is heard is of this kind,
    and goes its way without an object for each message.
    """

    device: str
    metrics: tuple[str, ...]
    values: Sequence[float]

    def messages(self) -> list[Heard]:
        """Return each message for itself."""
        size = len(self.metrics)
        each = (self.values[begin : begin + size] for begin in range(0, len(self.values), size))
        return [Heard(self.device, (Readings(dict(zip(self.metrics, some, strict=True))),)) for some in each]


def apart(heard: Iterable[Heard | Run]) -> list[Heard]:
    """Return each message for itself, in order."""
    messages: list[Heard] = []
    for each in heard:
        if isinstance(each, Run):
            messages += each.messages()
        else:
            messages.append(each)
    return messages


class Behind(Struct, frozen=True, gc=False):
    """What a gateway tells of a device behind it, by the name it knows that by; `kind` is its type, if it is new."""

    name: str
    said: tuple[Said, ...] = ()
    kind: str | None = None
    gone: bool = False


class Claim(Struct, frozen=True, gc=False):
    """A device may be claimed with a secret, by one behind it if it has a `name`; `lasts_ms` None is the usual time."""

    name: str
    secret: str
    lasts_ms: int | None = None


class Relayed(Heard, frozen=True, gc=False):
    """A message that has more to it than what its device said: devices behind it, or leave to be claimed."""

    behind: tuple[Behind, ...] = ()
    claims: tuple[Claim, ...] = ()


class Part(Heard, frozen=True, gc=False):
    """What one device said in a message of its gateway, all of which is kept: it was counted with the others."""


class Told(Struct, frozen=True, gc=False):
    """Something other than numbers, named: whose it is and what was said, with its time filled in."""

    tenant: str
    device: str
    said: Attributes | Event | Ack | Once


class Batch(Struct, frozen=True, eq=False):
    """One record of the log: `n` readings in columns of equal length, and what else was told.

    `series` uint32[n], `at` int64[n] microseconds, `value` float64[n]; rows stand in order of arrival.
    `received_at` is microseconds; `sequence` is 0 until the log has given it one.
    """

    received_at: int
    series: NDArray[np.uint32]
    at: NDArray[np.int64]
    value: NDArray[np.float64]
    told: tuple[Told, ...] = ()
    sequence: int = 0


def empty(now: int) -> Batch:
    """Return a batch of nothing, received at a time."""
    return Batch(now, np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.float64))


class Answer(Struct, frozen=True, gc=False):
    """What became of one message: whether anything of it was kept, and what was refused by key.

    `later` says why it is not kept now, though it may be sent again: it is not to be acknowledged. Where a rate is the
    reason, it may be sent again in `wait_s` seconds.
    """

    kept: bool
    refused: tuple[Fault, ...] = ()
    later: str = ""
    wait_s: int = 0


KEPT = Answer(kept=True)
"""The answer to nearly every message."""
