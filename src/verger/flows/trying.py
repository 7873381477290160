"""Trying: what a rule calls is called once, at once, so that a person sees whether it is taken."""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct

from verger.base.clock import Clock, moment
from verger.base.errors import Conflict, Refused
from verger.base.ids import new_id
from verger.base.lookups import on_behalf_of
from verger.base.outgoing import discreet
from verger.domain.rules.actions import ToWebhook
from verger.domain.rules.model import Rule
from verger.domain.rules.rendering import render_all
from verger.domain.rules.store import RuleStore
from verger.domain.webhooks.model import Call, target_of
from verger.flows.calling import Callbook, Posts


class TriedCall(Struct, frozen=True, kw_only=True):
    """How a test of one action of a rule went: `action` is where it stands in `then`, `error` why it was not taken."""

    action: int
    url: str
    delivered: bool
    error: str | None


@dataclass(frozen=True)
class Trying:
    """Makes the calls of a rule as a test, signed as they will be; nothing of it is kept or made again."""

    rules: RuleStore
    book: Callbook
    courier: Posts
    clock: Clock

    async def test(self, tenant: str, rule: str) -> list[TriedCall]:
        """Call each address that a rule calls; who takes it rests no longer. Raise Missing, or Conflict for none."""
        kept = await self.rules.get(tenant, rule)
        told = [(at, action.webhook) for at, action in enumerate(kept.then) if action.webhook is not None]
        if not told:
            raise Conflict("This rule calls no web address: give it such an action, and save it.")
        async with self.book.db.writing() as connection:
            secrets = await self.book.signing.secrets(connection, tenant)
        return list(await asyncio.gather(*(self._call(tenant, kept, at, each, secrets) for at, each in told)))

    async def _call(self, tenant: str, rule: Rule, at: int, told: ToWebhook, secrets: list[str]) -> TriedCall:
        body = msgspec.json.encode(self._body(rule, told))
        fresh, error = new_id(), None
        try:
            with on_behalf_of(tenant):
                await self.courier.post(told.url, secrets, fresh, body)
        except Refused as refused:
            error = str(refused)
        else:
            now = moment(self.clock.now())
            call = Call(id=fresh, tenant=tenant, run="", target=target_of(told.url), sealed=b"", at=now)
            async with self.book.db.writing() as connection:
                await self.book.calls.mended(connection, call)
        return TriedCall(action=at, url=discreet(told.url), delivered=error is None, error=error)

    def _body(self, rule: Rule, told: ToWebhook) -> Any:
        """Return what is sent: as when it fires, with the name of the rule, but of no value and no device."""
        if told.body is not None:
            return render_all(told.body, {"rule": rule.name})
        known = {"rule": {"id": rule.id, "name": rule.name}, "run": None, "at": moment(self.clock.now())}
        return known | {"place": rule.place, "device": None, "because": [], "test": True}
