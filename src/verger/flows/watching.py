"""Watching: what is wrong with Verger itself, as alerts to those who run it; a bridge's to whom it belongs."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from verger.base.clock import MINUTE, Clock
from verger.base.db import Database
from verger.base.jobs import failing
from verger.domain.alerts.model import Opening, Severity
from verger.domain.alerts.store import AlertStore

_OURS = "verger."
_STEADY = MINUTE  # for less it may be a start, or a moment of much work


class Trouble(Struct, frozen=True):
    """What is wrong: a word that stays the same while it is, and a sentence; `tenant` None for who runs this Verger."""

    word: str
    sentence: str
    severity: Severity = Severity.warning
    tenant: str | None = None


class Asked(Struct, frozen=True):
    """How something is asked whether it is well: it answers "ok", or a sentence."""

    word: str
    check: Callable[[], Awaitable[str]]
    severity: Severity = Severity.warning


@dataclass(frozen=True)
class Watching:
    """Opens an alert for what is wrong for a minute, and clears it once it is right; `bridges` tells which are down."""

    db: Database
    store: AlertStore
    checks: Sequence[Asked]
    bridges: Callable[[], Iterable[Trouble]]
    operator: Callable[[], Awaitable[str | None]]
    clock: Clock
    _since: dict[tuple[str, str], int] = field(default_factory=dict)

    async def look(self) -> None:
        """Look once; to be done again and again."""
        operator = await self.operator()
        if operator is None:
            return
        wrong = {(each.tenant or operator, _OURS + each.word): each for each in await self._wrong()}
        now = self.clock.now()
        since = {key: self._since.get(key, now) for key in wrong}
        self._since.clear()
        self._since.update(since)
        held = await self.store.open_of(_OURS)
        for tenant, rule in held - wrong.keys():
            async with self.db.writing() as connection:
                await self.store.clear(connection, tenant, rule, None, now)
        for (tenant, rule), trouble in wrong.items():
            if (tenant, rule) not in held and since[tenant, rule] <= now - _STEADY:
                await self._open(tenant, rule, trouble)

    async def _wrong(self) -> list[Trouble]:
        found = [*self.bridges(), *await self._jobs()]
        for each in self.checks:
            said = await each.check()
            if said != "ok":
                found.append(Trouble(each.word, said, each.severity))
        return found

    async def _jobs(self) -> list[Trouble]:
        async with self.db.reading() as connection:
            jobs = await failing(connection)
        if not jobs:
            return []
        many = f", and {len(jobs) - 1} more" if len(jobs) > 1 else ""
        return [Trouble("jobs", f"A job fails again and again: {jobs[0].kind}{many}. {jobs[0].error}")]

    async def _open(self, tenant: str, rule: str, trouble: Trouble) -> None:
        now = self.clock.now()
        opening = Opening(
            rule=rule, device=None, place=None, severity=trouble.severity, message=trouble.sentence, at=now
        )
        async with self.db.writing() as connection:
            await self.store.open(connection, tenant, opening)
