"""A blueprint as it is written; types, rules and derived metrics are in the words of whoever reads it."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from msgspec import Meta, Struct

Key = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.-]*$", max_length=120)]
Sentence = Annotated[str, Meta(min_length=1, max_length=400)]
Kind = Literal["device_type", "derived", "rule", "task"]

T = TypeVar("T")
R = TypeVar("R")
D = TypeVar("D")


class PlaceKind(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of place that belongs to it, such as `branch`, and within which kind it lies, if within any."""

    kind: Key
    name: Sentence
    within: Key | None = None


class Dashboard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a place shows first: metrics by their keys, methods of devices, and kinds of events that it counts."""

    values: tuple[Key, ...] = ()
    controls: tuple[Sentence, ...] = ()
    counts: tuple[Key, ...] = ()


class Chore(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A task that is to be done once."""

    title: Annotated[str, Meta(min_length=1, max_length=200)]
    notes: Annotated[str, Meta(max_length=4000)] = ""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    due_in_s: Annotated[float, Meta(ge=0)] | None = None


class Waiting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What belongs to it and is not laid yet, and what it waits for."""

    what: Sentence
    needs: Literal["bookings", "recurring tasks"]


class Analysis(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure worth following: of which events (with the kinds below) or of which metric, joined how, and by what."""

    name: Sentence
    event: Key | None = None
    metric: Key | None = None
    how: Literal["count", "sum", "mean", "min", "max", "increase"]
    by: tuple[Literal["day", "device", "place"], ...] = ("day",)


class DemoDevice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device of the demo; `place` names a place of the demo, and is that of the blueprint where it is left out.

    `address` is the family's own id; `gateway` names the device of the demo that speaks for it.
    """

    name: Sentence
    type: Key
    dialect: Key
    address: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    place: Sentence | None = None
    gateway: Sentence | None = None
    is_gateway: bool = False


class DemoPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place of the demo, directly within the one that the blueprint is laid on."""

    name: Sentence
    kind: Key


class Demo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place with devices, to be shown."""

    name: Sentence
    kind: Key
    places: tuple[DemoPlace, ...] = ()
    devices: tuple[DemoDevice, ...]


class Blueprint(Struct, Generic[T, R, D], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a kind of place begins with; each part has a key, by which it is laid once."""

    name: Key
    title: Sentence
    about: Sentence
    place_kinds: tuple[PlaceKind, ...]
    device_types: tuple[T, ...]
    derived: dict[Key, D] = {}
    rules: dict[Key, R]
    dashboard: Dashboard
    tasks: dict[Key, Chore] = {}
    waiting: tuple[Waiting, ...] = ()
    analytics: tuple[Analysis, ...] = ()
    demo: Demo


class Laid(Struct, frozen=True, kw_only=True):
    """That a blueprint was laid on a place, when first and by whom; `by` is a caller, such as `user:<id>`."""

    name: str
    place: str
    at: datetime
    by: str


class Mark(Struct, frozen=True, kw_only=True):
    """That one part of a blueprint was laid, as which thing; None where there was one already, which was kept."""

    kind: Kind
    key: str
    made: str | None = None
