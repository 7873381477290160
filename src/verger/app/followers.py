"""What follows the log: the history, the screens, and all that acts on what was heard."""

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from verger.app.alerts import open_alerts
from verger.app.commands import Orders, open_orders
from verger.app.messages import open_exchange
from verger.app.rules import open_automation, open_reckoning, open_shedding, open_tallying
from verger.app.stores import Stores
from verger.base.work import Work
from verger.domain.messages.exchange import Exchange
from verger.domain.telemetry.followers import Followers
from verger.domain.telemetry.following import Follower
from verger.edges.live.hub import Hub
from verger.flows.automation import Automation
from verger.flows.keeping import Keeping
from verger.flows.overhearing import Informed
from verger.flows.presence import Presence
from verger.flows.publishing import Both, Publishing
from verger.flows.reckoning import Reckoning
from verger.flows.recording import Recording
from verger.flows.shedding import Shedding
from verger.flows.tallying import Tallying


@dataclass(frozen=True)
class Following:
    """The followers of the log, and those of them that others use; `screens` are those of people and programs."""

    hub: Hub
    exchange: Exchange
    screens: Both
    presence: Presence
    keeping: Keeping
    orders: Orders
    automation: Automation
    reckoning: Reckoning
    tallying: Tallying
    shedding: Shedding
    followers: Followers

    async def save(self) -> None:
        """Keep what followers hold in memory, so that none stands behind what it has taken."""
        for save in self.saving:
            await save()

    def loops(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """Return what goes on beside them."""
        return self.automation.run(), self.reckoning.run()

    @property
    def saving(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """Return what keeps at the end what followers hold in memory."""
        return self.presence.save, self.automation.save, self.reckoning.save

    def informed(self, *others: Callable[[str], None]) -> Informed:
        """Return screens that tell the rulebook, and others, what they rest on."""
        return Informed(self.hub, (self.automation.court.book.moved, self.reckoning.moved, *others))

    @classmethod
    async def over(cls, stack: AsyncExitStack, stores: Stores, work: Work) -> Self:
        """Be ready to follow, each knowing what was before."""
        kept, clock = stores.kept, stores.clock
        hub, exchange = Hub(kept.registry, stores.history.latest), await open_exchange(stack, stores, work)
        publishing = Publishing(kept.registry, exchange, clock)
        kept.devices.leaving.append(publishing.device_left)
        screens = Both(hub, publishing)
        presence = Presence(kept, stores.alerts, screens, clock, stores.settings.silent_s)
        await presence.fill(stores.log.last)
        orders, keeping = await open_orders(stores, screens), Keeping(stores.history)
        recording = Recording(stores.db, stores.events, kept.attributes, hub)
        every: list[Follower] = [keeping, recording, presence, hub, publishing, orders.proving, orders.repairing]
        automation = await open_automation(stores, orders, screens, presence)
        reckoning = await open_reckoning(stores)
        tallying = await open_tallying(stores, screens, automation.court)
        shedding = await open_shedding(stores, orders)
        every += [automation, reckoning, tallying, shedding]
        followers = Followers(stores.log, stores.letters, clock, every)
        tallying.recorded = partial(followers.caught_up, Recording.name)
        orders.follow(followers)
        automation.heeds.append((await open_alerts(stores, screens, followers, work)).stepped)
        automation.caught_up = partial(_caught_up, followers)
        acting = (automation, reckoning, tallying, shedding)
        return cls(hub, exchange, screens, presence, keeping, orders, *acting, followers)


async def _caught_up(followers: Followers) -> None:
    """Return once rules have judged, and presence has heard, all that the log holds now."""
    for name in (Presence.name, Automation.name):
        await followers.caught_up(name)
