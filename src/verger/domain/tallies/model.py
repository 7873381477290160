"""A tally: what a device told of one by one, against what its own counter says; a difference is booked, once."""

from typing import NamedTuple

from msgspec import Struct, structs

from verger.base.clock import SECOND

COUNTERS = {"ozone": {f"count_{kind}": kind for kind in ("basic", "standard", "premium")}}
"""The counters of families, by dialect and metric: what each of them counts."""

KINDS = tuple(dict.fromkeys(kind for counters in COUNTERS.values() for kind in counters.values()))
EVENT, GAP, RESET = "treatment.", "gap.", "reset."
"""What the kinds of events begin with, before what is counted: one that happened, and what is booked."""

_SLACK, _MOST_A_SECOND = 100, 1
_MOST_SOME = 50  # gaps that late events may still fill, and events that a counter may still show


class Some(Struct, frozen=True, array_like=True):
    """So many at a time."""

    at: int
    count: int


class Gap(Some, frozen=True, array_like=True):
    """So many that the counter knew of at a time and nobody had told; less than 0 for those that were told late."""


class Reset(Struct, frozen=True):
    """A counter that fell, or rose by more than can have been done: it was set."""

    at: int
    was: int
    now: int


class Tally(Struct, frozen=True, kw_only=True):
    """One counter as it was told last, `at` when; it counts on since it was first told, or set.

    `ahead` are events that it has not shown yet, `stuck` how many of them it should have when it was told last. `gaps`
    are booked, and late events may still fill them. Times are microseconds.
    """

    counter: int
    at: int
    since: int
    ahead: tuple[Some, ...] = ()
    stuck: int = 0
    gaps: tuple[Gap, ...] = ()


class Step(NamedTuple):
    """A tally after something was heard, and what is to be booked for it."""

    tally: Tally
    booked: tuple[Gap | Reset, ...] = ()


def happened(tally: Tally, at: int, counter: int | None = None) -> Step:
    """Return a tally after one more event was heard, with what the counter was then, if the event says that."""
    late = at < tally.at if counter is None else counter <= tally.counter and at <= tally.at
    if (late or at < tally.since) and tally.gaps:
        return _fill(tally, next((gap for gap in tally.gaps if gap.at >= at), tally.gaps[-1]), 1)
    if at < tally.since or (late and at == tally.since):
        return Step(tally)  # the counter had it when it was first told
    ahead = sorted((*tally.ahead, Some(at, 1)), key=lambda some: some.at)
    if len(ahead) > _MOST_SOME:
        ahead[:2] = [Some(ahead[1].at, ahead[0].count + ahead[1].count)]
    return Step(structs.replace(tally, ahead=tuple(ahead)))


def told(tally: Tally | None, counter: int, at: int) -> Step:
    """Return a tally after the counter was told; one that is told late says nothing new.

    It can show those events that were not after it.
    """
    if tally is None:
        return Step(Tally(counter=counter, at=at, since=at))
    if at < tally.at or (at == tally.at and counter <= tally.counter):
        return Step(tally)
    shown, rest = _parted(tally.ahead, at)
    fell = counter < tally.counter
    done = counter if fell else counter - tally.counter
    missing = done - shown
    if missing > _SLACK + (at - tally.at) // SECOND * _MOST_A_SECOND:
        set_ = structs.replace(tally, counter=counter, at=at, since=at, ahead=rest, stuck=0)
        return Step(set_, (Reset(at, tally.counter, counter),))
    after = structs.replace(tally, counter=counter, at=at, ahead=rest, stuck=0)
    booked: tuple[Gap | Reset, ...] = ()
    if fell:
        booked, after = (Reset(at, tally.counter, counter),), structs.replace(after, since=at)
    if missing > 0:
        gap = Gap(at, missing)
        return Step(structs.replace(after, gaps=(*after.gaps, gap)[-_MOST_SOME:]), (*booked, gap))
    if fell:
        return Step(after, booked)  # what it had not shown before it fell, it never will
    return _settle(after, -missing, min(-missing, tally.stuck) if done else 0)


def _parted(ahead: tuple[Some, ...], at: int) -> tuple[int, tuple[Some, ...]]:
    """Return how many events there were up to a time, and those after it."""
    return sum(some.count for some in ahead if some.at <= at), tuple(some for some in ahead if some.at > at)


def _settle(tally: Tally, over: int, stuck: int) -> Step:
    """Return a tally of which more events were heard than its counter shows.

    The latest gaps are filled first. What then is left may be shown the next time: what was `stuck` already, though the
    counter went on, was told twice.
    """
    booked: tuple[Gap | Reset, ...] = ()
    while over and tally.gaps:
        count = min(over, tally.gaps[-1].count)
        tally, filled = _fill(tally, tally.gaps[-1], count)
        over, booked = over - count, (*booked, *filled)
    twice = min(over, stuck)
    if twice:
        over, booked = over - twice, (*booked, Gap(tally.at, -twice))
    ahead = (Some(tally.at, over), *tally.ahead) if over else tally.ahead
    return Step(structs.replace(tally, ahead=ahead, stuck=over), booked)


def _fill(tally: Tally, gap: Gap, count: int) -> Step:
    """Return a tally after some of a gap turned out to be told late, which is booked when the gap was."""
    left = [Gap(each.at, each.count - count) if each is gap else each for each in tally.gaps]
    return Step(structs.replace(tally, gaps=tuple(each for each in left if each.count)), (Gap(gap.at, -count),))
