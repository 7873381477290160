"""All that is kept of rules, in one hand."""

from dataclasses import dataclass
from typing import Self

from verger.base.db import Database
from verger.domain.rules.memories import MemoryStore
from verger.domain.rules.runs import RunStore
from verger.domain.rules.store import RuleStore
from verger.domain.rules.waiting import FactStore


@dataclass(frozen=True)
class RulesKept:
    """The stores of rules over one database."""

    db: Database
    rules: RuleStore
    memories: MemoryStore
    runs: RunStore
    facts: FactStore

    @classmethod
    def over(cls, db: Database) -> Self:
        """Return the stores over a database."""
        return cls(db, RuleStore(db), MemoryStore(db), RunStore(db), FactStore(db))
