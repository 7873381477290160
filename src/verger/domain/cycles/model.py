"""A growing cycle: one at a time at a place, in one stage at a time; harvests and contaminations are its events."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from msgspec import Struct, structs

from verger.base.errors import Conflict, Fault, Invalid

CROP_LONGEST = 120
NOTES_LONGEST = 4000
HEAVIEST_KG = 1_000_000
STAGE, CROP = "stage", "mushroom_type"
"""The attributes of a place that say what stage its cycle is in, and what grows."""

Outcome = Literal["harvested", "aborted"]
Kind = Literal["harvest", "contamination"]


class CycleStage(StrEnum):
    """How far a cycle has come, in the usual order."""

    inoculation = "inoculation"
    incubation = "incubation"
    pinning = "pinning"
    fruiting = "fruiting"
    harvest = "harvest"
    rest = "rest"


class CycleStep(Struct, frozen=True):
    """A stage and since when."""

    stage: CycleStage
    since: datetime


class Cycle(Struct, frozen=True, kw_only=True):
    """What grows at a place; `stages` are all it was in, the first since `started_at`.

    `harvested_kg` and `contaminations` sum up its events. It runs until `ended_at`.
    """

    id: str
    place: str
    crop: str = ""
    stage: CycleStage = CycleStage.inoculation
    stages: tuple[CycleStep, ...] = ()
    notes: str = ""
    started_at: datetime
    expected_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    harvested_kg: float = 0
    contaminations: int = 0
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a cycle that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None


class Happening(Struct, frozen=True, kw_only=True):
    """A harvest or a contamination, with its weight; `by` names who told of it, such as `user:<id>`."""

    id: str
    cycle: str
    kind: Kind
    at: datetime
    weight_kg: float | None = None
    note: str = ""
    by: str

    def __post_init__(self) -> None:
        """Refuse what cannot have happened; raise Invalid with a fault for each field."""
        if self.weight_kg is not None and not 0 <= self.weight_kg <= HEAVIEST_KG:
            sentence = f"A weight is 0 to {HEAVIEST_KG:,} kg."
            raise Invalid(sentence, [Fault("weight_kg", sentence)])
        if self.kind == "harvest" and self.weight_kg is None:
            raise Invalid("Say how much was harvested.", [Fault("weight_kg", "A harvest has a weight, in kg.")])
        if len(self.note) > NOTES_LONGEST:
            raise Invalid("Write less.", [Fault("note", f"A note has at most {NOTES_LONGEST} characters.")])


def begun(cycle: Cycle) -> Cycle:
    """Return a cycle that has just begun with its first stage."""
    return structs.replace(cycle, stages=(CycleStep(cycle.stage, cycle.started_at),))


def moved(cycle: Cycle, stage: CycleStage, at: datetime) -> Cycle:
    """Return a cycle in another stage since a time; raise Conflict once it has ended, Invalid before its last stage."""
    _check_runs(cycle)
    if stage is cycle.stage:
        return cycle
    _check_after(cycle, at)
    return structs.replace(cycle, stage=stage, stages=(*cycle.stages, CycleStep(stage, at)))


def ended(cycle: Cycle, at: datetime, outcome: Outcome) -> Cycle:
    """Return a cycle that is over; raise Conflict where it was, Invalid before its last stage."""
    _check_runs(cycle)
    _check_after(cycle, at)
    return structs.replace(cycle, ended_at=at, outcome=outcome)


def _check_runs(cycle: Cycle) -> None:
    if not cycle.runs:
        raise Conflict("This cycle has ended: begin another one.")


def _check_after(cycle: Cycle, at: datetime) -> None:
    since = cycle.stages[-1].since if cycle.stages else cycle.started_at
    if at < since:
        raise Invalid("This lies before its last stage began.", [Fault("at", f"Give a time after {since:%Y-%m-%d}.")])


def _faults(cycle: Cycle) -> Iterable[Fault]:
    if len(cycle.crop) > CROP_LONGEST:
        yield Fault("crop", f"Say what grows in at most {CROP_LONGEST} characters.")
    if len(cycle.notes) > NOTES_LONGEST:
        yield Fault("notes", f"Notes have at most {NOTES_LONGEST} characters.")
    if cycle.expected_at is not None and cycle.expected_at < cycle.started_at:
        yield Fault("expected_at", "The harvest is expected after the start.")
