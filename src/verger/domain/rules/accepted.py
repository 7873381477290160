"""A rule that was accepted once, read again as it was; what a newer version says to it is told beside."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import structs

from verger.base.sentences import sentence
from verger.domain.rules.checks import faults
from verger.domain.rules.compiled import Ground, compiled
from verger.domain.rules.conditions import Condition
from verger.domain.rules.judge import begin
from verger.domain.rules.model import Rule

_SOMEWHERE = Ground("UTC", 0.0, 0.0)


class KeptRule(Rule, frozen=True, kw_only=True):
    """A rule as it stands: one that was paused, by Verger itself, judges nothing until a person enables it anew.

    It is as it was accepted. `objection` is what this version would refuse of it now: it judges all the same, unless it
    is `unfit`, so that nobody can judge by it. Whoever keeps a new or changed one has it checked first.
    """

    paused_at: datetime | None = None
    paused_because: str | None = None
    objection: str | None = None
    unfit: bool = False

    def __post_init__(self) -> None:
        """Take it as it was accepted."""

    @property
    def runs(self) -> bool:
        """Tell whether it judges."""
        return self.enabled and self.paused_at is None and not self.unfit

    @property
    def readable(self) -> bool:
        """Tell whether this version knows what was written; of what it does not know only the name stands here."""
        return bool(self.when.word)


def accepted(document: Mapping[str, Any], own: dict[str, Any]) -> KeptRule:
    """Return a rule from what people wrote, and what else is known of it; it need not stand up to today's checks."""
    try:
        rule = msgspec.convert({**document, **own}, KeptRule)
    except msgspec.ValidationError as why:
        told = f"This version of Verger does not understand it ({sentence(str(why)).rstrip('.')})."
        return KeptRule(**own, when=Condition(), then=(), objection=told, unfit=True)
    found = faults(rule.when, rule.only_if, rule.then)
    if not found:
        return rule
    told = " ".join(dict.fromkeys(fault.message for fault in found))
    return structs.replace(rule, objection=told, unfit=not _judges(rule))


def _judges(rule: Rule) -> bool:
    """Tell whether rules can be judged by at all that would be refused today."""
    try:
        begin(compiled(rule, _SOMEWHERE), None, 0)
    except Exception:  # noqa: BLE001  whatever it is, the other rules go on
        return False
    return True
