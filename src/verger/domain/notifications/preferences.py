"""When somebody wants to be told: quiet hours, a digest, and how much an hour."""

from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, structs
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import HOUR, MINUTE, microseconds, moment
from verger.base.db import Database
from verger.base.errors import Fault, Invalid, Stale
from verger.base.zones import zone_of
from verger.domain.notifications import tables
from verger.domain.notifications.model import Urgency

PRESSING_S = 5 * 60  # what is critical waits no longer for the budget of an hour

_TABLE = tables.preference.c
_DAY = timedelta(days=1)

TimeOfDay = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Quiet(Struct, frozen=True, forbid_unknown_fields=True):
    """The hours in which nothing rings, over midnight too; what is of a severity in `but` rings all the same."""

    begin: TimeOfDay
    end: TimeOfDay
    but: tuple[Urgency, ...] = (Urgency.critical,)


class Digest(Struct, frozen=True, forbid_unknown_fields=True):
    """What is of these severities comes together once a day."""

    at: TimeOfDay
    severities: tuple[Urgency, ...] = (Urgency.info,)


class Preferences(Struct, frozen=True, kw_only=True):
    """How somebody wants to be told; without a time zone the organisation's holds.

    `per_hour` is how many messages an hour may come by each way before the others are bundled. `lesser` says that a
    manager or owner is also told what is for members or managers.
    """

    timezone: str | None = None
    quiet: Quiet | None = None
    digest: Digest | None = None
    per_hour: int = 10
    lesser: bool = True
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be; raise Invalid with a fault for each field."""
        faults = []
        if self.timezone is not None and zone_of(self.timezone) is None:
            faults.append(Fault("timezone", "This time zone is not known; write one such as Europe/Helsinki."))
        if self.quiet is not None and self.quiet.begin == self.quiet.end:
            faults.append(Fault("quiet.end", "Let quiet hours end at another time than they begin."))
        if not 1 <= self.per_hour <= 1000:
            faults.append(Fault("per_hour", "Choose 1 to 1000 messages an hour."))
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)


def may_go(wanted: Preferences, zone: ZoneInfo, severity: Urgency, put: datetime, now: datetime) -> datetime:
    """Return when what was put at a time may reach somebody: now, or later for their quiet hours or digest."""
    if wanted.digest is not None and severity in wanted.digest.severities:
        here = put.astimezone(zone)
        today = _next(here, wanted.digest.at)
        # In an hour that comes twice the digest has left by the first: what comes later waits for the next day's.
        return max(now, today if today > put else _next(here + _DAY, wanted.digest.at))
    if wanted.quiet is None or severity in wanted.quiet.but:
        return now
    here = now.astimezone(zone)
    return _next(here, wanted.quiet.end) if _within(wanted.quiet, f"{here:%H:%M}") else now


def next_free(wanted: Preferences, severity: Urgency, sent: list[datetime], now: datetime) -> datetime:
    """Return when a message may leave that the budget of an hour allows; `sent` is when others left, oldest first."""
    recent = [microseconds(at) for at in sent if microseconds(at) > microseconds(now) - HOUR]
    if len(recent) < wanted.per_hour:
        return now
    free = recent[-wanted.per_hour] + HOUR
    if severity is Urgency.critical:
        free = min(free, recent[-1] + PRESSING_S // 60 * MINUTE)
    return max(now, moment(free))


def _within(quiet: Quiet, clock: str) -> bool:
    if quiet.begin < quiet.end:
        return quiet.begin <= clock < quiet.end
    return clock >= quiet.begin or clock < quiet.end


def _next(here: datetime, clock: str) -> datetime:
    """Return the next time after a local one that a clock there shows so; one a day, whatever the season does."""
    at = datetime.combine(here.date(), time.fromisoformat(clock), here.tzinfo)
    at = at if at > here else at + _DAY
    return moment(microseconds(at))


class PreferenceStore:
    """Where preferences are kept; who has chosen nothing has the usual ones."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db

    async def get(self, tenant: str, user: str) -> Preferences:
        """Return somebody's preferences."""
        async with self._db.reading() as connection:
            return await self.find(connection, tenant, user) or Preferences()

    async def find(self, connection: AsyncConnection, tenant: str, user: str) -> Preferences | None:
        """Return somebody's preferences as they stand within a transaction, None when they have chosen nothing."""
        query = select(tables.preference).where(_TABLE.tenant == tenant, _TABLE.user == user)
        row = (await connection.execute(query)).first()
        return None if row is None else msgspec.convert(row.choices | {"version": row.version}, Preferences)

    async def everyone(self, tenant: str) -> dict[str, Preferences]:
        """Return the preferences of all of a tenant who have chosen any, by person."""
        async with self._db.reading() as connection:
            rows = await connection.execute(select(tables.preference).where(_TABLE.tenant == tenant))
            return {row.user: msgspec.convert(row.choices | {"version": row.version}, Preferences) for row in rows}

    async def change(self, connection: AsyncConnection, tenant: str, user: str, wanted: Preferences) -> Preferences:
        """Keep changed preferences as their next version, within the caller's transaction; raise Stale."""
        after = structs.replace(wanted, version=wanted.version + 1)
        values = {"choices": _choices(after), "version": after.version}
        mine = (_TABLE.tenant == tenant, _TABLE.user == user)
        stands = await connection.scalar(select(_TABLE.version).where(*mine))
        if (stands or 1) != wanted.version:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        if stands is None:
            await connection.execute(tables.preference.insert().values(tenant=tenant, user=user, **values))
        else:
            await connection.execute(update(tables.preference).where(*mine).values(values))
        return after


def _choices(wanted: Preferences) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(wanted).items() if name != "version"}
