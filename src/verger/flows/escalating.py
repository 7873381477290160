"""Escalating: who is told of an alert until somebody takes note of it, and when one ends by itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from msgspec import Struct, convert, structs, to_builtins
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import MINUTE, SECOND, Clock, moment
from verger.base.db import Database
from verger.base.errors import Missing
from verger.base.ids import new_id
from verger.base.jobs import Work, ask, find, forgo, waiting
from verger.domain.alerts.model import Alert, AlertState, Comment, Kind
from verger.domain.alerts.policy import PolicyStore, due
from verger.domain.alerts.store import AlertStore
from verger.domain.notifications.model import Notice, Urgency, all_of
from verger.domain.notifications.outbox import Outbox

_TELL, _END = "alert.tell", "alert.end"


class Going(Struct, frozen=True):
    """How far an alert's chain has come: since when it runs, and when people were last told, in microseconds."""

    tenant: str
    alert: str
    since: int
    told_at: int | None = None


@dataclass(frozen=True)
class Escalating:
    """Listens to alerts, and keeps what is due as jobs.

    `caught_up` returns once all that was said is judged; `where` tells the names of an alert's device and place.
    """

    db: Database
    store: AlertStore
    policies: PolicyStore
    outbox: Outbox
    clock: Clock
    caught_up: Callable[[], Awaitable[None]]
    where: Callable[[str, Alert], Awaitable[str]]

    @property
    def works(self) -> dict[str, Work]:
        """Return what does each kind of its jobs."""
        return {_TELL: self.go_on, _END: self.end}

    async def heard(self, connection: AsyncConnection, tenant: str, alert: Alert, fresh: bool) -> None:  # noqa: FBT001
        """Begin to tell of an alert that is fresh, and stop once somebody took note of it or it is over."""
        if not alert.state.open:
            await forgo(connection, _END, alert.id)
        elif alert.momentary:
            policy = await self.policies.find(connection, tenant)
            wait = policy.clear_after_s * SECOND
            await ask(connection, _END, alert.id, self.clock.now() + wait, [tenant, alert.id])
        if alert.state is not AlertState.active or alert.within is not None:
            await forgo(connection, _TELL, alert.id)
        elif fresh:
            await self._tell(connection, alert, Going(tenant, alert.id, self.clock.now()))

    async def go_on(self, payload: Any) -> None:
        """Tell whoever is to be told of an alert by now."""
        await self.caught_up()
        going = convert(payload, Going)
        async with self.db.writing() as connection:
            asked = await find(connection, _TELL, going.alert)
            if asked is None or asked.payload != payload:
                return  # it began anew meanwhile
            alert = await self._there(connection, going.tenant, going.alert)
            if alert is not None and alert.state is AlertState.active:
                await self._tell(connection, alert, going)

    async def end(self, payload: Any) -> None:
        """End an alert that was not seen again for long enough."""
        await self.caught_up()
        tenant, name = payload
        async with self.db.writing() as connection:
            asked = await find(connection, _END, name)
            if asked is None or asked.run_at > self.clock.now():
                return  # it was seen again meanwhile
            alert = await self._there(connection, tenant, name)
            if alert is not None and alert.state.open:
                await self._note(connection, tenant, alert, "cleared", "It was not seen again for long enough.")
                await self.store.end(connection, tenant, [alert], self.clock.now())

    async def stepped(self, connection: AsyncConnection, back: int) -> None:
        """Know that what is told of alerts began so much earlier, by a clock that was put back."""
        for each in await waiting(connection):
            if each.kind == _TELL:
                going = convert(each.payload, Going)
                told_at = None if going.told_at is None else going.told_at - back
                after = structs.replace(going, since=going.since - back, told_at=told_at)
                await ask(connection, _TELL, each.key, each.run_at, to_builtins(after))

    async def _there(self, connection: AsyncConnection, tenant: str, alert: str) -> Alert | None:
        try:
            return await self.store.find(connection, tenant, alert)
        except Missing:
            return None

    async def _tell(self, connection: AsyncConnection, alert: Alert, going: Going) -> None:
        now = self.clock.now()
        policy = await self.policies.find(connection, going.tenant)
        now_due = due(policy.of(alert.severity), going.since, going.told_at, now)
        told_at = going.told_at
        if now_due.tell:
            to = all_of(now_due.tell)
            await self.outbox.put(
                connection, going.tenant, _notice(alert, to, going, now, await self.where(going.tenant, alert))
            )
            await self._note(connection, going.tenant, alert, "told", f"Told to {to.replace(',', ', ')}.")
            told_at = now
        if now_due.next_at is None:
            await forgo(connection, _TELL, alert.id)
        else:
            after = Going(going.tenant, alert.id, going.since, told_at)
            await ask(connection, _TELL, alert.id, now_due.next_at, to_builtins(after))

    async def _note(self, connection: AsyncConnection, tenant: str, alert: Alert, kind: Kind, text: str) -> None:
        at = moment(self.clock.now())
        said = Comment(id=new_id(), alert=alert.id, at=at, by=None, kind=kind, text=text)
        await self.store.comment(connection, tenant, said)


def _notice(alert: Alert, to: str, going: Going, now: int, where: str) -> Notice:
    waited = (now - going.since) // MINUTE
    still = f"It is open for {_told(waited)}, and nobody has taken note of it yet." if going.told_at else ""
    return Notice(
        severity=Urgency(alert.severity.value),
        kind="alert",
        title=alert.message,
        body="\n".join(filter(None, (where, still))),
        to=to,
        subject=f"alert:{alert.id}",
        place=alert.place,
        device=alert.device,
    )


def _told(minutes: int) -> str:
    for size, word in ((1440, "days"), (60, "hours")):
        if minutes >= 2 * size:
            return f"{minutes // size} {word}"
    return f"{minutes} minutes" if minutes != 1 else "a minute"
