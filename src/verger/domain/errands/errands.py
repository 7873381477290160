"""The errands of all: begun, watched, called off, and accounted for after a restart."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog
from msgspec import Struct, structs

from verger.base.clock import Clock, moment
from verger.base.errors import Busy, Refused, TooMany
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.base.plural import counted
from verger.domain.errands.model import Errand, ErrandState
from verger.domain.errands.store import Cut, ErrandStore

_STOPPED = "Verger was stopped while this ran; ask for it again."
_UNEXPECTED = "Something went wrong here; it was logged. Ask for it again later."
_LEAVE_S = 2.0

log = structlog.get_logger()


class CalledOff(Exception):
    """Raised within a work that is to end early; it puts away what it had begun and lets this pass."""


class Doing:
    """One errand in the hands of its work, which may be in any thread."""

    def __init__(self, tenant: str, errand: Errand, given: Any) -> None:
        """Do what was given."""
        self.tenant, self.errand, self.given = tenant, errand, given
        self.called_off = False
        self.task: asyncio.Task[None] | None = None

    def reached(self, done: int, total: int | None = None) -> None:
        """Tell how far it is, and of how much if that is known; raise CalledOff when it shall go no further."""
        if self.called_off:
            raise CalledOff
        self.errand = structs.replace(self.errand, done=done, total=self.errand.total if total is None else total)


class Kind(Struct, frozen=True):
    """How one kind of errand is done: the work returns its result, in JSON's types, and raises Refused to fail.

    A work that `resumes` is given the same again after a restart; any other is then failed.
    """

    work: Callable[[Doing], Awaitable[Any]]
    resumes: bool = False


class Errands:
    """Runs errands beside all else, so many at once a tenant. A work that tells nothing cannot be called off.

    `ended` counts them by how they ended.
    """

    def __init__(self, store: ErrandStore, clock: Clock, at_once: int) -> None:
        """Do nothing yet; `start` tells how."""
        self._store, self._clock, self._at_once = store, clock, at_once
        self._kinds: Mapping[str, Kind] = {}
        self._doing: dict[str, Doing] = {}
        self._stopping = False
        self.ended: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """Return how many are under way."""
        return len(self._doing)

    async def start(self, kinds: Mapping[str, Kind]) -> None:
        """Do each kind in its way; go on with what a restart cut short, or say that it failed."""
        self._kinds = kinds
        for cut in await self._store.cut():
            kind = self._kinds.get(cut.errand.kind)
            if kind is not None and kind.resumes:
                self._go(cut)
            else:
                await self._store.end(cut.tenant, self._ended(cut.errand, ErrandState.failed, error=_STOPPED))

    async def begin(self, tenant: str, asked_by: str, kind: str, given: Any = None) -> Errand:
        """Begin an errand; its row is on disk on return. Raise TooMany while the tenant has as many as it may."""
        if sum(1 for doing in self._doing.values() if doing.tenant == tenant) >= self._at_once:
            sentence = (
                f"This organisation may run {counted(self._at_once, 'job')} at once, and does: wait for one to end, "
                "or cancel one."
            )
            raise TooMany(sentence, retry_s=10)
        if self._stopping:
            raise Busy("Verger is stopping; try again when it runs.", retry_s=5)
        errand = Errand(id=new_id(), kind=kind, asked_by=asked_by, created_at=moment(self._clock.now()))
        await self._store.add(tenant, errand, given)
        self._go(Cut(tenant, errand, given))
        return errand

    async def get(self, tenant: str, errand: str, asked_by: str | None = None) -> Errand:
        """Return one errand as it stands, of that asker when one is named; raise Missing."""
        return self._now(await self._store.get(tenant, errand, asked_by))

    async def page(self, tenant: str, asked: Asked, asked_by: str | None = None) -> Page[Errand]:
        """Return a page of errands, of that asker when one is named, the newest first."""
        kept = await self._store.page(tenant, asked, asked_by)
        return Page([self._now(errand) for errand in kept.items], kept.next)

    async def cancel(self, tenant: str, errand: str, asked_by: str | None = None) -> Errand:
        """Call an errand off and return how it ended: that may be otherwise, if it was as good as done."""
        await self._store.get(tenant, errand, asked_by)
        if doing := self._doing.get(errand):
            doing.called_off = True
        return await self.outcome(tenant, errand)

    async def outcome(self, tenant: str, errand: str) -> Errand:
        """Return how an errand ended, once it has; raise Missing."""
        if (doing := self._doing.get(errand)) and doing.task:
            await asyncio.wait([doing.task])
        return await self.get(tenant, errand)

    async def purge(self, days: int) -> None:
        """Forget what ended so many days ago."""
        await self._store.purge(moment(self._clock.now()) - timedelta(days=days))

    async def stop(self) -> None:
        """End what is under way; what resumes goes on after the next start."""
        self._stopping = True
        tasks = [doing.task for doing in self._doing.values() if doing.task]
        for doing in self._doing.values():
            doing.called_off = True
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_LEAVE_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _now(self, kept: Errand) -> Errand:
        doing = self._doing.get(kept.id)
        return kept if doing is None else doing.errand

    def _go(self, cut: Cut) -> None:
        doing = self._doing[cut.errand.id] = Doing(cut.tenant, cut.errand, cut.given)
        doing.task = asyncio.create_task(self._do(doing), name=f"errand {cut.errand.kind}")

    async def _do(self, doing: Doing) -> None:
        kind = self._kinds[doing.errand.kind]
        try:
            result = await kind.work(doing)
        except (CalledOff, asyncio.CancelledError):
            if self._stopping:
                if not kind.resumes:
                    await self._end(doing, ErrandState.failed, error=_STOPPED)
                return
            await self._end(doing, ErrandState.cancelled)
        except Refused as refused:
            await self._end(doing, ErrandState.failed, error=str(refused))
        except Exception:
            log.exception("a job failed", kind=doing.errand.kind, id=doing.errand.id)
            await self._end(doing, ErrandState.failed, error=_UNEXPECTED)
        else:
            await self._end(doing, ErrandState.done, result=result)

    async def _end(self, doing: Doing, state: ErrandState, *, result: Any = None, error: str | None = None) -> None:
        ended = self._ended(doing.errand, state, result=result, error=error)
        self.ended[state] += 1
        try:
            await self._store.end(doing.tenant, ended)
        except Exception:
            # Told from memory until the next start, which finds it cut short.
            log.exception("how a job ended could not be kept", id=ended.id)
            doing.errand = ended
        else:
            del self._doing[ended.id]

    def _ended(self, errand: Errand, state: ErrandState, *, result: Any = None, error: str | None = None) -> Errand:
        return structs.replace(errand, state=state, result=result, error=error, ended_at=moment(self._clock.now()))
