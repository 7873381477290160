"""Alerting: what people do with alerts."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.domain.alerts.model import Alert, Comment, Kind, acknowledged, assigned, resolved
from verger.domain.alerts.store import AlertStore, Wanted
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.notifications.outbox import Outbox
from verger.domain.places.store import PlaceStore
from verger.domain.tenancy.members import Members


@dataclass(frozen=True)
class Alerting:
    """Shows alerts, and keeps what people do with them; `by` is the id of a person or of an API key."""

    db: Database
    store: AlertStore
    places: PlaceStore
    members: Members
    outbox: Outbox
    clock: Clock

    async def page(self, tenant: str, asked: Asked, place: str | None, wanted: Wanted) -> Page[Alert]:
        """Return a page of alerts, all or those at a place and below it; raise Missing."""
        if place is not None:
            wanted = structs.replace(wanted, places=await self.places.below(tenant, place))
        return await self.store.page(tenant, asked, wanted)

    async def acknowledge(self, tenant: str, alert: str, by: str) -> Alert:
        """Take note of an alert; raise Missing, or Conflict when it is over."""
        at = self.clock.now()
        return await self._do(tenant, alert, by, "acknowledged", lambda before: acknowledged(before, by, at))

    async def assign(self, tenant: str, alert: str, by: str, to: str | None) -> Alert:
        """Let a member see to an alert, and tell them; None for nobody. Raise Missing, Invalid, or Conflict."""
        name = "" if to is None else (await self.members.takes(tenant, to)).name
        return await self._do(tenant, alert, by, "assigned", lambda before: assigned(before, to), name)

    async def resolve(self, tenant: str, alert: str, by: str) -> Alert:
        """End an alert and those that it shows; raise Missing."""
        at = self.clock.now()
        return await self._do(tenant, alert, by, "resolved", lambda before: resolved(before, by, at))

    async def comment(self, tenant: str, alert: str, by: str, text: str) -> Comment:
        """Keep what somebody says of an alert; raise Missing."""
        async with self.db.writing() as connection:
            await self.store.find(connection, tenant, alert)
            return await self._say(connection, tenant, alert, by, "comment", text)

    async def comments(self, tenant: str, alert: str, asked: Asked) -> Page[Comment]:
        """Return a page of what was said of an alert and done with it, the newest first; raise Missing."""
        await self.store.get(tenant, alert)
        return await self.store.comments(tenant, alert, asked)

    async def _do(
        self, tenant: str, alert: str, by: str, kind: Kind, change: Callable[[Alert], Alert], text: str = ""
    ) -> Alert:
        async with self.db.writing() as connection:
            before = await self.store.find(connection, tenant, alert)
            after = change(before)
            if after == before:
                return before
            if not after.state.open:
                for each in await self.store.those_within(connection, tenant, alert):
                    await self.store.save(connection, tenant, change(each))
            await self._say(connection, tenant, alert, by, kind, text)
            if after.assignee not in (None, before.assignee, by):
                await self.outbox.put(connection, tenant, _for_you(after, str(after.assignee)))
            return await self.store.save(connection, tenant, after)

    async def _say(
        self, connection: AsyncConnection, tenant: str, alert: str, by: str, kind: Kind, text: str
    ) -> Comment:
        at = moment(self.clock.now())
        comment = Comment(id=new_id(), alert=alert, at=at, by=by, kind=kind, text=text)
        await self.store.comment(connection, tenant, comment)
        return comment


def _for_you(alert: Alert, assignee: str) -> Notice:
    return Notice(
        severity=Urgency(alert.severity.value),
        kind="alert_assigned",
        title=f"For you to see to: {alert.message}",
        to=one(assignee),
        subject=f"alert:{alert.id}",
        place=alert.place,
        device=alert.device,
    )
