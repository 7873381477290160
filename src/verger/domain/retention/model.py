"""Rules of retention, and which of them wins."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from verger.base.errors import Fault, Invalid

Keeps = Literal["readings", "events", "attributes", "remarks"]
LONGEST = 36_500
_METRIC_LONGEST = 200


class Rule(Struct, frozen=True, kw_only=True):
    """How many whole days something is kept: at a place and below it, or anywhere; of one metric, or of all.

    `days` None is for ever. Of readings the summaries by hour and day may stay for longer, `summaries_days` in all;
    None is for ever too.
    """

    id: str
    keeps: Keeps
    place: str | None = None
    metric: str | None = None
    days: int | None = None
    summaries_days: int | None = None
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a rule that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    @property
    def scope(self) -> str:
        """Return what it is about: of two rules about the same, only one may stand."""
        return f"{self.keeps}|{self.place or ''}|{self.metric or ''}"


def _faults(rule: Rule) -> Iterable[Fault]:
    for field in ("days", "summaries_days"):
        days = getattr(rule, field)
        if days is not None and not 1 <= days <= LONGEST:
            yield Fault(field, f"Give {field} from 1 to {LONGEST:,}, or null to keep it for ever.")
    if rule.metric is not None and not 1 <= len(rule.metric) <= _METRIC_LONGEST:
        yield Fault("metric", f"Name a metric in 1 to {_METRIC_LONGEST} characters, or leave it out for all.")
    if rule.keeps != "readings":
        if rule.metric is not None:
            yield Fault("metric", "Only readings are kept by metric: leave it out.")
        if rule.summaries_days is not None:
            yield Fault("summaries_days", "Only readings have summaries: leave it out.")
    elif rule.summaries_days is not None:
        if rule.days is None:
            yield Fault("summaries_days", "While the readings stay for ever, so do their summaries: leave it out.")
        elif rule.summaries_days < rule.days:
            yield Fault("summaries_days", "Keep the summaries at least as long as the readings.")


class Rules:
    """All rules of one tenant."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Take them in any order; of two about the same the later one stands."""
        self._by_scope = {rule.scope: rule for rule in rules}

    def winner(self, keeps: Keeps, places: Sequence[str], metric: str | None = None) -> Rule | None:
        """Return the most specific rule at a place, given with all it lies in, nearest first; None keeps everything.

        A metric at a place or what that lies in comes first, then the place or what it lies in, then a metric
        anywhere, then everything.
        """
        metrics = (None,) if metric is None else (metric, None)
        wheres: list[tuple[str | None, str | None]] = [(place, each) for each in metrics for place in places]
        for place, each in (*wheres, *((None, each) for each in metrics)):
            rule = self._by_scope.get(f"{keeps}|{place or ''}|{each or ''}")
            if rule is not None:
                return rule
        return None
