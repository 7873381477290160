"""Who is told of an alert, when, and how often until somebody takes note of it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, structs
from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import SECOND
from verger.base.db import Database, metadata
from verger.base.errors import Fault, Invalid, Stale
from verger.base.patch import meant_for, merge
from verger.domain.alerts.model import Severity

policy_table = Table(
    "alert_policy",
    metadata,
    Column("tenant", String(36), ForeignKey("tenant.id", ondelete="CASCADE"), primary_key=True),
    Column("chains", JSON, nullable=False),
    Column("version", Integer, nullable=False),
)
_MINUTE_S, _HOUR_S = 60, 3600
_LEAST_REPEAT_S = 60

Seconds = Annotated[int, Meta(ge=0, le=30 * 24 * _HOUR_S)]


class Turn(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to tell once an alert has been open, and unacknowledged, for so long."""

    to: Literal["members", "managers", "owners"]
    after_s: Seconds = 0


Steps = Annotated[tuple[Turn, ...], Meta(min_length=1, max_length=10)]
ClearAfter = Annotated[int, Meta(ge=60, le=30 * 24 * _HOUR_S)]


class Chain(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is told in turn, and after how long all who were told are told again; 0 for never."""

    steps: Steps
    repeat_s: Seconds = 0


_USUAL_INFO = Chain((Turn("members"),))
_USUAL_WARNING = Chain((Turn("members"), Turn("managers", 4 * _HOUR_S), Turn("owners", 24 * _HOUR_S)), 6 * _HOUR_S)
_USUAL_CRITICAL = Chain((Turn("members"), Turn("managers", 15 * _MINUTE_S), Turn("owners", _HOUR_S)), 30 * _MINUTE_S)


class AlertPolicy(Struct, frozen=True, kw_only=True):
    """The chain of each severity, and after how long an alert of a passing moment ends if it does not come again."""

    info: Chain = _USUAL_INFO
    warning: Chain = _USUAL_WARNING
    critical: Chain = _USUAL_CRITICAL
    clear_after_s: ClearAfter = 24 * _HOUR_S
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse chains that cannot be; raise Invalid with a fault for each field."""
        faults = []
        for severity in Severity:
            chain = self.of(severity)
            waits = [step.after_s for step in chain.steps]
            if waits != sorted(waits):
                faults.append(Fault(f"{severity}.steps", "Put those first who are told first."))
            if 0 < chain.repeat_s < _LEAST_REPEAT_S:
                faults.append(
                    Fault(f"{severity}.repeat_s", f"Repeat after {_LEAST_REPEAT_S} s or more, or 0 for never.")
                )
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    def of(self, severity: Severity) -> Chain:
        """Return the chain of a severity."""
        chain: Chain = getattr(self, severity.value)
        return chain


class Due(Struct, frozen=True):
    """How far a chain has come: whom to tell now, and how long after the opening it goes on, None if never."""

    tell: tuple[str, ...]
    next_at: int | None


def due(chain: Chain, since: int, told_at: int | None, now: int) -> Due:
    """Return what a chain asks for now, for an alert opened at `since` of which people were last told at `told_at`.

    Times are microseconds. A new step tells those who were told before as well only when they are due again.
    """
    passed = [step for step in chain.steps if since + step.after_s * SECOND <= now]
    fresh = [step for step in passed if told_at is None or since + step.after_s * SECOND > told_at]
    repeat = chain.repeat_s * SECOND
    if told_at is not None and repeat and now >= told_at + repeat:
        fresh = passed
    waits = [since + step.after_s * SECOND for step in chain.steps[len(passed) :]]
    last = now if fresh else told_at
    if repeat and last is not None:
        waits.append(last + repeat)
    return Due(tuple(dict.fromkeys(step.to for step in fresh)), min(waits, default=None))


class PolicyStore:
    """Where the policy of each organisation is kept; without one the usual policy holds."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def get(self, tenant: str) -> AlertPolicy:
        """Return an organisation's policy."""
        async with self._db.reading() as connection:
            return await self.find(connection, tenant)

    async def find(self, connection: AsyncConnection, tenant: str) -> AlertPolicy:
        """Return an organisation's policy as it stands within a transaction."""
        row = (await connection.execute(select(policy_table).where(policy_table.c.tenant == tenant))).first()
        return AlertPolicy() if row is None else msgspec.convert(row.chains | {"version": row.version}, AlertPolicy)

    async def merge(self, tenant: str, changes: dict[str, Any], expected: int | None) -> AlertPolicy:
        """Change some of an organisation's policy (RFC 7396); raise Stale or Invalid."""
        before = await self.get(tenant)
        meant_for(before.version, expected)
        return await self.change(tenant, msgspec.convert(merge(msgspec.to_builtins(before), changes), AlertPolicy))

    async def change(self, tenant: str, policy: AlertPolicy) -> AlertPolicy:
        """Keep a changed policy as its next version; raise Stale."""
        after = structs.replace(policy, version=policy.version + 1)
        chains = {severity.value: msgspec.to_builtins(after.of(severity)) for severity in Severity}
        values = {"chains": chains | {"clear_after_s": after.clear_after_s}, "version": after.version}
        mine = (policy_table.c.tenant == tenant, policy_table.c.version == policy.version)
        async with self._db.writing() as connection:
            stands = await connection.scalar(select(policy_table.c.version).where(policy_table.c.tenant == tenant))
            if stands is None and policy.version == 1:
                await connection.execute(policy_table.insert().values(tenant=tenant, **values))
            elif (await connection.execute(update(policy_table).where(*mine).values(values))).rowcount == 0:
                raise Stale("This was changed since you read it; read it again and repeat your change.")
        return after
