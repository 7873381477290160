"""Ruling: people write rules, change them, and let them go."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec
import structlog
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncConnection

from verger.base.clock import Clock
from verger.base.errors import Fault, Forbidden, Invalid, Missing
from verger.base.outgoing import Outgoing, checked
from verger.base.pages import Asked, Page
from verger.base.patch import meant_for
from verger.base.plural import span
from verger.domain.alerts.store import AlertStore
from verger.domain.devices import capabilities
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device, DeviceType
from verger.domain.places.model import Tree
from verger.domain.places.store import PlaceStore
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.actions import ToWebhook
from verger.domain.rules.adjusting import moved, renamed
from verger.domain.rules.compiled import compiled
from verger.domain.rules.kept import RulesKept
from verger.domain.rules.model import Rule, leaves
from verger.domain.rules.possible import never
from verger.domain.rules.runs import Run
from verger.domain.webhooks.model import LONGEST
from verger.flows.pausing import PAUSED
from verger.flows.rulebook import ground_of
from verger.flows.unheeded import UNHEEDED

log = structlog.get_logger()


class Judge(Protocol):
    """Who judges by the rules."""

    def still(self) -> AbstractAsyncContextManager[None]:
        """Judge nothing meanwhile."""
        ...

    def renewed(self, tenant: str, rule: str, *, forget: bool) -> None:
        """Judge by what a tenant's rules say now; remember of this one what it knew, or forget it."""
        ...


@dataclass(frozen=True)
class Ruling:
    """Keeps rules, checked against the place they are for, and has them judged by from then on."""

    kept: RulesKept
    devices: Kept
    places: PlaceStore
    alerts: AlertStore
    judge: Judge
    clock: Clock
    outgoing: Outgoing

    async def page(self, tenant: str, asked: Asked, place: str | None = None) -> Page[KeptRule]:
        """Return a page of rules, all or those of a place and what lies below it; raise Missing."""
        if place is None:
            return await self.kept.rules.page(tenant, asked)
        await self.places.get(tenant, place)
        return await self.kept.rules.page(tenant, asked, (await self.places.tree(tenant)).below(place))

    async def runs(self, tenant: str, rule: str, asked: Asked) -> Page[Run]:
        """Return a page of the runs of a rule, the newest first; raise Missing."""
        await self.kept.rules.get(tenant, rule)
        return await self.kept.runs.page(tenant, rule, asked)

    async def add(self, tenant: str, rule: KeptRule) -> KeptRule:
        """Keep a new rule and judge by it; raise Invalid."""
        await self.check(tenant, rule)
        async with self.judge.still():
            async with self.kept.db.writing() as connection:
                await self.kept.rules.add(connection, tenant, rule)
            self.judge.renewed(tenant, rule.id, forget=True)
        return rule

    async def change(self, tenant: str, before: KeptRule, after: KeptRule, expected: int | None) -> KeptRule:
        """Keep a changed rule; one that was paused judges again. Raise Stale or Invalid.

        It goes on with what it remembers unless it judges something else from now on: then its alerts end too, as do
        those of devices that it leaves alone from now on. One that would be refused today may still be switched off.
        """
        meant_for(before.version, expected)
        after = structs.replace(after, paused_at=None, paused_because=None)
        if after != structs.replace(before, enabled=False, paused_at=None, paused_because=None):
            await self.check(tenant, after, before)
            after = structs.replace(after, objection=None, unfit=False)
        return await self._keep(tenant, before, after)

    async def _keep(self, tenant: str, before: KeptRule, after: KeptRule) -> KeptRule:
        forget = _judged(before) != _judged(after) or before.paused_at is not None
        async with self.judge.still():
            async with self.kept.db.writing() as connection:
                kept = await self.kept.rules.change(connection, tenant, after, anew=forget)
                now = self.clock.now()
                if after.paused_at is None:
                    await self.alerts.clear(connection, tenant, f"{PAUSED} {after.id}", None, now)
                await self.alerts.clear_rule(connection, tenant, f"{UNHEEDED} {after.id}", now)
                await self._let_go(connection, tenant, after.id, set(after.not_for) - set(before.not_for))
                if forget:
                    await self.kept.memories.forget_rule(connection, tenant, after.id)
                    await self.alerts.clear_rule(connection, tenant, after.id, now)
            self.judge.renewed(tenant, after.id, forget=forget)
        return kept

    async def adjust(self, tenant: str, rule: str, thresholds: dict[str, float], expected: int | None) -> KeptRule:
        """Move thresholds as far as a manager lets members; raise Missing, Forbidden, Invalid or Stale."""
        before = await self.kept.rules.get(tenant, rule)
        after = before
        for path, value in thresholds.items():
            leeway = before.limits.get(path)
            if leeway is None:
                raise Forbidden(f"Members may not change {path} of this rule; ask a manager.")
            low, high = leeway.low, leeway.high
            if (low is not None and value < low) or (high is not None and value > high):
                told = span(low, high)
                raise Invalid(f"{path} may be {told}.", [Fault(path, f"Write a number {told}.")])
            after = moved(after, path, value)
        return await self.change(tenant, before, after, expected)

    async def spare(self, tenant: str, rule: str, device: str, *, spared: bool = True) -> None:
        """Let a rule leave a device alone, or no longer; in all else it goes on as it is. Raise Missing."""
        async with self.judge.still():
            before = await self.kept.rules.get(tenant, rule)
            if (device in before.not_for) == spared:
                return
            others = tuple(each for each in before.not_for if each != device)
            after = structs.replace(before, not_for=(*others, device) if spared else others)
            async with self.kept.db.writing() as connection:
                await self.kept.rules.change(connection, tenant, after)
                await self._let_go(connection, tenant, rule, {device})
            self.judge.renewed(tenant, rule, forget=False)

    async def _let_go(self, connection: AsyncConnection, tenant: str, rule: str, devices: set[str]) -> None:
        """Remember nothing of devices that a rule leaves alone from now on, and end its alerts about them."""
        await self.kept.memories.forget(connection, [(rule, device) for device in devices])
        for device in devices:
            await self.alerts.clear(connection, tenant, rule, device, self.clock.now())

    async def hand_over(self, tenant: str, device: str, to: str) -> None:
        """Let the rules that name a device name another one; those that cannot be so stay as they are."""
        async with self.kept.db.reading() as connection:
            found = await self.kept.rules.naming(connection, tenant, device)
        for before in found:
            if device in before.devices or device in before.not_for:
                spared = tuple(to if each == device else each for each in before.not_for)
                after = structs.replace(renamed(before, device, to), not_for=spared)
                try:
                    await self.check(tenant, after, before)
                    await self._keep(tenant, before, after)
                except Invalid as why:
                    log.warning("a rule does not take the other device", rule=before.id, why=str(why))

    async def remove(self, tenant: str, rule: str, expected: int | None) -> None:
        """Let a rule go; its alerts end."""
        meant_for((await self.kept.rules.get(tenant, rule)).version, expected)
        async with self.judge.still():
            async with self.kept.db.writing() as connection:
                now = self.clock.now()
                await self.alerts.clear_rule(connection, tenant, rule, now)
                for word in (PAUSED, UNHEEDED):
                    await self.alerts.clear_rule(connection, tenant, f"{word} {rule}", now)
                await self.kept.rules.remove(connection, tenant, rule)
            self.judge.renewed(tenant, rule, forget=True)

    async def check(self, tenant: str, rule: Rule, before: Rule | None = None) -> None:
        """Raise Invalid for a rule that could never fire, whose devices or place are not there, or cannot do it.

        An address that it calls may not be an inner one; those that stood in it before are judged when they are called.
        """
        rule.check()
        tree = await self.places.tree(tenant)
        place = tree.places.get(rule.place)
        if place is None:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")])
        if why := never(compiled(rule, ground_of(place))):
            raise Invalid(why, [Fault("when", why)])
        mine = await self.devices.devices.these(tenant, rule.devices)
        there = {device.id: device for device in mine if device.retired_at is None}
        known = [] if before is None else [action.webhook for action in before.then]
        if faults := [*_strangers(rule, there, tree), *_uncallable(rule, known, self.outgoing)]:
            raise Invalid(" ".join(dict.fromkeys(fault.message for fault in faults)), faults)
        await self._check_commands(tenant, rule, there)

    async def _check_commands(self, tenant: str, rule: Rule, there: dict[str, Device]) -> None:
        for at, action in enumerate(rule.then):
            device = there.get(action.command.device or "") if action.command else None
            if action.command is None or device is None or device.type is None:
                continue
            try:
                kind: DeviceType = await self.devices.types.get(tenant, device.type)
            except Missing:
                continue
            try:
                capabilities.check(capabilities.find(kind.capabilities, action.command.method), action.command.params)
            except Invalid as wrong:
                faults = [Fault(f"then[{at}].command.{fault.field}", fault.message) for fault in wrong.faults]
                raise Invalid(str(wrong), faults) from None


def _judged(rule: KeptRule) -> tuple[object, ...]:
    """Return what a rule's memory and open alerts rest on."""
    return rule.when, rule.only_if, rule.place, rule.runs, [action.alert for action in rule.then if action.alert]


def _strangers(rule: Rule, there: dict[str, Device], tree: Tree) -> Iterator[Fault]:
    """Give a fault for each device that is named and not within the rule's place."""
    below = set(tree.below(rule.place))
    for path, device in _named(rule):
        if device not in there:
            yield Fault(path, "There is no such device.")
        elif there[device].place not in below:
            yield Fault(path, "This device is not at the rule's place or below it.")


def _uncallable(rule: Rule, known: Sequence[ToWebhook | None], outgoing: Outgoing) -> Iterator[Fault]:
    """Give a fault for each call that cannot be made, of those that are not known."""
    for at, action in enumerate(rule.then):
        told = action.webhook
        if told is None or told in known:
            continue
        try:
            checked(told.url)
        except Invalid as wrong:
            yield Fault(f"then[{at}].webhook.url", str(wrong))
            continue
        if why := outgoing.objection(told.url):
            yield Fault(f"then[{at}].webhook.url", why)
        if (size := len(msgspec.json.encode(told.body))) > LONGEST:
            yield Fault(f"then[{at}].webhook.body", f"It has {size:,} bytes, and may have {LONGEST:,}: say less.")


def _named(rule: Rule) -> Iterator[tuple[str, str]]:
    for path, condition in leaves(rule):
        if condition.device is not None:
            yield f"{path}.device", condition.device
    for at, action in enumerate(rule.then):
        for name, word in (("command", action.command), ("set", action.set)):
            if word is not None and word.device is not None:
                yield f"then[{at}].{name}.device", word.device
