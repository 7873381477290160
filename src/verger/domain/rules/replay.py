"""A rule over what was, as it would have been; only what may change something is judged, so a year takes seconds."""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from verger.domain.rules.bounds import EVERY, NONE, meet, still
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.facts import Fact, Reading, Time, as_one
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.memory import Decision, Memory
from verger.domain.rules.passing import Passing
from verger.domain.rules.timers import next_wake

_LEAST, _MOST = 32, 1 << 16


class Rows(Struct, frozen=True, eq=False):
    """Readings in order of time, of one time device by device.

    `of` says by its number which of the `series`, (device, metric), each row is of.
    """

    series: Sequence[tuple[str, str]]
    of: NDArray[np.intp]
    at: NDArray[np.int64]
    value: NDArray[np.float64]


class Replay:
    """A rule that is judged over readings and other facts, for each of some devices, or once if it is of none."""

    def __init__(self, rule: Compiled, devices: Sequence[str], rows: Rows, begin_at: int) -> None:
        """Begin at a time; every row comes after it."""
        self._rule = rule
        self._rows = rows
        subjects: Sequence[str | None] = devices if rule.of_each else [None]
        self._memories = {device: begin(rule, device, begin_at) for device in subjects}
        self._heard_by = [self._hearers(*series) for series in rows.series]
        self._hears: dict[str | None, list[int]] = {device: [] for device in subjects}
        for number, hearers in enumerate(self._heard_by):
            for device in hearers:
                self._hears[device].append(number)
        self._low = np.full(len(rows.series), -np.inf)
        self._high = np.full(len(rows.series), np.inf)
        self._own: dict[tuple[str | None, int], list[Passing]] = {}
        self._passing: dict[int, list[Passing]] = {}
        self._sooner: dict[str | None, int] = {}  # who wants to be told the time sooner than is remembered
        self._row = 0
        self._subjects = list(subjects)
        self._numbers = {subject: number for number, subject in enumerate(subjects)}
        self._wakes: list[tuple[int, int]] = []  # when subjects, by number, want to be told the time; some no longer
        for subject in subjects:
            self._wind(subject)
        self._bind(subjects)

    def _wind(self, subject: str | None) -> None:
        if (at := self._memories[subject].wake_at) is not None:
            heappush(self._wakes, (at, self._numbers[subject]))

    def _due(self) -> int | None:
        """Return when somebody wants to be told the time next, by what is remembered."""
        while self._wakes and self._memories[self._subjects[self._wakes[0][1]]].wake_at != self._wakes[0][0]:
            heappop(self._wakes)
        return self._wakes[0][0] if self._wakes else None

    def _woken(self, due: int) -> list[str | None]:
        """Return who wants to be told this time."""
        numbers = {self._numbers[subject] for subject, at in self._sooner.items() if at == due}
        while self._due() == due:
            numbers.add(heappop(self._wakes)[1])
        return [self._subjects[number] for number in sorted(numbers)]

    def _hearers(self, device: str, metric: str) -> list[str | None]:
        if (device, metric) in self._rule.hears.metrics:
            return list(self._memories)
        return [device] if (None, metric) in self._rule.hears.metrics and device in self._memories else []

    def run(self, until: int, facts: Sequence[Fact] = ()) -> Iterator[Decision]:
        """Give every decision in turn, up to a time; other facts than readings are given in order of time."""
        for fact in (*facts, Time(until)):
            yield from self._up_to(fact.now)
            yield from self._tell(fact, list(self._memories))

    def _up_to(self, now: int) -> Iterator[Decision]:
        """Judge the rows, and let the time pass, up to an instant."""
        end = int(np.searchsorted(self._rows.at, now, "right"))
        while True:
            wakes = self._due()
            due = min([*(() if wakes is None else (wakes,)), *self._sooner.values()], default=now)
            before = end if due >= now else min(end, int(np.searchsorted(self._rows.at, due, "right")))
            row = self._next_row(before)
            sooner = min(self._sooner.values(), default=due)
            if sooner < due and (row == before or sooner < self._rows.at[row]):
                self._row = row
            elif row < before:
                yield from self._measured(row)
            elif due < now:
                self._row = before
                yield from self._tell(Time(due), self._woken(due))
            else:
                self._row = end
                return

    def _measured(self, row: int) -> Iterator[Decision]:
        """Judge a row with those after it that its device said of the same moment."""
        at, device = int(self._rows.at[row]), self._rows.series[self._rows.of[row]][0]
        said: dict[str | None, list[Reading]] = {}
        while row < len(self._rows.at) and self._rows.at[row] == at:
            number = int(self._rows.of[row])
            if self._rows.series[number][0] != device:
                break
            reading = Reading(device, self._rows.series[number][1], float(self._rows.value[row]), at, at)
            for subject in self._heard_by[number]:
                said.setdefault(subject, []).append(reading)
            row += 1
        self._row = row
        for subject, readings in said.items():
            yield from self._tell(as_one(readings), [subject])

    def _next_row(self, before: int) -> int:
        """Return the next row that may change something; looks a little ahead first, then ever further."""
        begin_at, size = self._row, _LEAST
        while begin_at < before:
            part = slice(begin_at, min(before, begin_at + size))
            of, value = self._rows.of[part], self._rows.value[part]
            out = (value < self._low[of]) | (value > self._high[of])
            first = int(out.argmax())
            end = first if out[first] else len(out)
            if self._passing:
                end = self._pass(part.start, end)
            if end < len(out):
                return begin_at + end
            begin_at, size = part.stop, min(size * 2, _MOST)
        return before

    def _pass(self, begin_at: int, many: int) -> int:
        """Let some rows pass that lie inside all bounds, and take note of them; return how many could."""
        part = slice(begin_at, begin_at + many)
        of, at, value = (each[part].tolist() for each in (self._rows.of, self._rows.at, self._rows.value))
        end = min(self._sooner.values(), default=None)
        for row, number in enumerate(of):
            if end is not None and at[row] > end:
                return row
            passing = self._passing.get(number, ())
            for each in passing:
                if each.changes(at[row], value[row]):
                    return row
            for each in passing:
                if (sooner := each.note(at[row], value[row])) is not None:
                    self._sooner[each.subject] = min(sooner, self._sooner.get(each.subject, sooner))
                    end = min(sooner, end or sooner)
        return many

    def _tell(self, fact: Fact, devices: Sequence[str | None]) -> Iterator[Decision]:
        for device in devices:
            before = self._memories[device].wake_at
            self._memories[device], decisions = judge(self._rule, self._noted(device), fact)
            self._sooner.pop(device, None)
            if self._memories[device].wake_at != before:
                self._wind(device)
            yield from decisions
        self._bind(devices)

    def _noted(self, device: str | None) -> Memory:
        """Return a memory with all in it that passed by since it was bound."""
        memory = self._memories[device]
        if not self._rule.rises:
            return memory
        leaves = list(memory.leaves)
        for number in self._hears[device]:
            for each in self._own[device, number]:
                leaves[each.condition] = each.noted(leaves[each.condition])
        memory = structs.replace(memory, leaves=tuple(leaves))
        return structs.replace(memory, wake_at=next_wake(self._rule, memory))

    def _bind(self, devices: Sequence[str | None]) -> None:
        """Know anew, for some memories, which values of the series that they hear change nothing."""
        numbers = set()
        for device in devices:
            for number in self._hears[device]:
                self._own[device, number] = list(self._passings(device, number))
                numbers.add(number)
        for number in numbers:
            band, series = EVERY, self._rows.series[number]
            for device in self._heard_by[number]:
                own = still(self._rule, self._memories[device], *series, only_runs=True, noted=True)
                band = meet(band, own)
            self._low[number], self._high[number] = band
            passing = [each for device in self._heard_by[number] for each in self._own[device, number]]
            if passing and band != NONE:
                self._passing[number] = passing
            else:
                self._passing.pop(number, None)

    def _passings(self, subject: str | None, number: int) -> Iterator[Passing]:
        device, metric = self._rows.series[number]
        for at, condition in enumerate(self._rule.leaves):
            if (
                condition.within_s is not None
                and condition.metric == metric
                and (condition.device or subject) == device
            ):
                yield Passing(subject, at, condition, self._memories[subject].leaves[at])
