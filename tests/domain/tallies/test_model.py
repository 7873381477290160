"""Tallies: whatever is lost, late, twice or reset, what was told of and what is booked is what the machine did."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from verger.base.clock import SECOND
from verger.domain.tallies.model import Gap, Reset, Tally, happened, told

START = 1_800_000_000 * SECOND


@dataclass
class Book:
    """What was told of a machine, as it is heard; an event is heard once, by its number."""

    tally: Tally | None = None
    events: set[int] = field(default_factory=set)
    booked: list[Gap | Reset] = field(default_factory=list)

    def press(self, number: int, at: int, counter: int | None) -> None:
        if number in self.events:
            return
        self.events.add(number)
        if self.tally is not None:
            step = happened(self.tally, at, counter)
            self.tally, self.booked = step.tally, [*self.booked, *step.booked]

    def stand(self, counter: int, at: int) -> None:
        step = told(self.tally, counter, at)
        self.tally, self.booked = step.tally, [*self.booked, *step.booked]

    @property
    def sum(self) -> int:
        return len(self.events) + sum(each.count for each in self.booked if isinstance(each, Gap))


def at(seconds: float) -> int:
    return START + round(seconds * SECOND)


def begun(counter: int = 0) -> Book:
    book = Book()
    book.stand(counter, at(0))
    return book


def test_what_was_told_and_counted_needs_no_booking() -> None:
    book = begun(10)
    for number in range(3):
        book.press(number, at(10 + number), None)
    book.stand(13, at(60))
    assert (book.booked, book.sum) == ([], 3)


def test_a_lost_event_is_booked_when_the_counter_tells_and_only_once() -> None:
    book = begun(10)
    book.press(1, at(10), None)
    for minute in (1, 2, 3):
        book.stand(13, at(60 * minute))
    assert book.booked == [Gap(at(60), 2)]


def test_one_that_comes_late_is_taken_out_of_the_gap_it_fell_into() -> None:
    book = begun()
    book.stand(1, at(60))
    book.stand(3, at(120))
    book.press(7, at(30), None)
    assert book.booked == [Gap(at(60), 1), Gap(at(120), 2), Gap(at(60), -1)]
    book.press(8, at(90), 2)
    book.press(8, at(90), 2)
    book.stand(3, at(180))
    assert (book.booked[3:], book.sum) == ([Gap(at(120), -1)], 3)


def test_a_counter_that_is_told_before_its_event_is_put_right() -> None:
    book = begun()
    book.stand(1, at(60))
    book.press(1, at(60), None)
    assert book.sum == 2  # nobody can know yet
    book.stand(1, at(120))
    assert book.booked == [Gap(at(60), 1), Gap(at(60), -1)]


def test_an_event_that_its_counter_does_not_show_yet_is_no_gap_later() -> None:
    book = begun()
    book.press(1, at(60), None)
    book.stand(0, at(60.5))
    book.stand(1, at(120))
    assert (book.booked, book.sum) == ([], 1)


def test_one_that_was_kept_twice_is_seen_once_the_counter_goes_on_without_it() -> None:
    book = begun()
    book.press(1, at(10), None)
    book.press(2, at(11), None)  # the same again, without an id and without a clock
    for counter, second in ((1, 60), (1, 120)):
        book.stand(counter, at(second))
    book.press(3, at(130), None)
    book.stand(2, at(180))
    assert (book.booked, book.sum) == ([Gap(at(180), -1)], 2)


def test_a_counter_that_never_counts_takes_nothing_back() -> None:
    book = begun()
    for number in range(9):
        book.press(number, at(60 * number), None)
        book.stand(0, at(60 * number + 30))
    assert (book.booked, book.sum) == ([], 9)


def test_a_counter_told_late_is_no_reset() -> None:
    book = begun()
    book.stand(5, at(120))
    book.stand(3, at(60))
    book.stand(5, at(120))
    assert book.booked == [Gap(at(120), 5)]


def test_a_counter_that_fell_is_a_reset_and_counts_on_from_nothing() -> None:
    book = begun(100)
    book.press(1, at(30), None)
    book.stand(2, at(60))
    assert book.booked == [Reset(at(60), 100, 2), Gap(at(60), 1)]
    book.stand(3, at(120))
    assert book.booked[2:] == [Gap(at(120), 1)]


def test_a_counter_that_is_set_to_what_it_was_invents_nothing() -> None:
    book = begun(500)
    book.stand(0, at(60))
    book.stand(500, at(120))
    book.press(1, at(130), None)
    book.stand(501, at(180))
    assert book.booked == [Reset(at(60), 500, 0), Reset(at(120), 0, 500)]


def test_an_event_from_before_the_counter_was_first_told_is_no_part_of_it() -> None:
    book = begun(10)
    book.press(1, at(-30), None)
    book.stand(11, at(60))
    assert book.booked == [Gap(at(60), 1)]


def test_an_event_of_the_second_in_which_the_counter_was_first_told_came_after_it_unless_it_says_otherwise() -> None:
    book = begun(10)
    book.press(1, at(0), None)
    book.press(2, at(0), 10)
    book.stand(11, at(60))
    assert book.booked == []


# any machine


@dataclass
class Machine:
    """A machine that counts; what it sends may be lost, late or twice, in any order; it remembers what it did."""

    chance: random.Random
    says_counter: bool
    now: float = 0
    counter: int = 0
    done: int = 0
    sent: list[tuple[str, int, int, int | None]] = field(default_factory=list)

    def press(self) -> None:
        self.now += self.chance.choice((1, 2, 40))
        self.counter, self.done = self.counter + 1, self.done + 1
        self.sent.append(("press", self.done, at(self.now), self.counter if self.says_counter else None))

    def stand(self) -> None:
        self.now += self.chance.choice((1, 5, 60))
        self.sent.append(("stand", self.counter, at(self.now), None))

    def reset(self) -> None:
        """Lose the counter between two tellings: a machine tells it when it has begun anew."""
        self.stand()
        self.counter = 0
        self.stand()

    def heard(self, lost: float, late: float, twice: float) -> Iterator[tuple[str, int, int, int | None]]:
        """Give what of it arrives: the first as it was sent, so that it is known from where the counter counts."""
        waiting: list[tuple[str, int, int, int | None]] = []
        yield self.sent[0]
        for each in self.sent[1:]:
            roll = self.chance.random()
            if roll < lost:
                continue
            if roll < lost + late:
                waiting.append(each)
                continue
            yield each
            if self.chance.random() < twice:
                waiting.append(each)
            while waiting and self.chance.random() < 0.4:
                yield waiting.pop(self.chance.randrange(len(waiting)))
        yield from waiting


machines = st.builds(Machine, st.integers(0, 1 << 30).map(random.Random), st.booleans())
courses = st.lists(st.sampled_from("ppppps"), min_size=1, max_size=60)
odds = st.tuples(st.floats(0, 0.6), st.floats(0, 0.4), st.floats(0, 0.5))


def lived(machine: Machine, course: list[str], odds: tuple[float, float, float]) -> Book:
    """Let a machine run its course, and return what became of what it sent; in the end its counter is heard twice."""
    book = Book()
    machine.stand()
    for step in course:
        {"p": machine.press, "s": machine.stand, "r": machine.reset}[step]()
    for kind, number, when, counter in machine.heard(*odds):
        if kind == "press":
            book.press(number, when, counter)
        else:
            book.stand(number, when)
    for _ in range(2):
        machine.stand()
        book.stand(machine.counter, at(machine.now))
    return book


@settings(max_examples=300, deadline=None)
@given(machines, courses, odds)
def test_what_was_told_and_what_is_booked_is_what_the_machine_did(
    machine: Machine, course: list[str], odds: tuple[float, float, float]
) -> None:
    assert lived(machine, course, odds).sum == machine.done


@settings(max_examples=300, deadline=None)
@given(machines, st.lists(st.sampled_from("pppppsr"), max_size=60), odds)
def test_a_machine_that_loses_its_counter_did_no_more_than_it_did(
    machine: Machine, course: list[str], odds: tuple[float, float, float]
) -> None:
    assert lived(machine, course, odds).sum <= machine.done


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 30), st.lists(st.sampled_from("pppppsr"), max_size=60), st.floats(0, 0.9))
def test_a_machine_that_told_its_counter_before_it_lost_it_did_all_that_it_did(
    seed: int, course: list[str], lost: float
) -> None:
    machine, chance, book = Machine(random.Random(seed), says_counter=False), random.Random(seed + 1), Book()
    machine.stand()
    for step in [*course, "s"]:
        {"p": machine.press, "s": machine.stand, "r": machine.reset}[step]()
    for kind, number, when, counter in machine.sent:
        if kind == "stand":
            book.stand(number, when)
        elif chance.random() >= lost:
            book.press(number, when, counter)
    assert book.sum == machine.done
