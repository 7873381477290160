"""Spreading: what changed of alerts and tasks, to every screen that may show it and to the tree of topics."""

from dataclasses import dataclass
from functools import partial

from msgspec import to_builtins
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.db import after_commit
from verger.domain.alerts.model import Alert
from verger.domain.tasks.model import Task
from verger.flows.ports import Screens


@dataclass(frozen=True)
class Spreading:
    """Tells, once it is kept, how an alert or a task stands."""

    screens: Screens

    async def alert(self, connection: AsyncConnection, tenant: str, alert: Alert, _fresh: bool) -> None:  # noqa: FBT001
        """Tell of an alert when the transaction is committed."""
        self._tell(connection, tenant, "alert", alert)
        for device in alert.sources:
            after_commit(connection, partial(self.screens.tell, device, {"type": "alert", **to_builtins(alert)}))

    async def task(self, connection: AsyncConnection, tenant: str, task: Task, gone: bool) -> None:  # noqa: FBT001
        """Tell of a task when the transaction is committed."""
        self._tell(connection, tenant, "task", task, **({"gone": True} if gone else {}))

    def _tell(self, connection: AsyncConnection, tenant: str, kind: str, thing: Alert | Task, **more: bool) -> None:
        word = {"type": kind, **to_builtins(thing), **more}
        told = partial(self.screens.announce, tenant, word, place=thing.place, device=thing.device)
        after_commit(connection, told)
