"""Where alerts are kept, and what was said of them."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, structs
from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import SECOND, moment
from verger.base.db import Database, delete_some
from verger.base.errors import Missing, Stale
from verger.base.ids import new_id
from verger.base.pages import AnyRow, Asked, Ordering, Page, page
from verger.domain.alerts.model import (
    MANY,
    TOGETHER_S,
    Alert,
    AlertState,
    Comment,
    Opened,
    Opening,
    Severity,
    again,
    begun,
    cleared,
    together,
)
from verger.domain.alerts.tables import alert_table, comment_table, of_devices

_TABLE, _SAID = alert_table.c, comment_table.c
_COLUMNS = [_TABLE[name] for name in Alert.__struct_fields__]
_WORDS = [_SAID[name] for name in Comment.__struct_fields__]
_ORDERING = Ordering(
    key=_TABLE.id,
    sorts={"opened_at": _TABLE.opened_at, "last_at": _TABLE.last_at},
    first="-opened_at",
    names=[_TABLE.message],
)
_TALK = Ordering(key=_SAID.id, sorts={"at": _SAID.at}, first="-at", names=[_SAID.text])
_TOGETHER = TOGETHER_S * SECOND

Listener = Callable[[AsyncConnection, str, Alert, bool], Awaitable[None]]
"""Hears, within its transaction, (connection, tenant, alert, fresh) of each change; fresh: people have to be told."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which alerts a list shows; what is None or empty does not matter.

    `within` asks for those that one shows, `about` for all of some devices or some rules, by themselves.
    """

    states: Collection[AlertState] = ()
    severity: Severity | None = None
    places: Collection[str] | None = None
    placeless: bool = False  # those of no place, beside those of `places`
    device: str | None = None
    rule: str | None = None
    assignee: str | None = None
    within: str | None = None
    about: tuple[Collection[str], Collection[str]] | None = None


class AlertStore:
    """Where alerts are kept; what writes does so in the caller's transaction, and tells the `listeners`."""

    def __init__(self, db: Database) -> None:
        """Keep them in a database."""
        self._db = db
        self.listeners: list[Listener] = []

    async def get(self, tenant: str, alert: str) -> Alert:
        """Return one alert; raise Missing."""
        async with self._db.reading() as connection:
            return await self.find(connection, tenant, alert)

    async def find(self, connection: AsyncConnection, tenant: str, alert: str) -> Alert:
        """Return one alert as it stands within a transaction; raise Missing."""
        found = await _some(connection, _TABLE.tenant == tenant, _TABLE.id == alert)
        if not found:
            raise Missing("There is no such alert.")
        return found[0]

    async def page(self, tenant: str, asked: Asked, wanted: Wanted) -> Page[Alert]:
        """Return a page of alerts, the newest first; those that another shows only by its name or their device's."""
        query = select(*_COLUMNS).where(_TABLE.tenant == tenant)
        if wanted.about is not None:
            devices, rules = wanted.about
            query = query.where(or_(_TABLE.device.in_(devices), _TABLE.rule.in_(rules)))
        elif wanted.within is not None or wanted.device is None:
            query = query.where(_TABLE.within.is_not_distinct_from(wanted.within))
        if wanted.states:
            query = query.where(_TABLE.state.in_(wanted.states))
        if wanted.device is not None:
            query = query.where(of_devices([wanted.device]))
        for name in ("severity", "rule", "assignee"):
            if (value := getattr(wanted, name)) is not None:
                query = query.where(_TABLE[name] == value)
        if wanted.places is not None:
            query = query.where(or_(_TABLE.place.in_(wanted.places), *[_TABLE.place.is_(None)] * wanted.placeless))
        async with self._db.reading() as connection:
            return await page(connection, query, _ORDERING, asked, _alert)

    async def held(self, connection: AsyncConnection, tenant: str, rule: str, device: str | None) -> Alert | None:
        """Return the open alert of a rule and a device as people see it, None while there is none."""
        found = await _held(connection, tenant, _about(rule, device))
        return found if found is None or found.within is None else await self.find(connection, tenant, found.within)

    async def everything_open(self, tenant: str, most: int = 500) -> list[Alert]:
        """Return the open alerts that people see, the newest first."""
        shown = (_TABLE.tenant == tenant, _TABLE.holds.is_not(None), _TABLE.within.is_(None))
        query = select(*_COLUMNS).where(*shown).order_by(_TABLE.opened_at.desc(), _TABLE.id.desc()).limit(most)
        async with self._db.reading() as connection:
            return [_alert(row) for row in await connection.execute(query)]

    async def open(self, connection: AsyncConnection, tenant: str, opening: Opening) -> Opened:
        """Open an alert, or count once more the one that is open for the same rule and device."""
        if (held := await self.recur(connection, tenant, opening)) is not None:
            return held
        lead, folded = await self._many(connection, tenant, opening)
        alert = begun(opening, new_id(), within=None if lead is None else lead.id)
        await self._add(connection, tenant, alert, _about(opening.rule, opening.device), fresh=lead is None)
        if lead is None:
            return Opened(alert, alert, fresh=True)
        within = (_TABLE.tenant == tenant, _TABLE.within == lead.id)
        devices = await connection.scalar(select(func.count(_TABLE.device.distinct())).where(*within))
        after = together(lead, opening, devices or 0, further=True)
        return await self._seen(connection, tenant, alert, lead, after, folded)

    async def recur(self, connection: AsyncConnection, tenant: str, opening: Opening, times: int = 1) -> Opened | None:
        """Count up the alert that is open for a rule and a device, None where none is: a person ended it."""
        held = await _held(connection, tenant, _about(opening.rule, opening.device))
        if held is None:
            return None
        counted = again(held, opening, times)
        worse = counted.severity is not held.severity and held.within is None
        after = await self.save(connection, tenant, counted, fresh=worse)
        if after.within is None:
            return Opened(after, after, fresh=worse)
        shown = await self.find(connection, tenant, after.within)
        if not shown.state.open:
            return Opened(after, shown, fresh=False)
        return await self._seen(connection, tenant, after, shown, together(shown, opening, shown.count))

    async def clear(
        self, connection: AsyncConnection, tenant: str, rule: str, device: str | None, at: int
    ) -> list[Alert]:
        """End what is open for a rule and a device, if anything is; return every alert that is over now."""
        held = await _held(connection, tenant, _about(rule, device))
        return [] if held is None else await self.end(connection, tenant, [held], at)

    async def clear_rule(self, connection: AsyncConnection, tenant: str, rule: str, at: int) -> list[Alert]:
        """End whatever is open for a rule that is gone, or judges no longer; return every alert that is over now."""
        return await self.end(connection, tenant, await self.of_rule(connection, tenant, rule), at)

    async def of_rule(self, connection: AsyncConnection, tenant: str, rule: str) -> list[Alert]:
        """Return what is open for a rule, within a transaction."""
        return await _some(connection, _TABLE.tenant == tenant, _TABLE.rule == rule, _TABLE.holds.is_not(None))

    async def leave(
        self, connection: AsyncConnection, tenant: str, at: int, *, device: str | None = None, place: str | None = None
    ) -> list[Alert]:
        """End whatever is open about a device, or a place, that is gone; return every alert that is over now."""
        about = _TABLE.place == place if device is None else of_devices([device])
        held = (_TABLE.tenant == tenant, about, _TABLE.holds.is_not(None))
        return await self.end(connection, tenant, await _some(connection, *held), at)

    async def rules_open(self, connection: AsyncConnection, tenant: str) -> set[str]:
        """Return the rules, and other words, by which anything is open, within a transaction."""
        query = select(_TABLE.rule).where(_TABLE.tenant == tenant, _TABLE.holds.is_not(None)).distinct()
        return set(await connection.scalars(query))

    async def expire(self, tenant: str, devices: Collection[str], start: datetime, before: datetime) -> int:
        """Remove some alerts of devices with start <= opening < before; return how many, 0 at the end."""
        opened = (_TABLE.opened_at >= start, _TABLE.opened_at < before)
        async with self._db.writing() as connection:
            return await delete_some(connection, alert_table, _TABLE.tenant == tenant, of_devices(devices), *opened)

    async def purge(self, before: datetime) -> int:
        """Remove some alerts that were over before a time, with what was said of them; return how many, 0 at the end.

        One that shows others stays as long as any of those is open.
        """
        shows = select(_TABLE.within).where(_TABLE.holds.is_not(None), _TABLE.within.is_not(None))
        over = func.coalesce(_TABLE.resolved_at, _TABLE.cleared_at) < before
        async with self._db.writing() as connection:
            gone = (_TABLE.holds.is_(None), over, _TABLE.id.not_in(shows))
            return await delete_some(connection, alert_table, *gone, most=200)

    async def open_of(self, prefix: str) -> set[tuple[str, str]]:
        """Return (tenant, rule) of what is open in any tenant of rules whose name begins so."""
        query = select(_TABLE.tenant, _TABLE.rule).where(_TABLE.holds.is_not(None), _TABLE.rule.startswith(prefix))
        async with self._db.reading() as connection:
            return {(row.tenant, row.rule) for row in await connection.execute(query)}

    async def end(self, connection: AsyncConnection, tenant: str, alerts: Sequence[Alert], at: int) -> list[Alert]:
        """End some open alerts, and those that show many of which none is open; return all that are over now."""
        over = [await self.save(connection, tenant, cleared(alert, at)) for alert in alerts if alert.state.open]
        for lead in {alert.within for alert in over if alert.within} - {alert.id for alert in over}:
            if await self.those_within(connection, tenant, lead):
                continue
            shown = await self.find(connection, tenant, lead)
            if shown.state.open:
                over.append(await self.save(connection, tenant, cleared(shown, at)))
        return over

    async def save(self, connection: AsyncConnection, tenant: str, alert: Alert, *, fresh: bool = False) -> Alert:
        """Keep a changed alert as its next version; `fresh` when people have to be told of it. Raise Stale."""
        after = structs.replace(alert, version=alert.version + 1)
        row = structs.asdict(after) | ({} if after.state.open else {"holds": None})
        mine = (_TABLE.tenant == tenant, _TABLE.id == alert.id, _TABLE.version == alert.version)
        if (await connection.execute(update(alert_table).where(*mine).values(row))).rowcount == 0:
            raise Stale("This was changed since you read it; read it again and repeat your change.")
        await self._tell(connection, tenant, after, fresh=fresh)
        return after

    async def those_within(self, connection: AsyncConnection, tenant: str, lead: str) -> list[Alert]:
        """Return the open alerts that another one shows."""
        return await _some(connection, _TABLE.tenant == tenant, _TABLE.within == lead, _TABLE.holds.is_not(None))

    async def comment(self, connection: AsyncConnection, tenant: str, comment: Comment) -> None:
        """Keep what was said of an alert, or done with it."""
        await connection.execute(comment_table.insert().values(tenant=tenant, **structs.asdict(comment)))

    async def comments(self, tenant: str, alert: str, asked: Asked) -> Page[Comment]:
        """Return a page of what was said of an alert and done with it, the newest first."""
        query = select(*_WORDS).where(_SAID.tenant == tenant, _SAID.alert == alert)
        async with self._db.reading() as connection:
            return await page(connection, query, _TALK, asked, _comment)

    async def _seen(
        self,
        connection: AsyncConnection,
        tenant: str,
        alert: Alert,
        lead: Alert,
        after: Alert,
        folded: tuple[Alert, ...] = (),
    ) -> Opened:
        """Keep the alert that shows many as it is now; people are told when it is new, worse, or to be noted anew."""
        fresh = bool(folded) or after.severity is not lead.severity or after.state is not lead.state
        return Opened(alert, await self.save(connection, tenant, after, fresh=fresh), fresh, folded)

    async def _many(
        self, connection: AsyncConnection, tenant: str, opening: Opening
    ) -> tuple[Alert | None, tuple[Alert, ...]]:
        """Return the alert that shows many devices at once, if there are many, and what it shows from now on."""
        if opening.device is None:
            return None, ()
        near = (
            _TABLE.tenant == tenant,
            _TABLE.rule == opening.rule,
            _TABLE.place.is_not_distinct_from(opening.place),
            _TABLE.device.is_not(None),
            _TABLE.opened_at.between(moment(opening.at - _TOGETHER), moment(opening.at + _TOGETHER)),
        )
        held = (_TABLE.tenant == tenant, _TABLE.holds.is_not(None))
        if leads := await _some(connection, *held, _TABLE.id.in_(select(_TABLE.within).where(*near))):
            return leads[-1], ()
        alone = await _some(connection, *near, _TABLE.holds.is_not(None), _TABLE.within.is_(None))
        if len(alone) + 1 < MANY:
            return None, ()
        lead = begun(structs.replace(opening, device=None, momentary=False), new_id())
        await self._add(connection, tenant, lead, f"{opening.rule} of {lead.id}", fresh=False)
        folded = [await self.save(connection, tenant, structs.replace(alert, within=lead.id)) for alert in alone]
        return lead, tuple(folded)

    async def _add(self, connection: AsyncConnection, tenant: str, alert: Alert, about: str, *, fresh: bool) -> None:
        row = structs.asdict(alert)
        await connection.execute(alert_table.insert().values(tenant=tenant, holds=about, **row))
        await self._tell(connection, tenant, alert, fresh=fresh)

    async def _tell(self, connection: AsyncConnection, tenant: str, alert: Alert, *, fresh: bool) -> None:
        for listener in self.listeners:
            await listener(connection, tenant, alert, fresh)


def _about(rule: str, device: str | None) -> str:
    return f"{rule} {device or ''}"


async def _held(connection: AsyncConnection, tenant: str, about: str) -> Alert | None:
    found = await _some(connection, _TABLE.tenant == tenant, _TABLE.holds == about)
    return found[0] if found else None


async def _some(connection: AsyncConnection, *where: ColumnElement[bool]) -> list[Alert]:
    rows = await connection.execute(select(*_COLUMNS).where(*where).order_by(_TABLE.id))
    return [_alert(row) for row in rows]


def _alert(row: AnyRow) -> Alert:
    values: dict[str, Any] = {name: getattr(row, name) for name in Alert.__struct_fields__}
    told = {"severity": Severity(row.severity), "state": AlertState(row.state), "sources": tuple(row.sources)}
    return Alert(**values | told)


def _comment(row: AnyRow) -> Comment:
    return Comment(**{name: getattr(row, name) for name in Comment.__struct_fields__})
