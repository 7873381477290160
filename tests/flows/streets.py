"""A world with a rule, and a program at an address that it calls."""

import base64
import hashlib
import hmac
from typing import Any

from tests.edges.outside.neighbours import Receiver
from tests.edges.outside.test_courier import courier
from tests.flows.courts import World
from verger.base.outgoing import Outgoing
from verger.base.pages import Asked
from verger.domain.rules.runs import Done
from verger.flows.calling import Calling

LOW = {"metric": "t", "is": "below", "value": 3}


class Street:
    """A world with a rule, and a program at an address that it calls."""

    def __init__(self, made: World, receiver: Receiver) -> None:
        self.world, self.receiver = made, receiver
        self.networks: tuple[str, ...] = ("127.0.0.1",)
        made.outgoing = Outgoing(("127.0.0.0/8",))
        self.begin()

    def begin(self) -> None:
        """Make calls as a process does that has just begun."""
        self.calling = Calling(self.world.book, courier(self.world.clock, *self.networks), self.world.clock, hours=24)

    async def fires(self, url: str | None = None, **told: Any) -> str:
        """Let a rule fire that calls an address; return the rule."""
        body = {"body": {"text": "{value} degrees at {device}"}} if "body" not in told else told
        action = {"webhook": {"url": url or f"{self.receiver.url}/hook?key=1", **body}}
        rule = await self.world.rule(when=LOW, then=[action])
        await self.again()
        return rule.id

    async def again(self) -> None:
        for value in (9, 2):
            self.world.clock.advance(1)
            await self.world.say({"t": value})

    async def goes_on(self, seconds: float = 0) -> None:
        """Make all calls that are due once some time has passed."""
        self.world.clock.advance(seconds)
        await self.calling.settled()

    async def outcomes(self, rule: str) -> list[Done]:
        """Return how the calls of a rule stand, the newest first."""
        runs = await self.world.kept.runs.page(self.world.house.tenant, rule, Asked())
        return [done for run in runs.items for done in run.then]


def code(secret: str, headers: dict[str, str], body: bytes) -> str:
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return f"v1,{base64.b64encode(hmac.digest(key, said, hashlib.sha256)).decode()}"
