"""The native dialect as a device speaks it: what it says, as topics and bytes."""

from collections.abc import Mapping, Sequence

import msgspec

from verger.simulator.history import Occurrence

NAME = "native"

Message = tuple[str, bytes]


def telemetry(samples: Sequence[tuple[int, Mapping[str, float]]]) -> Message:
    """Return readings with their own times (microseconds): one sample, or several that had to wait."""
    told = [{"ts": at // 1000, "values": values} for at, values in samples]
    return "v1/devices/me/telemetry", msgspec.json.encode(told[0] if len(told) == 1 else told)


def attributes(known: Mapping[str, object]) -> Message:
    """Return what a device tells about itself."""
    return "v1/devices/me/attributes", msgspec.json.encode(known)


def event(one: Occurrence) -> Message:
    """Return something that happened."""
    told: dict[str, object] = {"kind": one.kind, "at": one.at // 1000, "id": one.id}
    if one.data is not None:
        told["data"] = one.data
    return "v1/devices/me/events", msgspec.json.encode(told)
