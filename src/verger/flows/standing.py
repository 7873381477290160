"""Standing: what the places of devices say of themselves, told to the rules that judge by it."""

import asyncio
from collections.abc import Sequence

from verger.domain.places.model import Tree
from verger.domain.rules.compiled import Compiled
from verger.domain.rules.facts import Reported
from verger.domain.rules.hearing import knows
from verger.flows.minds import Draft, Minds
from verger.flows.rulebook import Rulebook

_AT_ONCE = 200  # devices before others have their turn


async def stand(
    book: Rulebook, minds: Minds, draft: Draft, rule: Compiled, subjects: Sequence[str | None], now: int
) -> None:
    """Judge by a rule how the places of devices stand, where that is not known to it already."""
    chapter = next((each for each in book.chapters.values() if rule.rule.id in each.rules), None)
    if chapter is None:
        return
    for done, subject in enumerate(subjects, 1):
        if done % _AT_ONCE == 0:
            await asyncio.sleep(0)
        for named, attribute in sorted(rule.hears.places, key=str):
            known = book.registry.known(named or subject or "")
            if known is None:
                continue
            fact = stands(chapter.tree, known.device, known.place, attribute, now)
            if not knows(rule, minds.memory(rule, subject, now, draft), attribute, fact.value):
                minds.judge(draft, rule, subject, fact)


def stands(tree: Tree, device: str, place: str, attribute: str, at: int) -> Reported:
    """Return what the place of a device says of itself."""
    return Reported(device, attribute, tree.said(place, attribute), at, at, of_place=True)
