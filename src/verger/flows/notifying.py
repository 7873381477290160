"""Notifying: a notice in the outbox reaches each person it is for, on their screen and on its way to their targets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from msgspec import Struct
from msgspec.structs import asdict

from verger.base.bell import whenever
from verger.base.clock import Clock, moment
from verger.base.plural import counted
from verger.base.rests import Rests
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import (
    MANAGERS,
    MEMBERS,
    OWNERS,
    Notice,
    Notification,
    Put,
)
from verger.domain.notifications.preferences import Preferences
from verger.domain.notifications.targets import Target
from verger.domain.tenancy.members import Members
from verger.domain.tenancy.model import Member, Role
from verger.flows.oversight import Figure

_LEAST = {MEMBERS: Role.member, MANAGERS: Role.manager, OWNERS: Role.owner}

log = structlog.get_logger()


class Whispers(Protocol):
    """The open screens of people, each told what is theirs."""

    def whisper(self, tenant: str, user: str, word: dict[str, Any]) -> None:
        """Tell every screen of one person something that is kept already."""
        ...


class Crowd(Struct, frozen=True):
    """The people of a tenant, and what those of them want who have said so."""

    members: Sequence[Member]
    wanted: Mapping[str, Preferences]


@dataclass
class Notifying:
    """Spreads notices; each is spread once, in one transaction."""

    room: Mailroom
    members: Members
    screens: Whispers
    clock: Clock
    rests: Rests[str] = field(init=False)

    def __post_init__(self) -> None:
        """Have nothing to rest from."""
        self.rests = Rests(self.clock)

    async def run(self) -> None:
        """Spread what is put until cancelled."""
        await whenever(self.room.outbox.fresh, self._look, self.clock)

    async def _look(self) -> int | None:
        """Spread all that can be; return when something is to be tried again."""
        while await self.spread():
            pass
        return self.rests.wakes_at()

    async def spread(self) -> int:
        """Let everybody have what waits in the outbox; return how many notices that were.

        One that cannot be spread is tried again, ever later, and holds up no other.
        """
        crowds: dict[str, Crowd] = {}
        done = 0
        for put in await self.room.outbox.waiting(self.rests.asleep(), spoilt=self._failed):
            try:
                await self._spread(put, crowds)
            except Exception as error:
                log.exception("a notice could not be spread", notice=put.id)
                self._failed(put.id, f"{type(error).__name__}: {error}")
            else:
                self.rests.went(put.id)
                done += 1
        return done

    def _failed(self, notice: str, why: str) -> None:
        log.warning("a notice rests", notice=notice, why=why)
        self.rests.failed(notice, why)

    async def _spread(self, put: Put, crowds: dict[str, Crowd]) -> None:
        crowd, at = crowds.get(put.tenant), moment(self.clock.now())
        if crowd is None:
            wanted = await self.room.preferences.everyone(put.tenant)
            crowd = crowds[put.tenant] = Crowd(await self.members.everyone(put.tenant), wanted)
        people = whom(put.notice, crowd.members, crowd.wanted)
        async with self.room.db.writing() as connection:
            if not await self.room.outbox.spread(connection, put.id):
                return
            given = await self.room.inbox.give(connection, put, people, at)
            targets = await self.room.targets.of(connection, put.tenant, people)
            ways = _ways(given, targets, put.notice)
            await self.room.deliveries.add(connection, put.tenant, ways, put.notice.severity, at)
        for user, told in given:
            self.screens.whisper(put.tenant, user, {"type": "notification", **asdict(told)})

    async def check(self) -> str:
        """Tell whether notices reach people's lists."""
        stuck = self.rests.stubborn()
        if not stuck:
            return "ok"
        notices = counted(len(stuck), "notification")
        return f"{notices} cannot be given to people ({stuck[0].why}); the server's log names each. It is tried again."

    def figures(self) -> Iterator[Figure]:
        """Return the figures of what is spread."""
        yield Figure("notifications_stuck", "Notices that could not be given to people", len(self.rests.stubborn()))
        failed = float(self.rests.failures)
        yield Figure("notifications_stuck_attempts", "Attempts to give people a notice that failed", failed, grows=True)


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
