"""A post office with an owner who has targets, and everything that reaches them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.flows.test_notifying import FakeWhispers
from tests.people import Household, first_household, quick_tenancy
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.base.pages import Asked
from verger.base.secrets import ServerSecret
from verger.domain.notifications.deliveries import Delivery
from verger.domain.notifications.mailroom import Mailroom
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.notifications.targets import Target
from verger.domain.notifications.ways import Mail, Message, Way
from verger.domain.tenancy.model import Role
from verger.domain.tenancy.tenancy import Tenancy
from verger.flows.delivering import Delivering
from verger.flows.notifying import Notifying
from verger.flows.telling import Telling

ALL = tuple(Urgency)


@dataclass
class FakeCourier:
    """Carries everything, until it has an error; to who is slow only once the door is open."""

    carried: list[tuple[Way, Message]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    error: Exception | None = None
    slow: Sequence[Way] = ()
    waits: int = 0
    door: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry(self, way: Way, message: Message) -> None:
        self.tried.append(message.id)
        if way in self.slow:
            self.waits += 1
            await self.door.wait()
        if self.error is not None:
            raise self.error
        self.carried.append((way, message))


@dataclass
class Post:
    """An owner with targets, and everything that reaches them."""

    tenancy: Tenancy
    home: Household
    room: Mailroom
    notifying: Notifying
    delivering: Delivering
    telling: Telling
    courier: FakeCourier
    clock: HeldClock

    @property
    def owner(self) -> str:
        return self.home.people[Role.owner]

    async def add(self, way: Way | None = None, severities: tuple[Urgency, ...] = ALL) -> Target:
        return await self.telling.add(self.home.tenant, self.owner, "Mine", way or Mail("a@example.test"), severities)

    async def tell(self, *titles: str, severity: Urgency = Urgency.warning, tenant: str = "", owner: str = "") -> None:
        async with self.room.db.writing() as connection:
            for title in titles:
                to = one(owner or self.owner)
                notice = Notice(severity=severity, kind="alert", title=title, to=to, body=f"{title}!")
                await self.room.outbox.put(connection, tenant or self.home.tenant, notice)
        await self.notifying.spread()

    async def after(self, seconds: float = 0) -> list[str]:
        """Return the titles of what arrives once some time has passed."""
        self.clock.advance(seconds)
        before = len(self.courier.carried)
        await self.delivering.settled()
        return [message.title for _, message in self.courier.carried[before:]]

    async def states(self) -> list[Delivery]:
        return (await self.room.deliveries.page(self.home.tenant, self.owner, Asked())).items

    async def target(self, target: Target) -> Target:
        return await self.room.targets.get(self.home.tenant, self.owner, target.id)


async def opened(db: Database, clock: HeldClock) -> Post:
    """Return a post office of the first household."""
    tenancy, courier = quick_tenancy(db, clock), FakeCourier()
    home = await first_household(tenancy)
    room, screens = Mailroom.over(db, clock, ServerSecret(b"s" * 32)), FakeWhispers()
    notifying = Notifying(room, tenancy.members, screens, clock)
    delivering = Delivering(room, tenancy, courier, clock, "https://v.test")
    telling = Telling(room, screens, courier, clock, "https://v.test")
    return Post(tenancy, home, room, notifying, delivering, telling, courier, clock)
