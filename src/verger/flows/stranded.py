"""Stranded: a rule waits for the sun, and nobody says any longer where on earth its place is; people are told."""

from dataclasses import dataclass, field

from msgspec import structs

from verger.base.clock import Clock
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.domain.alerts.model import Opening
from verger.domain.alerts.store import AlertStore
from verger.domain.places.model import Place
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.compiled import compiled
from verger.domain.rules.model import leaves
from verger.flows.pausing import fade
from verger.flows.rulebook import Rulebook, ground_of
from verger.flows.unheeded import matters

STRANDED = "stranded"
"""How the alert of a rule that cannot judge at its place is known: this and the rule's id."""


@dataclass
class Stranded:
    """Keeps one open alert for each rule that cannot judge at its place, until it can, or is to judge no more."""

    book: Rulebook
    db: Database
    alerts: AlertStore
    clock: Clock
    _told: set[tuple[str, str]] | None = field(default=None, init=False)  # (tenant, rule), as alerts know them

    async def tell(self) -> None:
        """Tell of rules that cannot judge any longer, and that others can again."""
        now = {(tenant, f"{STRANDED} {rule.id}"): (rule, why) for tenant, rule, why in self.book.stranded.values()}
        told = await self.alerts.open_of(f"{STRANDED} ") if self._told is None else self._told
        if told != now.keys():
            async with self.db.writing() as connection:
                for tenant, about in told - now.keys():
                    await self.alerts.clear_rule(connection, tenant, about, self.clock.now())
                for tenant, about in now.keys() - told:
                    rule, why = now[tenant, about]
                    await fade(self.alerts, connection, tenant, rule.id)
                    await self.alerts.open(connection, tenant, self._opening(about, rule, why))
        self._told = set(now)

    def _opening(self, about: str, rule: KeptRule, why: str) -> Opening:
        return Opening(
            rule=about,
            device=None,
            place=rule.place,
            severity=matters(rule),
            message=f"The rule {rule.name} does not judge. {why}",
            at=self.clock.now(),
        )


def waits_for_sun(rule: KeptRule) -> bool:
    """Tell whether a rule has to know where on earth its place is."""
    return any(each.sun is not None for _, each in leaves(rule))


def as_it_stands(rule: KeptRule, place: Place | None) -> KeptRule:
    """Return a rule with what keeps it from judging at its place, if anything does."""
    if place is None or rule.unfit or not waits_for_sun(rule):
        return rule
    try:
        compiled(rule, ground_of(place))
    except Invalid as why:
        objection = " ".join(filter(None, (rule.objection, str(why))))
        return structs.replace(rule, objection=objection, unfit=True)
    return rule
