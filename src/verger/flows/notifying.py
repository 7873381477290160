"""Notifying: a notice in the outbox reaches each person it is for, on their screen and on its way to their targets."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from msgspec.structs import asdict

from verger.base.clock import SECOND, Clock, moment
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import MANAGERS, MEMBERS, OWNERS, Notice, Notification, Put
from verger.domain.notifications.preferences import Preferences
from verger.domain.notifications.targets import Target
from verger.domain.tenancy.members import Members
from verger.domain.tenancy.model import Member, Role

_LEAST = {MEMBERS: Role.member, MANAGERS: Role.manager, OWNERS: Role.owner}
_LOOK_S = 1.0
_REST = 10 * SECOND

log = structlog.get_logger()


class Whispers(Protocol):
    """The open screens of people, each told what is theirs."""

    def whisper(self, tenant: str, user: str, word: dict[str, Any]) -> None:
        """Tell every screen of one person something that is kept already."""
        ...


@dataclass(frozen=True)
class Notifying:
    """Spreads notices; each is spread once, in one transaction."""

    room: Mailroom
    members: Members
    screens: Whispers
    clock: Clock
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _resting: dict[str, int] = field(default_factory=dict)  # until when some notices are not tried again

    def go_on(self) -> None:
        """Spread at once what was put; without it that is done within a second."""
        self._news.set()

    async def run(self) -> None:
        """Spread what is put until cancelled."""
        while True:
            try:
                more = await self.spread()
            except Exception:
                log.exception("notices could not be spread")
                more = 0
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._news.wait()
                self._news.clear()

    async def spread(self) -> int:
        """Let everybody have what waits in the outbox; return how many notices that were.

        One that cannot be spread is tried again after a while, and holds up no other.
        """
        now, done = self.clock.now(), 0
        for notice in [notice for notice, until in self._resting.items() if until <= now]:
            del self._resting[notice]
        for put in await self.room.outbox.waiting([*self._resting]):
            try:
                await self._spread(put)
            except Exception:
                log.exception("a notice could not be spread", notice=put.id)
                self._resting[put.id] = now + _REST
            else:
                done += 1
        return done

    async def _spread(self, put: Put) -> None:
        members, at = await self.members.everyone(put.tenant), moment(self.clock.now())
        async with self.room.db.writing() as connection:
            if not await self.room.outbox.spread(connection, put.id):
                return
            wanted = await self.room.preferences.of(connection, put.tenant)
            people = whom(put.notice, members, wanted)
            given = await self.room.inbox.give(connection, put, people, at)
            targets = await self.room.targets.of(connection, put.tenant, people)
            ways = _ways(given, targets, put.notice)
            await self.room.deliveries.add(connection, put.tenant, ways, put.notice.severity, at)
        for user, told in given:
            self.screens.whisper(put.tenant, user, {"type": "notification", **asdict(told)})


def whom(notice: Notice, members: Sequence[Member], wanted: Mapping[str, Preferences]) -> list[str]:
    """Return who is told: those of the role and of greater ones who want that, else the next greater ones there are.

    A person who has left, or nobody in particular, is stood in for by the owners.
    """
    if notice.user is not None and any(member.id == notice.user for member in members):
        return [notice.user]
    wants = [least for least in map(_LEAST.get, notice.roles) if least is not None] or [Role.owner]
    told = {person for least in wants for person in _of_role(least, members, wanted)}
    return [member.id for member in members if member.id in told]


def _of_role(least: Role, members: Sequence[Member], wanted: Mapping[str, Preferences]) -> list[str]:
    """Return who is told what is for a role."""
    roles = list(Role)
    for role in roles[roles.index(least) :]:
        people = [member.id for member in members if _hears(member, role, wanted)]
        if people:
            return people
    return [member.id for member in members if member.role is Role.owner]


def _hears(member: Member, role: Role, wanted: Mapping[str, Preferences]) -> bool:
    """Tell whether somebody is told what is for a role."""
    return member.role is role or (member.role.covers(role) and wanted.get(member.id, Preferences()).lesser)


def _ways(
    given: Sequence[tuple[str, Notification]], targets: Sequence[tuple[str, Target]], notice: Notice
) -> list[tuple[str, str]]:
    """Return (notification, target) of all that goes out."""
    told = {user: notification.id for user, notification in given}
    return [(told[user], target.id) for user, target in targets if notice.severity in target.severities]
