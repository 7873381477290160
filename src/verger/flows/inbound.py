"""Inbound: what a device said, up to the moment it may be acknowledged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from msgspec import structs

from verger.base.clock import MINUTE, SECOND, Clock
from verger.base.errors import Fault
from verger.base.plural import counted
from verger.domain.devices.registry import Known, Registry, row_of
from verger.domain.devices.series import Series
from verger.domain.telemetry.model import (
    KEPT,
    Answer,
    Attributes,
    Batch,
    Event,
    Heard,
    Part,
    Readings,
    Run,
    Told,
    apart,
)
from verger.flows.pacing import Notes, Pacing

EARLIEST = 946_684_800 * SECOND  # 2000-01-01
FURTHEST_AHEAD = 10 * MINUTE
_NOTHING = Answer(kept=False, refused=(Fault("", "There was nothing to keep in this message."),))
_STRANGER = Answer(kept=False, refused=(Fault("", "This device is not known here any longer."),))
_MAY_WAIT = (Readings, Attributes, Event)  # whatever else a device says is about a command, and is always kept
_WRONG_CLOCK = "A time more than 10 minutes ahead or before 2000 was replaced by the time of receipt: check its clock."


class Keeps(Protocol):
    """The log."""

    async def append(self, batch: Batch) -> Batch:
        """Return once the batch is on disk; raise Busy when it cannot be kept."""
        ...


class Numbers(Protocol):
    """The series store."""

    async def create(self, wanted: dict[tuple[str, str], list[str]]) -> list[Series]:
        """Give new metrics their numbers; the rows are on disk on return."""
        ...


class Gate(Protocol):
    """What decides whether there is room for everything."""

    refused: int

    @property
    def shut(self) -> str | None:
        """Return why only what rules need is kept now, None when everything is."""
        ...

    @property
    def named(self) -> Callable[[int], bool]:
        """Tell of a series number whether a rule needs it."""
        ...


@dataclass(frozen=True)
class Inbound:
    """Names what was heard and keeps it."""

    registry: Registry
    series: Numbers
    log: Keeps
    remarks: Notes
    clock: Clock
    gate: Gate

    async def take(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        """Keep a batch; the wire may acknowledge each message as its answer says once this returns. Raises Busy."""
        naming = _Naming(self.registry, self.remarks, self.clock.now())
        shut = self.gate.shut
        answers = naming.take(heard) if shut is None else [self._needed(naming, each, shut) for each in apart(heard)]
        if naming.unnumbered:
            made = await self.series.create(naming.unnumbered)
            for series in made:
                self.registry.learn(series.device, {series.metric: series.number})
            naming.fill({(series.device, series.metric): series.number for series in made})
        if naming.rows or naming.told:
            await self.log.append(naming.batch())
        return answers

    def refusal(self, gateway: str, parts: Sequence[Part]) -> Answer | None:
        """Return why a message is not kept now, none of its parts; None when all of them may be, and are counted."""
        shut = self.gate.shut
        if shut is not None and parts and not any(map(self._wanted, parts)):
            self.gate.refused += 1
            return Answer(kept=False, later=shut)
        known = self.registry.known(gateway)
        return None if known is None else Pacing(self.registry, self.remarks).together(known, parts, self.clock.now())

    def _needed(self, naming: "_Naming", heard: Heard, shut: str) -> Answer:
        """Take a message of which a rule needs a reading, whole, and what is no measurement; refuse any other."""
        if isinstance(heard, Part) or self._wanted(heard):
            return naming.take([heard])[0]
        self.gate.refused += 1
        return Answer(kept=False, later=shut)

    def _wanted(self, heard: Heard) -> bool:
        """Tell whether a message is kept though there is little room."""
        known = self.registry.known(heard.device)
        if known is None or not heard.said or not all(isinstance(said, _MAY_WAIT) for said in heard.said):
            return True
        metrics = {metric for said in heard.said if isinstance(said, Readings) for metric in said.values}
        return any(self.gate.named(number) for metric in metrics if (number := known.series.get(metric)) is not None)


@dataclass
class _Naming:
    """Turns a batch of messages into the columns of one record.

    Readings of one time stand together: their numbers in the bytes of `rows`, their time and count once, their values
    one by one. So a message whose metrics came together before costs one look-up, however many they are.
    """

    registry: Registry
    remarks: Notes
    now: int
    rows: list[bytes] = field(default_factory=list)
    ats: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    unnumbered: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _open: list[tuple[int, Known, tuple[str, ...]]] = field(default_factory=list)
    pacing: Pacing = field(init=False)

    def __post_init__(self) -> None:
        """Hold to rates what is metered."""
        self.pacing = Pacing(self.registry, self.remarks)

    def take(self, heard: Sequence[Heard | Run]) -> list[Answer]:
        """Name each message; return what becomes of it once the batch is on disk."""
        known_as, answers = self.registry.known, []
        for each in heard:
            known = known_as(each.device)
            if isinstance(each, Run):
                if known is None or known.metered or (row := known.rows.get(each.metrics)) is None:
                    answers += self.take(each.messages())
                elif len(row) == 4 * len(each.values):
                    self._one(known, each, row)
                    answers.append(KEPT)
                else:
                    answers += self._run(known, each, row)
            else:
                answers.append(_STRANGER if known is None else self._message(known, each))
        return answers

    def _one(self, known: Known, run: Run, row: bytes) -> None:
        """Name the only message of a run, as most have no more."""
        at = self.now if self.now > known.given else known.after(self.now)
        known.given = at = at if at % 1000 else at + 1
        self.rows.append(row)
        self.ats.append(at)
        self.counts.append(len(run.metrics))
        self.values += run.values

    def _run(self, known: Known, run: Run, row: bytes) -> list[Answer]:
        """Name messages that are kept whole, and all in the same way."""
        size = len(run.metrics)
        count = len(run.values) // size
        self.rows.append(row * count)
        self.ats += self._given(known, count)
        self.counts += [size] * count
        self.values += run.values
        return [KEPT] * count

    def _message(self, known: Known, heard: Heard) -> Answer:
        said = heard.said
        plain = not heard.refused and heard.once is None
        if plain and len(said) == 1 and type(usual := said[0]) is Readings and not known.metered:
            row = known.rows.get(tuple(usual.values))
            if row is not None:
                self._add(row, self._time(known, usual.at), usual.values)
                return KEPT
        return self._name(known, heard)

    def _add(self, row: bytes, at: int, values: Mapping[str, float]) -> None:
        self.rows.append(row)
        self.ats.append(at)
        self.counts.append(len(values))
        self.values += values.values()

    def _name(self, known: Known, heard: Heard) -> Answer:
        if known.metered and type(heard) is not Part and (over := self.pacing.over(known, heard, self.now)):
            return over
        before = len(self.rows) + len(self.told)
        refused: list[Fault] = []
        measured_at: int | None = None
        for said in heard.said:
            beside = measured_at if isinstance(said, Attributes) else None  # of one moment: rules judge both together
            at = self._time(known, beside if said.at is None else said.at)
            measured_at = at if said.at is None and isinstance(said, Readings) else None
            if isinstance(said, Readings):
                self._readings(known, said, at, refused)
                continue
            if isinstance(said, Attributes) and not said.values.keys() <= known.attributes:
                said = self._attributes(known, said, refused)  # noqa: PLW2901  what may be kept of it
            if not isinstance(said, Attributes) or said.values:
                self.told.append(Told(known.tenant, known.device, structs.replace(said, at=at)))
        kept = len(self.rows) + len(self.told) > before
        if kept and heard.once is not None:
            self.told.append(Told(known.tenant, known.device, structs.replace(heard.once, at=self.now)))
        if not refused and not heard.refused:
            return KEPT if kept else _NOTHING
        return self._refused(known, (*heard.refused, *refused), kept=kept)

    def _attributes(self, known: Known, said: Attributes, refused: list[Fault]) -> Attributes:
        """Return those attributes that there is room for, and know them from now on."""
        fresh = [name for name in said.values if name not in known.attributes]
        left = max(0, known.most_attributes - len(known.attributes))
        for name in fresh[:left]:
            self.registry.report(known.device, name)
        most = counted(known.most_attributes, "attribute")
        for name in fresh[left:]:
            self.registry.over["attributes"] += 1
            sentence = f"This device has {most} already; a further one is not kept."
            refused.append(Fault(name, sentence))
        values = {name: told for name, told in said.values.items() if name in known.attributes}
        return structs.replace(said, values=values)

    def _readings(self, known: Known, said: Readings, at: int, refused: list[Fault]) -> None:
        faults = {metric: self._reserve(known, metric) for metric in said.values if metric not in known.series}
        refused += [fault for fault in faults.values() if fault]
        values = {metric: value for metric, value in said.values.items() if not faults.get(metric)}
        if not values:
            return
        metrics = tuple(values)
        row = known.row(metrics)
        if row is None:  # filled in once the new series have their rows
            self._open.append((len(self.rows), known, metrics))
        self._add(row or b"", at, values)

    def _reserve(self, known: Known, metric: str) -> Fault | None:
        wanted = self.unnumbered.get((known.tenant, known.device), [])
        if metric not in wanted:
            if len(known.series) + len(wanted) >= known.limit:
                self.registry.over["series"] += 1
                return Fault(
                    metric, f"This device has {counted(known.limit, 'metric')} already; a further one is not kept."
                )
            self.unnumbered[known.tenant, known.device] = [*wanted, metric]
        return None

    def _time(self, known: Known, at: int | None) -> int:
        if at is not None:
            if EARLIEST <= at <= self.now + FURTHEST_AHEAD:
                return at
            self.remarks.note(known.tenant, known.device, "clock", _WRONG_CLOCK)
        return self._given(known, 1)[0]

    def _given(self, known: Known, count: int) -> Sequence[int]:
        """Return times of receipt that no other readings of the device have."""
        first = self.now if self.now > known.given else known.after(self.now)
        # Devices send milliseconds: a time of receipt between two of them cannot be taken for one of theirs.
        if -first % 1000 >= count:
            known.given = first + count - 1
            return range(first, first + count)
        times = [at for at in range(first, first + count + count // 999 + 2) if at % 1000][:count]
        known.given = times[-1]
        return times

    def _refused(self, known: Known, refused: tuple[Fault, ...], *, kept: bool) -> Answer:
        for fault in refused:
            message = f"{fault.field}: {fault.message}" if fault.field else fault.message
            self.remarks.note(known.tenant, known.device, "refused", message)
        return Answer(kept, refused)

    def fill(self, numbers: Mapping[tuple[str, str], int]) -> None:
        """Put in the numbers, by device and metric, of series that were new to this batch."""
        for row, known, metrics in self._open:
            series, device = known.series, known.device
            self.rows[row] = row_of(series.get(metric) or numbers[device, metric] for metric in metrics)

    def batch(self) -> Batch:
        """Return the record."""
        return Batch(
            received_at=self.now,
            series=np.frombuffer(b"".join(self.rows), np.uint32),
            at=np.repeat(np.array(self.ats, np.int64), self.counts),
            value=np.array(self.values, np.float64),
            told=tuple(self.told),
        )
