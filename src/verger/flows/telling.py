"""Telling: what people do with their notifications, and where they want them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from msgspec import Struct, structs

from verger.base.clock import Clock, moment
from verger.base.errors import Refused
from verger.base.ids import new_id
from verger.base.lookups import on_behalf_of
from verger.base.pages import Asked, Page
from verger.base.patch import meant_for
from verger.domain.notifications.deliveries import Passage
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Notification, Urgency
from verger.domain.notifications.preferences import Preferences
from verger.domain.notifications.targets import Target
from verger.domain.notifications.ways import Way, Webhook, kind_of, shown
from verger.flows.carrying import Carries, written
from verger.flows.notifying import Whispers


class NewTarget(Target, frozen=True, kw_only=True):
    """A target just made; `secret` signs what a webhook is sent, and is not shown again."""

    secret: str | None


class Received(Notification, frozen=True, kw_only=True):
    """A notification as its owner sees it: `ways` tells how far it came by each of their targets."""

    ways: tuple[Passage, ...]


class Tried(Struct, frozen=True):
    """How a test went: `error` says why it did not arrive."""

    delivered: bool
    error: str | None


@dataclass(frozen=True)
class Telling:
    """One person's side of notifications."""

    room: Mailroom
    screens: Whispers
    courier: Carries
    clock: Clock
    home: str
    push_key: str = ""  # what browsers know us by

    async def page(self, tenant: str, user: str, asked: Asked, *, unread: bool) -> Page[Received]:
        """Return a page of what somebody was told, the newest first."""
        found = await self.room.inbox.page(tenant, user, asked, unread=unread)
        return Page(await self._received(tenant, user, found.items), found.next)

    async def get(self, tenant: str, user: str, notification: str) -> Received:
        """Return one notification of somebody; raise Missing."""
        return (await self._received(tenant, user, [await self.room.inbox.get(tenant, user, notification)]))[0]

    async def _received(self, tenant: str, user: str, told: Sequence[Notification]) -> list[Received]:
        ways = await self.room.deliveries.progress(tenant, user, [each.id for each in told])
        return [Received(**structs.asdict(each), ways=tuple(ways.get(each.id, ()))) for each in told]

    async def seen(self, tenant: str, user: str, notifications: Sequence[str] | None) -> int:
        """Note that somebody has seen some notifications, or all; return how many they have not."""
        changed = await self.room.inbox.read(tenant, user, moment(self.clock.now()), notifications)
        left = await self.room.inbox.unread(tenant, user)
        if changed:
            which = None if notifications is None else list(notifications)
            self.screens.whisper(tenant, user, {"type": "notifications_read", "notifications": which, "unread": left})
        return left

    async def prefer(self, tenant: str, user: str, changes: dict[str, Any], expected: int | None) -> Preferences:
        """Change some of how somebody wants to be told; what waits leaves by that. Raise Stale or Invalid."""
        before = await self.room.preferences.get(tenant, user)
        meant_for(before.version, expected)
        wanted, now = structs.replace(before, **changes), moment(self.clock.now())
        async with self.room.db.writing() as connection:
            after = await self.room.preferences.change(connection, tenant, user, wanted)
            await self.room.deliveries.reconsider(connection, tenant, user, now)
        return after

    async def add(self, tenant: str, user: str, name: str, way: Way, severities: tuple[Urgency, ...]) -> NewTarget:
        """Tell somebody by one more way; raise Invalid or Conflict."""
        at, fresh = moment(self.clock.now()), new_id()
        target = Target(
            id=fresh, kind=kind_of(way), name=name, address=shown(way)[:300], severities=severities, created_at=at
        )
        async with self.room.db.writing() as connection:
            await self.room.targets.add(connection, tenant, user, target, way)
        return NewTarget(**structs.asdict(target), secret=way.secret if isinstance(way, Webhook) else None)

    async def change(
        self, tenant: str, user: str, target: str, changes: dict[str, Any], expected: int | None
    ) -> Target:
        """Change some of a target; going on with a paused one sends what waits. Raise Missing, Stale or Invalid."""
        before = await self.room.targets.get(tenant, user, target)
        meant_for(before.version, expected)
        pauses = changes.pop("paused", None)
        if pauses is not None:
            at = moment(self.clock.now())
            changes |= {"paused_at": (before.paused_at or at) if pauses else None, "failures": 0}
        after = await self.room.targets.change(tenant, structs.replace(before, **changes))
        if pauses is False:
            await self.room.deliveries.go_on(target, moment(self.clock.now()))
        return after

    async def remove(self, tenant: str, user: str, target: str, expected: int | None) -> None:
        """Tell somebody there no longer; raise Missing or Stale."""
        meant_for((await self.room.targets.get(tenant, user, target)).version, expected)
        await self.room.targets.remove(tenant, user, target)

    async def test(self, tenant: str, user: str, target: str) -> Tried:
        """Send a test at once, whatever the hour; when it arrives a paused target goes on. Raise Missing."""
        kept = await self.room.targets.get(tenant, user, target)
        now = moment(self.clock.now())
        hello = Notification(
            id=new_id(),
            severity=Urgency.info,
            kind="test",
            title="A test from Verger",
            body=f"This is how notifications reach you by {kept.name}.",
            subject=None,
            place=None,
            device=None,
            at=now,
        )
        way = await self.room.targets.way(tenant, target)
        try:
            with on_behalf_of(tenant):
                await self.courier.carry(way, written(hello.id, [hello], self.home, UTC))
        except Refused as refused:
            return Tried(delivered=False, error=str(refused))
        async with self.room.db.writing() as connection:
            how = {"failures": 0, "error": None, "delivered_at": now, "paused_at": None}
            await self.room.targets.note(connection, tenant, target, **how)
        if kept.paused_at is not None:
            await self.room.deliveries.go_on(target, now)
        return Tried(delivered=True, error=None)
