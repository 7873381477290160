"""Backtesting: a rule over what was measured, as it would have been had it stood then."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from verger.base.clock import microseconds, moment
from verger.base.errors import Fault, Invalid
from verger.base.pages import MOST, Asked
from verger.domain.errands.errands import Doing
from verger.domain.history.history import History
from verger.domain.history.model import Readings
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.actions import Action
from verger.domain.rules.compiled import Compiled, compiled
from verger.domain.rules.facts import Fact, Happened
from verger.domain.rules.memory import Because, Decision
from verger.domain.rules.replay import Replay, Rows
from verger.domain.telemetry.events import EventStore
from verger.flows.rulebook import ground_of
from verger.flows.ruling import Ruling
from verger.flows.standing import stands
from verger.flows.wording import in_words, measure_of, speaks_of

KIND = "rule test"
SOON = 1_000_000  # readings: a test over more is long work
MOST_READINGS = 20_000_000  # for they are all in memory together
MOST_FIRINGS = 1000
MOST_EVENTS = 20_000
_PAGE = 1 << 18
_SLICES = 50  # of the span, between which it may be called off, unless …
_MOST_LOOKS = 5000  # … there are many devices, all of which are looked at between any two

Reached = Callable[[int, int], None]


class Firing(Struct, frozen=True, kw_only=True):
    """A moment at which a rule would have fired, of a device or of none: why, and what it would have asked for."""

    at: datetime
    device: str | None
    because: tuple[Because, ...]
    then: tuple[Action, ...]


class Tested(Struct, frozen=True, kw_only=True):
    """What a rule would have done: how often it would have fired, and the first thousand times of it."""

    readings: int
    count: int
    firings: list[Firing]


class Trial(Struct, frozen=True, kw_only=True):
    """A rule and the span that it is tried over, in microseconds; the end is exclusive.

    `heard` are the series, by number, that have readings within it.
    """

    rule: KeptRule
    start: int
    end: int
    heard: tuple[int, ...]


@dataclass(frozen=True)
class Backtesting:
    """Tries rules over the history; of what is remembered of commands and of silence nothing is judged."""

    ruling: Ruling
    history: History
    events: EventStore

    async def prepare(self, tenant: str, rule: KeptRule, start: datetime, end: datetime) -> tuple[Trial, int]:
        """Return a trial, and of how many readings it is; raise Invalid for a rule or a span that cannot be."""
        if end <= start:
            sentence = "Let the end (to) lie after the beginning (from)."
            raise Invalid(sentence, [Fault("to", sentence)])
        try:
            await self.ruling.vetting.check(tenant, rule)
        except Invalid as wrong:
            raise Invalid(str(wrong), [Fault(f"rule.{each.field}", each.message) for each in wrong.faults]) from None
        trial = Trial(rule=rule, start=microseconds(start), end=microseconds(end), heard=())
        _, _, series = await self._ground(tenant, trial)
        counts = await self._counts(trial, list(series))
        total = sum(counts.values())
        if total > MOST_READINGS:
            sentence = f"A test takes at most {MOST_READINGS:,} readings, and these are {total:,}: choose less time."
            raise Invalid(sentence, [Fault("from", sentence)])
        return msgspec.structs.replace(trial, heard=tuple(number for number in counts if counts[number])), total

    async def run(self, tenant: str, trial: Trial, reached: Reached) -> Tested:
        """Judge all of it; `reached` hears how far it is. Raise Invalid for too many events."""
        rule, devices, series = await self._ground(tenant, trial)
        rows = await self._rows(trial, series, reached)
        facts = await self._events(tenant, rule, devices, trial)
        count, decisions = await asyncio.to_thread(_judge, rule, devices, rows, facts, trial, reached)
        spoken = {device for decision in decisions for device in speaks_of(decision)}
        found = await self.ruling.devices.devices.these(tenant, spoken)
        measure = await measure_of(self.ruling.devices, tenant, found)
        names = {device.id: device.name for device in found}
        firings = [_firing(in_words(decision, measure, names)) for decision in decisions]
        return Tested(readings=len(rows.at), count=count, firings=firings)

    async def _counts(self, trial: Trial, numbers: Sequence[int]) -> dict[int, int]:
        """Return how many readings each series has within the span."""
        found = await self.history.buckets_of(numbers, trial.start, trial.end, 1) if numbers else []
        counts = (len(each.at) if each.raw else int(each.count.sum()) for each in found)
        return dict(zip(numbers, counts, strict=True))

    async def work(self, doing: Doing) -> Any:
        """Do it as long work."""
        trial = msgspec.convert(doing.given["trial"], Trial)
        tested = await self.run(doing.tenant, trial, doing.reached)
        return msgspec.to_builtins(tested)

    async def _ground(self, tenant: str, trial: Trial) -> tuple[Compiled, list[str], dict[int, tuple[str, str]]]:
        """Return the rule ready to judge, the devices below its place, and by number the series that it hears."""
        tree = await self.ruling.places.tree(tenant)
        rule = compiled(trial.rule, ground_of(tree.places[trial.rule.place]))
        below = set(tree.below(trial.rule.place))
        mine = (known for known in self.ruling.devices.registry.everyone() if known.tenant == tenant)
        spared = set(trial.rule.not_for)
        devices = [known.device for known in mine if known.place in below and known.device not in spared]
        wanted = rule.hears.metrics
        series = {
            each.number: (each.device, each.metric)
            for each in sorted(await self.ruling.devices.series.of(tenant, devices), key=lambda each: each.device)
            if (None, each.metric) in wanted or (each.device, each.metric) in wanted
        }
        if not rule.hears.events:
            said = {device for device, _ in series.values()}
            devices = [device for device in devices if device in said]
        return rule, devices, series

    async def _rows(self, trial: Trial, series: dict[int, tuple[str, str]], reached: Reached) -> Rows:
        """Read all series and put their readings into one order of time."""
        found: list[tuple[int, Readings]] = []
        heard = set(trial.heard)
        for place, number in enumerate(series):
            if number not in heard:
                continue
            start = trial.start
            while len(page := await self.history.raw(number, start, trial.end, _PAGE)):
                found.append((place, page))
                if len(page) < _PAGE:
                    break
                start = int(page.at[-1]) + 1
            reached(0, _SLICES)
        return await asyncio.to_thread(_ordered, list(series.values()), found)

    async def _places(self, tenant: str, rule: Compiled, devices: Sequence[str], trial: Trial) -> list[Fact]:
        """Return how the places of devices stand now, as if they had stood so all the time."""
        tree, registry = await self.ruling.places.tree(tenant), self.ruling.devices.registry
        named = [((device,) if device is not None else devices, attribute) for device, attribute in rule.hears.places]
        found = [(registry.known(each), attribute) for some, attribute in named for each in some]
        return [stands(tree, each.device, each.place, attribute, trial.start) for each, attribute in found if each]

    async def _events(self, tenant: str, rule: Compiled, devices: Sequence[str], trial: Trial) -> list[Fact]:
        """Return the events that the rule hears, in order of time; raise Invalid for too many."""
        found = await self._places(tenant, rule, devices, trial)
        start, end = moment(trial.start), moment(trial.end)
        for named, kind in rule.hears.events:
            for device in (named,) if named is not None else devices:
                asked = Asked(limit=MOST, sort="at")
                while True:
                    page = await self.events.page(tenant, device, asked, kind=kind, start=start, end=end)
                    found += [
                        Happened(device, each.kind, each.id, at := microseconds(each.at), at) for each in page.items
                    ]
                    if len(found) > MOST_EVENTS:
                        sentence = f"A test takes at most {MOST_EVENTS:,} events, and these are more: choose less time."
                        raise Invalid(sentence, [Fault("from", sentence)])
                    if page.next is None:
                        break
                    asked = msgspec.structs.replace(asked, cursor=page.next)
        return sorted(found, key=lambda fact: fact.now)


def _ordered(names: list[tuple[str, str]], found: list[tuple[int, Readings]]) -> Rows:
    if not found:
        return Rows(names, np.empty(0, np.intp), np.empty(0, np.int64), np.empty(0))
    of = np.concatenate([np.full(len(page), place, np.intp) for place, page in found])
    at = np.concatenate([page.at for _, page in found])
    order = np.lexsort((of, at))
    return Rows(names, of[order], at[order], np.concatenate([page.value for _, page in found])[order])


def _judge(
    rule: Compiled, devices: Sequence[str], rows: Rows, facts: list[Fact], trial: Trial, reached: Reached
) -> tuple[int, list[Decision]]:
    """Return how often it fires, and what it decides the first thousand times."""
    replay = Replay(rule, devices, rows, trial.start - 1)
    count, decisions = 0, []
    slices = max(1, min(_SLICES, _MOST_LOOKS // max(1, len(devices))))
    for part in range(1, slices + 1):
        until = trial.start + (trial.end - trial.start) * part // slices
        now = [fact for fact in facts if fact.now <= until]
        facts = facts[len(now) :]
        for decision in replay.run(until, now):
            if decision.kind == "fire":
                count += 1
                if count <= MOST_FIRINGS:
                    decisions.append(decision)
        reached(part, slices)
    return count, decisions


def _firing(decision: Decision) -> Firing:
    return Firing(at=moment(decision.at), device=decision.device, because=decision.because, then=decision.then)
