"""Tasking: what people do with tasks."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock, moment
from verger.base.db import Database
from verger.base.errors import Fault, Invalid, Missing
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.base.patch import meant_for
from verger.domain.alerts.model import Comment
from verger.domain.alerts.store import AlertStore
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.notifications.outbox import Outbox
from verger.domain.tasks.model import Priority, Task, TaskState
from verger.domain.tasks.store import TaskStore, WantedTasks
from verger.domain.tenancy.members import Members
from verger.flows.showing import Showing


@dataclass(frozen=True)
class Tasking:
    """Keeps what people want done; `by` names a caller, such as `user:<id>`."""

    db: Database
    store: TaskStore
    showing: Showing
    members: Members
    outbox: Outbox
    alerts: AlertStore
    clock: Clock

    async def page(self, tenant: str, asked: Asked, place: str | None, wanted: WantedTasks) -> Page[Task]:
        """Return a page of tasks, all or those at a place and below it; raise Missing."""
        if place is not None:
            wanted = structs.replace(wanted, places=await self.showing.places.below(tenant, place))
        return await self.store.page(tenant, asked, wanted)

    async def add(self, tenant: str, by: str, wanted: dict[str, Any]) -> Task:
        """Keep a new task, and tell whom it is given to; raise Invalid."""
        task = Task(id=new_id(), made_by=by, created_at=moment(self.clock.now()), **wanted)
        task = await self._checked(tenant, task)
        async with self.db.writing() as connection:
            await self.store.add(connection, tenant, task)
            await self._tell(connection, tenant, by, task)
            if task.alert is not None:
                said = f"Made a task of it: {task.title}"
                comment = Comment(id=new_id(), alert=task.alert, at=task.created_at, by=by, kind="comment", text=said)
                await self.alerts.comment(connection, tenant, comment)
        return task

    async def change(self, tenant: str, task: str, by: str, changes: dict[str, Any], expected: int | None) -> Task:
        """Change some of a task, and tell whom it is given to now; raise Missing, Stale or Invalid."""
        before = await self.store.get(tenant, task)
        meant_for(before.version, expected)
        after = self._marked(before, structs.replace(before, **changes), by)
        after = await self._checked(tenant, after, before)
        async with self.db.writing() as connection:
            kept = await self.store.change(connection, tenant, after)
            if after.assignee != before.assignee:
                await self._tell(connection, tenant, by, kept)
        return kept

    async def remove(self, tenant: str, task: str, expected: int | None) -> None:
        """Take a task away; raise Missing or Stale."""
        async with self.db.writing() as connection:
            before = await self.store.find(connection, tenant, task)
            meant_for(before.version, expected)
            await self.store.remove(connection, tenant, before)

    def _marked(self, before: Task, after: Task, by: str) -> Task:
        """Return a task with who did it and when, or with nobody when it is open again."""
        if after.state is before.state:
            return after
        if after.state is TaskState.open:
            return structs.replace(after, done_at=None, done_by=None)
        return structs.replace(after, done_at=moment(self.clock.now()), done_by=by)

    async def _checked(self, tenant: str, task: Task, before: Task | None = None) -> Task:
        """Return a task, of a device at its place when none is named; raise Invalid for what is not there."""
        if task.alert is not None and before is None:
            task = await self._of_alert(tenant, task, task.alert)
        try:
            if task.device is not None and (before is None or task.device != before.device):
                device = await self.showing.kept.devices.get(tenant, task.device)
                task = structs.replace(task, place=device.place if task.place is None else task.place)
        except Missing:
            raise Invalid("There is no such device.", [Fault("device", "Name a device that is there.")]) from None
        try:
            if task.place is not None and (before is None or task.place != before.place):
                await self.showing.places.get(tenant, task.place)
        except Missing:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")]) from None
        if task.assignee is not None and (before is None or task.assignee != before.assignee):
            await self.members.takes(tenant, task.assignee)
        return task

    async def _of_alert(self, tenant: str, task: Task, alert: str) -> Task:
        """Return a task that came of an alert: at its place, of its device, unless others are named."""
        try:
            found = await self.alerts.get(tenant, alert)
        except Missing:
            raise Invalid("There is no such alert.", [Fault("alert", "Name an alert that is there.")]) from None
        place, device = found.place if task.place is None else task.place, task.device
        if device is None and found.device is not None:
            with suppress(Missing):  # it may have retired since
                device = (await self.showing.kept.devices.get(tenant, found.device)).id
        return structs.replace(task, place=place, device=device)

    async def _tell(self, connection: AsyncConnection, tenant: str, by: str, task: Task) -> None:
        if task.assignee is None or by == f"user:{task.assignee}":
            return
        await self.outbox.put(connection, tenant, for_you(task, task.assignee))


def for_you(task: Task, assignee: str) -> Notice:
    """Return what is told to whom a task is given."""
    return Notice(
        severity=Urgency.warning if task.priority is Priority.urgent else Urgency.info,
        kind="task_assigned",
        title=f"For you to do: {task.title}",
        body=task.notes,
        to=one(assignee),
        subject=f"task:{task.id}",
        place=task.place,
        device=task.device,
    )
