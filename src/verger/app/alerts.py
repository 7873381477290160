"""Alerts and tasks: who hears of what changes, and who is told until somebody takes note."""

import asyncio
from contextlib import suppress

from verger.app.stores import Stores
from verger.base.jobs import Jobs
from verger.base.work import Work
from verger.domain.alerts.model import Alert
from verger.domain.telemetry.followers import Followers
from verger.flows.escalating import Escalating
from verger.flows.ports import Screens
from verger.flows.reminding import Reminding
from verger.flows.spreading import Spreading
from verger.flows.stepping import Due

_CAUGHT_UP_S, _STUCK_S = 60.0, 1.0


async def open_alerts(stores: Stores, screens: Screens, followers: Followers, work: Work) -> Due:
    """Let screens and programs hear of every alert and task that changes, and go on telling people of what is open.

    Return what is due later, of these and of all that leaves the house.
    """
    patience = _CAUGHT_UP_S

    async def caught_up() -> None:
        # What is still to be judged may end an alert; yet a follower that is stuck keeps nobody from being told, and
        # is waited for in full by the first only of all that is due meanwhile.
        nonlocal patience
        waits, patience = patience, _STUCK_S
        with suppress(TimeoutError):
            async with asyncio.timeout(waits):
                await followers.caught_up()
                patience = _CAUGHT_UP_S

    async def where(tenant: str, alert: Alert) -> str:
        place = (await stores.places.tree(tenant)).places.get(alert.place or "")
        devices = await stores.kept.devices.these(tenant, {alert.device}) if alert.device else []
        return ", ".join([*(device.name for device in devices), *([place.name] if place else [])])

    spreading = Spreading(screens)
    escalating = Escalating(stores.db, stores.alerts, stores.policies, stores.outbox, stores.clock, caught_up, where)
    stores.alerts.listeners += [spreading.alert, escalating.heard]
    reminding = Reminding(stores.db, stores.tasks, stores.outbox, stores.clock)
    stores.tasks.listeners += [spreading.task, reminding.heard]
    await reminding.begin()
    work.start(Jobs(stores.db, stores.clock, {**escalating.works, **reminding.works}).run())
    return Due(escalating, stores.commands, stores.mailroom.deliveries, stores.callbook.calls)
