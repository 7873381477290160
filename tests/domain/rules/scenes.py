"""Scenes: a rule, what is told to it at which second, and what it decides; whole or with restarts in between."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from verger.base.clock import SECOND, moment
from verger.domain.rules.compiled import Compiled, Ground, compiled
from verger.domain.rules.facts import Fact, Happened, Moved, Quiet, Reading, Reported, Time, Together, Turned, as_one
from verger.domain.rules.judge import begin, judge
from verger.domain.rules.memory import Decision, Memory
from verger.domain.rules.model import Rule

BEGAN = 1_900_000_000 * SECOND  # 2030-03-17 17:46:40 UTC
HERE = Ground("Europe/Helsinki", 60.17, 24.94)
ALERT = {"alert": {"severity": "warning", "message": "t is {value}"}}
PULSE = {"command": {"device": "d", "method": "pulse", "params": {"duration_s": 20}}}
BELOW = {"metric": "t", "is": "below", "value": 5}

Told = tuple[str, int, str]
"""What was decided: its kind, the second, and the first message or method."""


def rule(when: Any, then: Any = ALERT, **more: Any) -> Rule:
    """Return a rule of a document."""
    actions = then if isinstance(then, list) else [then]
    plain = {"id": "r", "name": "A rule", "place": "p", "created_at": datetime.now(UTC)}
    return msgspec.convert(plain | {"when": when, "then": actions} | more, Rule)


def at(second: float) -> int:
    """Return a second of the scene in microseconds."""
    return BEGAN + round(second * SECOND)


def t(second: float, value: float, *, now: float | None = None, device: str = "d", metric: str = "t") -> Reading:
    """Return a reading of a second, received then or at another."""
    return Reading(device, metric, value, at(second), at(second if now is None else now))


def said(*each: Reading | Reported) -> Reading | Reported | Together:
    """Return what a device said in one message."""
    return as_one(each)


def event(second: float, kind: str, key: str = "", *, now: float | None = None, device: str = "d") -> Happened:
    """Return an event of a second."""
    return Happened(device, kind, key or f"{second}", at(second), at(second if now is None else now))


def attribute(second: float, name: str, value: Any, device: str = "d") -> Reported:
    """Return an attribute reported at a second."""
    return Reported(device, name, value, at(second), at(second))


def command(second: float, method: str, stage: str, device: str = "d") -> Moved:
    """Return a command that came to a stage."""
    return Moved(device, method, stage, at(second))


def quiet(second: float, seconds: float, device: str = "d") -> Quiet:
    """Return that a device has been silent for so long."""
    return Quiet(device, seconds, at(second))


def silent(second: float, device: str = "d") -> Turned:
    """Return that a device went silent."""
    return Turned(device, silent=True, now=at(second))


def speaks(second: float, device: str = "d") -> Turned:
    """Return that a device speaks again."""
    return Turned(device, silent=False, now=at(second))


def time(second: float, up_since: float = -1e6) -> Time:
    """Return nothing but the time."""
    return Time(at(second), at(up_since))


def told(facts: Iterable[Fact], judged: Compiled, device: str | None = "d", *, restarts: bool = False) -> list[Told]:
    """Return what a rule decides when it is told facts, and the time whenever it wants to be and before the end."""
    return [_short(decision) for decision in decisions(facts, judged, device, restarts=restarts)]


def decisions(
    facts: Iterable[Fact], judged: Compiled, device: str | None, *, restarts: bool, ticks: bool = True
) -> list[Decision]:
    """Return the decisions themselves; without `ticks` nobody looks at timers between two facts."""
    memory = begin(judged, device, BEGAN)
    found: list[Decision] = []
    for fact in facts:
        due = memory.wake_at  # facts received together come without the time in between
        while (
            ticks
            and due is not None
            and memory.heard < fact.now
            and due < fact.now
            and not (isinstance(fact, Time) and fact.up_since > due)
        ):
            memory, some = judge(judged, kept(memory, restarts=restarts), Time(max(due, memory.heard)))
            found += some
            due = memory.wake_at
        memory, some = judge(judged, kept(memory, restarts=restarts), fact)
        found += some
    return found


def kept(memory: Memory, *, restarts: bool) -> Memory:
    """Return a memory as it is after a restart, if there is one."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(memory), type=Memory) if restarts else memory


def scene(when: Any, facts: Sequence[Fact], then: Any = ALERT, **more: Any) -> list[Told]:
    """Return what a rule decides, the same whole and with a restart between every two steps."""
    judged = compiled(rule(when, then, **more), HERE)
    whole = told(facts, judged)
    assert told(facts, judged, restarts=True) == whole
    return whole


def _short(decision: Decision) -> Told:
    first = decision.then[0] if decision.then else None
    words = ""
    if first is not None:
        words = first.alert.message if first.alert else first.command.method if first.command else first.words[0]
    second = (moment(decision.at) - moment(BEGAN)).total_seconds()
    return decision.kind, round(second), words
