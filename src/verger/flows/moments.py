"""Moments: what a record says, one moment of a device after the other, for each rule that hears any of it."""

from collections.abc import Iterator, Sequence

from verger.domain.rules.compiled import Compiled
from verger.domain.rules.facts import Reading, Reported, Together, as_one
from verger.flows.rulebook import Hearer

Said = Reading | Reported


class Moments:
    """What devices said, by device and time: a rule hears all that one said of a moment before it judges any of it."""

    def __init__(self) -> None:
        """Know of nothing said."""
        self._said: dict[tuple[str, int], list[tuple[Said, Sequence[Hearer]]]] = {}

    def knows(self, device: str, at: int) -> bool:
        """Tell whether a device said something of a time."""
        return (device, at) in self._said

    def add(self, said: Said, hearers: Sequence[Hearer]) -> None:
        """Know that something was said, and who is to hear it."""
        self._said.setdefault((said.device, said.at), []).append((said, hearers))

    def heard(self) -> Iterator[tuple[Compiled, str | None, Said | Together]]:
        """Give each rule, for whom it judges, and what it hears, moment by moment in the order of arrival."""
        for moment in self._said.values():
            yield from _alone(*moment[0]) if len(moment) == 1 else _together(moment)


def _alone(said: Said, hearers: Sequence[Hearer]) -> Iterator[tuple[Compiled, str | None, Said]]:
    for hearer in hearers:
        for subject in hearer.subjects:
            yield hearer.rule, subject, said


def _together(
    moment: Sequence[tuple[Said, Sequence[Hearer]]],
) -> Iterator[tuple[Compiled, str | None, Said | Together]]:
    concerned: dict[tuple[str, str | None], tuple[Compiled, list[Said]]] = {}
    for said, hearers in moment:
        for rule, subject, _ in _alone(said, hearers):
            concerned.setdefault((rule.rule.id, subject), (rule, []))[1].append(said)
    for (_, subject), (rule, all_said) in concerned.items():
        yield rule, subject, as_one(all_said)
