"""Returning: the first start after a restore, on which nothing that was done before is done over again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from msgspec import structs

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.jobs import waiting
from verger.base.plural import counted
from verger.domain.backups import mark
from verger.domain.commands.model import expired
from verger.domain.commands.store import CommandStore
from verger.domain.errands.model import ErrandState
from verger.domain.errands.store import ErrandStore
from verger.domain.messages.store import MessageStore
from verger.domain.rules.kept import RulesKept
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore
from verger.domain.tenancy.sessions import Sessions
from verger.flows.ports import Returns

_MOST_NAMED = 20

log = structlog.get_logger()


@dataclass(frozen=True)
class Returning:
    """Lets every part that acts, or that waits to act, see to it; to be done before any follower starts."""

    data: Path
    log: Log
    clock: Clock
    parts: Sequence[Returns]

    async def honour(self) -> None:
        """Do nothing, unless the folder was restored and not started since. Cut short, the next start does it again."""
        found = mark.read(self.data)
        if found is None or found.honoured_at is not None:
            return
        said = tuple([sentence for part in self.parts for sentence in await part.returned(found, self.log.last)])
        for sentence in said:
            log.warning("after the restore", told=sentence)
        mark.write(self.data, structs.replace(found, honoured_at=moment(self.clock.now()), said=said))


@dataclass(frozen=True)
class Acting:
    """Followers that act, by name: after a restore they begin at the end of the log."""

    store: FollowerStore
    names: Sequence[str]

    async def returned(self, _mark: mark.Mark, last: int) -> list[str]:
        """Pass over what the log holds."""
        if not self.names:
            return []
        await self.store.save(dict.fromkeys(self.names, last))
        return [f"What was heard before the restore is not acted on again by: {', '.join(self.names)}."]


@dataclass(frozen=True)
class SignedOut:
    """Everybody signs in anew: a session that was ended since the backup would live again."""

    sessions: Sessions

    async def returned(self, _mark: mark.Mark, _last: int) -> list[str]:
        """End every session."""
        ended = await self.sessions.end_all()
        told = "API keys, device tokens and passwords are those of the backup: end again what was ended since."
        return [f"{counted(ended, 'session')} ended, so everybody signs in again. {told}"]


@dataclass(frozen=True)
class CutShort:
    """Long work that ran when the backup was taken is not taken up again."""

    errands: ErrandStore
    clock: Clock

    async def returned(self, _mark: mark.Mark, _last: int) -> list[str]:
        """Say of each that it failed."""
        said = []
        for cut in await self.errands.cut():
            why = "It ran when the backup was taken that was restored since; ask for it again."
            ended = structs.replace(cut.errand, state=ErrandState.failed, error=why, ended_at=moment(self.clock.now()))
            await self.errands.end(cut.tenant, ended)
            said.append(f"The job {cut.errand.kind} ({cut.errand.id}) ran when the backup was taken: ask for it again.")
        return said


@dataclass(frozen=True)
class Unasked:
    """Commands that were under way when the backup was taken may have been done since, and are not sent again."""

    commands: CommandStore
    db: Database
    clock: Clock

    async def returned(self, _mark: mark.Mark, _last: int) -> list[str]:
        """Give up every command that has not ended."""
        why = "It was under way when the backup was taken that was restored since; ask for it again."
        pairs = await self.commands.unanswered()
        async with self.db.writing() as connection:
            for tenant, command in pairs:
                await self.commands.change(connection, tenant, expired(command, self.clock.now(), why))
        many = counted(len(pairs), "command")
        return [f"Under way were {many}, which expired now: ask again for what is still wanted."] if pairs else []


@dataclass(frozen=True)
class Unsent:
    """What waited in inboxes when the backup was taken may have been sent since, and is not sent again."""

    messages: MessageStore

    async def returned(self, _mark: mark.Mark, _last: int) -> list[str]:
        """Empty every inbox."""
        emptied = await self.messages.empty()
        return [f"Not sent: {counted(emptied, 'message')} that waited for programs and devices and may have been sent."]


@dataclass(frozen=True)
class Judging:
    """What rules remember goes on from the backup, and so do their timers; what waited to be judged is not."""

    rules: RulesKept

    async def returned(self, _mark: mark.Mark, _last: int) -> list[str]:
        """Name each timer of a rule, and let go what waited."""
        await self.rules.facts.empty()
        names = await self.rules.rules.names()
        running = await self.rules.memories.running()
        told = [
            f"A timer runs: rule {names.get(rule, rule)}{f' ({device})' if device else ''}, "
            f"due {moment(at):%Y-%m-%d %H:%M} UTC."
            for rule, device, at in running[:_MOST_NAMED]
        ]
        left = len(running) - len(told)
        return told + [f"Besides, {counted(left, 'timer')} of rules run{'s' if left == 1 else ''}."] * bool(left)


@dataclass(frozen=True)
class Timers:
    """What is due later stays due; it is named, so that a person can look at it."""

    db: Database

    async def returned(self, _mark: mark.Mark, _last: int) -> list[str]:
        """Name each timer that runs."""
        async with self.db.reading() as connection:
            jobs = await waiting(connection)
        return [
            f"A timer runs: {each.kind} ({each.key}), due {moment(each.run_at):%Y-%m-%d %H:%M} UTC." for each in jobs
        ]
