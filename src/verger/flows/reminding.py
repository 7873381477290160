"""Reminding: whoever a task is for is told when it is due, and once more when it is late."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import DAY, HOUR, Clock, microseconds
from verger.base.db import Database
from verger.base.errors import Missing
from verger.base.jobs import Work, ask, find, forgo
from verger.domain.notifications.model import MEMBERS, TITLE_LONGEST, Notice, Urgency, one, shortened
from verger.domain.notifications.outbox import Outbox
from verger.domain.tasks.model import Priority, Task, TaskState
from verger.domain.tasks.store import TaskStore

KIND = "task.remind"
_LATE = {Priority.urgent: HOUR}  # after it was due; a day for any other
_TITLES = ("Due now: ", "Late: ")


@dataclass(frozen=True)
class Reminding:
    """Listens to tasks, and keeps what is due as a job; each time of each task is told once.

    A job says [tenant, task, when it is due, how often that was told].
    """

    db: Database
    store: TaskStore
    outbox: Outbox
    clock: Clock

    @property
    def works(self) -> dict[str, Work]:
        """Return what does its kind of jobs."""
        return {KIND: self.go_on}

    async def begin(self) -> None:
        """Ask for what was not asked for yet, as of tasks of an earlier version."""
        for tenant, task in await self.store.to_come(self.clock.now()):
            async with self.db.writing() as connection:
                if await find(connection, KIND, task.id) is None:
                    await self._ask(connection, tenant, task, 0)

    async def heard(self, connection: AsyncConnection, tenant: str, task: Task, gone: bool) -> None:  # noqa: FBT001
        """Ask for what is still to be told of a task, and for nothing once it is done, gone, or has time."""
        if gone or task.due is None or task.state is TaskState.done:
            await forgo(connection, KIND, task.id)
            return
        due, now = microseconds(task.due), self.clock.now()
        asked = await find(connection, KIND, task.id)
        if asked is not None and asked.payload[2] == due and asked.run_at <= now:
            return  # it is being told
        await self._ask(connection, tenant, task, 0 if due > now else 1)

    async def _ask(self, connection: AsyncConnection, tenant: str, task: Task, told: int) -> None:
        """Ask for what is told next, if that is still to come."""
        due = microseconds(task.due) if task.due is not None else 0
        at = due if told == 0 else due + _patience(task)
        if told < len(_TITLES) and at >= self.clock.now():
            await ask(connection, KIND, task.id, at, [tenant, task.id, due, told])
        else:
            await forgo(connection, KIND, task.id)

    async def go_on(self, payload: Any) -> None:
        """Tell that a task is due, or late."""
        tenant, name, due, told = payload
        async with self.db.writing() as connection:
            asked = await find(connection, KIND, name)
            if asked is None or asked.payload != payload:
                return  # it was moved meanwhile
            try:
                task = await self.store.find(connection, tenant, name)
            except Missing:
                await forgo(connection, KIND, name)
                return
            if task.state is TaskState.open and task.due is not None and microseconds(task.due) == due:
                told = 1 if self.clock.now() >= due + _patience(task) else told  # nothing ran when it was due
                await self.outbox.put(connection, tenant, _notice(task, told))
                await self._ask(connection, tenant, task, told + 1)


def _patience(task: Task) -> int:
    return _LATE.get(task.priority, DAY)


def _notice(task: Task, told: int) -> Notice:
    pressing = task.priority in (Priority.urgent, Priority.high)
    return Notice(
        severity=Urgency.warning if pressing else Urgency.info,
        kind="task_late" if told else "task_due",
        title=shortened(f"{_TITLES[told]}{task.title}", TITLE_LONGEST),
        body=task.notes if task.assignee else f"Nobody is to do it yet. {task.notes}".strip(),
        to=one(task.assignee) if task.assignee else MEMBERS,
        subject=f"task:{task.id}",
        place=task.place,
        device=task.device,
    )
