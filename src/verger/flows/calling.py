"""Calling: what rules have to say to other programs leaves the house, again until it is taken, for a day at most."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

import structlog

from verger.base.bell import whenever
from verger.base.clock import HOUR, SECOND, Clock, moment
from verger.base.db import Database
from verger.base.errors import Refused
from verger.base.plural import counted
from verger.base.secrets import ServerSecret
from verger.base.turns import Turns
from verger.domain.backups.mark import Mark
from verger.domain.notifications.model import MANAGERS, Notice, Urgency
from verger.domain.notifications.outbox import Outbox
from verger.domain.rules.runs import RunStore
from verger.domain.webhooks.calls import CallStore
from verger.domain.webhooks.model import Call
from verger.domain.webhooks.signing import SigningStore
from verger.flows.oversight import Figure

FAILURES = 5  # in a row, and whoever is called rests

_AT_ONCE, _OF_ONE = 32, 4  # addresses, of all tenants and of one
_FIRST_WAIT = 10 * SECOND
_DONE, _FAILED, _EXPIRED, _QUEUED = "done", "failed", "expired", "queued"

log = structlog.get_logger()


class Posts(Protocol):
    """Whoever posts to other people's addresses."""

    async def post(self, url: str, secrets: Sequence[str], fresh: str, body: bytes) -> None:
        """Post JSON, signed by each of some secrets; raise Refused with a sentence unless it was taken."""
        ...


@dataclass(frozen=True)
class Callbook:
    """All that is kept of calls, and of what asked for them."""

    db: Database
    calls: CallStore
    signing: SigningStore
    runs: RunStore
    outbox: Outbox

    @classmethod
    def over(cls, db: Database, clock: Clock, secret: ServerSecret, most: int) -> Self:
        """Return it over one database; at most so many calls of a tenant wait."""
        calls, signing = CallStore(db, clock, secret, most), SigningStore(db, clock, secret)
        return cls(db, calls, signing, RunStore(db), Outbox(db, clock))

    async def ended(self, calls: Sequence[Call], state: str, why: str) -> None:
        """Let some calls go that were not taken, and keep in their runs why."""
        async with self.db.writing() as connection:
            for call in calls:
                await self.calls.end(connection, call)
                await self.runs.ended(connection, call.tenant, call.run, call.id, state, why)


@dataclass(frozen=True)
class Uncalled:
    """What waited to be called when a backup was taken may have been called since, and is not called again."""

    book: Callbook

    async def returned(self, _mark: Mark, _last: int) -> list[str]:
        """Let every call go."""
        why = "It waited when the backup was taken that was restored since, and may have been made."
        gone = 0
        while some := await self.book.calls.old():
            await self.book.ended(some, _EXPIRED, why)
            gone += len(some)
        told = "The secrets that sign webhooks are those of the backup: renew again what was renewed since."
        were = counted(gone, "call of rules to other programs is", "calls of rules to other programs are")
        return [f"{were} not made, for they may have been made. {told}"]


@dataclass
class Tally:
    """What was done since the start, and what waited at the last look."""

    done: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    failing: int = 0


@dataclass
class Calling:
    """Makes the calls that are due; each keeps its id however often it is tried, within so many hours."""

    book: Callbook
    courier: Posts
    clock: Clock
    hours: int
    tally: Tally = field(default_factory=Tally)
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        """Call nobody yet."""
        self.turns = Turns(self.clock, self.book.calls.fresh, at_once=_AT_ONCE, of_one=_OF_ONE)

    async def run(self) -> None:
        """Make calls as they fall due until cancelled; one that is under way then is made again later."""
        try:
            await whenever(self.book.calls.fresh, self.begin, self.clock)
        finally:
            await self.turns.stop()

    async def begin(self) -> int | None:
        """Begin to call whoever something is due for, and give up what is too old; return when more falls due."""
        now, calls, tally, turns = self.clock.now(), self.book.calls, self.tally, self.turns
        tally.waiting, tally.failing = await calls.count()
        given_up = moment(now - self.hours * HOUR)
        if tally.failing:
            await calls.forgive(given_up)
        while tally.waiting and (some := await calls.old(given_up)):
            await self._give_up(some)
        begun = tally.waiting
        while begun and turns.room:
            begun = turns.begin(await calls.targets_due(moment(now), turns.away, turns.full), self._serve)
        if not tally.waiting:
            return None
        later = (turns.rests.wakes_at(), await calls.next_due(moment(now)))
        return min((at for at in later if at is not None), default=None)

    async def settled(self) -> None:
        """Return once nothing is due any more."""
        await self.begin()
        while await self.turns.settled():
            await self.begin()

    async def _serve(self, tenant: str, target: str) -> None:
        """Make the calls of a target that are due, one after another, until it rests."""
        for call in await self.book.calls.due(tenant, target, moment(self.clock.now())):
            if not await self._call(call):
                break

    async def _call(self, call: Call) -> bool:
        """Make one call; return whether the next one may be made."""
        again = self.clock.now() + min(_FIRST_WAIT << min(call.attempts, 12), HOUR)
        # What is counted before it is made is not made without end where its outcome cannot be kept.
        async with self.book.db.writing() as connection:
            if not await self.book.calls.claim(connection, call, moment(again)):
                return True
            secrets = await self.book.signing.secrets(connection, call.tenant)
        try:
            url, body = self.book.calls.opened(call)
            await self.courier.post(url, secrets, call.id, body)
        except Refused as refused:
            return await self._failed(call, str(refused))
        except Exception:
            log.exception("a call could not be made", target=call.target)
            return await self._failed(call, "Verger could not make it; why was logged.")
        async with self.book.db.writing() as connection:
            await self.book.calls.end(connection, call)
            await self.book.calls.mended(connection, call)
            await self.book.runs.ended(connection, call.tenant, call.run, call.id, _DONE, None)
        self.tally.done["taken"] += 1
        return True

    async def _failed(self, call: Call, why: str) -> bool:
        """Keep why; at the fifth failure in a row let whoever is called rest, and tell managers of it."""
        self.tally.done["failed"] += 1
        log.warning("a call was not taken", target=call.target, attempts=call.attempts + 1, why=why)
        async with self.book.db.writing() as connection:
            failures = await self.book.calls.failed(connection, call, why)
            told = f"{why} It is tried again, after {_times(call.attempts + 1)}."
            await self.book.runs.ended(connection, call.tenant, call.run, call.id, _QUEUED, told)
            if failures < FAILURES:
                return True
            rest = min(_FIRST_WAIT << min(failures - 1, 12), HOUR)
            await self.book.calls.rest(connection, call, moment(self.clock.now() + rest))
            if failures == FAILURES:
                await self.book.outbox.put(connection, call.tenant, self._resting(call, why))
        return False

    def _resting(self, call: Call, why: str) -> Notice:
        body = (
            f"Calls of rules failed {FAILURES} times in a row, at last because: {why} They wait and are tried again, "
        )
        return Notice(
            severity=Urgency.warning,
            kind="webhook_failing",
            title=f"{call.target} takes no calls"[:200],
            body=f"{body}each for {counted(self.hours, 'hour')} at most.",
            to=MANAGERS,
        )

    async def _give_up(self, calls: Sequence[Call]) -> None:
        for call in calls:
            trouble = await self.book.calls.trouble(call.tenant, call.target)
            why = call.error or (trouble.error if trouble is not None else "Verger was not running.")
            told = f"It was given up within {counted(self.hours, 'hour')}, after {_times(call.attempts)}. {why}"
            await self.book.ended([call], _FAILED, told)
            self.tally.done["given_up"] += 1

    async def check(self) -> str:
        """Tell whether Verger itself is able to make calls."""
        stuck = self.turns.rests.stubborn()
        if not stuck:
            return "ok"
        many = counted(len(stuck), "address", "addresses")
        return f"Verger cannot make the calls of rules to {many} ({stuck[0].why}); the server's log tells more."

    def figures(self) -> Iterator[Figure]:
        """Return the figures of calls."""
        yield Figure("webhooks_waiting", "Calls of rules that wait", self.tally.waiting)
        yield Figure("webhooks_failing_targets", "Addresses whose last call failed", self.tally.failing)
        for how in ("taken", "failed", "given_up"):
            count, labels = float(self.tally.done[how]), {"outcome": how}
            yield Figure("webhooks_attempts", "Calls of rules by what came of them", count, grows=True, labels=labels)
        faults = float(self.turns.rests.failures)
        yield Figure("webhooks_faults", "Faults of Verger itself in making calls", faults, grows=True)
        refused = float(self.book.calls.refused)
        yield Figure("webhooks_refused", "Calls of rules that did not fit beside those that wait", refused, grows=True)


def _times(attempts: int) -> str:
    return "one attempt" if attempts == 1 else f"{attempts or 'no'} attempts"
