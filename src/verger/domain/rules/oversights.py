"""What somebody overlooked who writes a rule: blank words, and numbers for members that are none of it."""

from collections.abc import Iterator

from verger.base.errors import Fault
from verger.base.plural import plain, span
from verger.domain.rules.adjusting import thresholds
from verger.domain.rules.model import Leeway, Rule, leaves

_WORDS = {
    "metric": "Write which metric is meant, such as temperature.",
    "event": "Write which kind of event is meant, such as door.open.",
    "command": "Write which method is meant, such as on.",
    "attribute": "Write which attribute is meant, such as mode.",
}
_NAMED = 5  # numbers that a sentence names


def oversights(rule: Rule) -> list[Fault]:
    """Return what is wrong with a rule and kept nobody from judging by it: one that was accepted goes on so."""
    return [*_blank(rule), *_limits(rule)]


def _blank(rule: Rule) -> Iterator[Fault]:
    """Give the texts in which nothing stands."""
    if not rule.name.strip():
        yield Fault("name", "Give the rule a name.")
    for path, condition in leaves(rule):
        for word, told in _WORDS.items():
            if _is_blank(getattr(condition, word)):
                yield Fault(f"{path}.{word}", told)
    for at, action in enumerate(rule.then):
        if action.command is not None and _is_blank(action.command.method):
            yield Fault(f"then[{at}].command.method", "Write what the device is to do, such as on.")
        if action.set is not None and _is_blank(action.set.attribute):
            yield Fault(f"then[{at}].set.attribute", _WORDS["attribute"])
        if action.task is not None and _is_blank(action.task.title):
            yield Fault(f"then[{at}].task.title", "Write what is to be done.")


def _is_blank(text: str | None) -> bool:
    return text is not None and not text.strip()


def _limits(rule: Rule) -> Iterator[Fault]:
    """Give the numbers that members could move and that do not stand in the rule, or not where they may."""
    there = thresholds(rule)
    for path, leeway in rule.limits.items():
        now, told = there.get(path), span(leeway.low, leeway.high)
        if now is None:
            yield Fault(f"limits.{path}", _elsewhere(path, list(there)))
        elif leeway.low is not None and leeway.high is not None and leeway.low > leeway.high:
            low, high = plain(leeway.low), plain(leeway.high)
            yield Fault(f"limits.{path}.low", f"No number lies from {low} to {high}: low has to be the lesser one.")
        elif not may_be(leeway, now):
            sentence = f"{path} is {plain(now)}, and members could set it {told}: change the one or the other."
            yield Fault(f"limits.{path}", sentence)


def may_be(leeway: Leeway, number: float) -> bool:
    """Tell whether a member may set a threshold to a number."""
    return (leeway.low is None or number >= leeway.low) and (leeway.high is None or number <= leeway.high)


def _elsewhere(path: str, there: list[str]) -> str:
    if not there:
        return "This rule has no number that members could set: leave it out."
    some = ", ".join(there[:_NAMED])
    return f"There is no number at {path[:200]}: name one of {some}{' …' if len(there) > _NAMED else ''}."
