"""Vetting: a rule that somebody writes is looked through, against the place, the devices and the people it names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from verger.base.errors import Fault, Invalid
from verger.base.outgoing import Outgoing, checked
from verger.domain.devices import capabilities
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.places.model import Tree
from verger.domain.places.store import PlaceStore
from verger.domain.rules.actions import ToWebhook
from verger.domain.rules.compiled import compiled
from verger.domain.rules.model import Rule, leaves
from verger.domain.rules.oversights import oversights
from verger.domain.rules.possible import never
from verger.domain.tenancy.members import Members
from verger.domain.webhooks.model import LONGEST
from verger.flows.rulebook import ground_of

_NO_DEVICE = "There is no such device: name one at the rule's place or below it."
_ELSEWHERE = "This device is not at the rule's place or below it: name one that is."
_NO_MEMBER = "There is no such member: name one of the organisation by their id."


@dataclass(frozen=True)
class Vetting:
    """Says all that is wrong with a rule."""

    devices: Kept
    places: PlaceStore
    members: Members
    outgoing: Outgoing

    async def check(self, tenant: str, rule: Rule, before: Rule | None = None) -> None:
        """Raise Invalid for a rule that could never fire, whose devices or place are not there, or cannot do it.

        People and spared devices who have gone since, and what else stood in it before without keeping it from judging,
        may stay. An address that it calls may not be an inner one; those before are judged when they are called.
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
        known = [] if before is None else oversights(before)
        faults = [fault for fault in oversights(rule) if fault not in known]
        faults += _strangers(rule, there, tree)
        faults += self._spared(tenant, rule, tree, () if before is None else before.not_for)
        faults += await self._nobody(tenant, rule, before)
        faults += _uncallable(rule, [] if before is None else [each.webhook for each in before.then], self.outgoing)
        if not faults:
            faults = await self._incapable(tenant, rule, there)
        if faults:
            raise Invalid(" ".join(dict.fromkeys(fault.message for fault in faults)), faults)

    def _spared(self, tenant: str, rule: Rule, tree: Tree, before: Sequence[str]) -> Iterator[Fault]:
        """Give a fault for each device that is to be left alone from now on, and is not where the rule looks."""
        below, known = set(tree.below(rule.place)), set(before)
        for at, name in enumerate(rule.not_for):
            device = None if name in known else self.devices.registry.known(name)
            if name not in known and (device is None or device.tenant != tenant):
                yield Fault(f"not_for[{at}]", _NO_DEVICE)
            elif device is not None and device.place not in below:
                yield Fault(f"not_for[{at}]", _ELSEWHERE)

    async def _nobody(self, tenant: str, rule: Rule, before: Rule | None) -> list[Fault]:
        """Return a fault for each person who is named from now on and no member."""
        known = set() if before is None else {person for _, person in _people(before)}
        named = [(path, person) for path, person in _people(rule) if person not in known]
        members = {each.id for each in await self.members.everyone(tenant)} if named else set()
        return [Fault(path, _NO_MEMBER) for path, person in named if person not in members]

    async def _incapable(self, tenant: str, rule: Rule, there: Mapping[str, Device]) -> list[Fault]:
        """Return a fault for each command, asked for or waited for, that the type of its device does not take."""
        commands = [each for each in _commands(rule) if each.device in there]
        kinds = {kind.key: kind.capabilities for kind in await self.devices.types.all(tenant)} if commands else {}
        found: list[Fault] = []
        for each in commands:
            can = kinds.get(there[each.device].type or "")
            if can is None:
                continue
            try:
                capability = capabilities.find(can, each.method)
                if each.params is not None:
                    capabilities.check(capability, each.params)
            except Invalid as wrong:
                paths = (each.path if each.params is None else f"{each.path}.{fault.field}" for fault in wrong.faults)
                found += map(Fault, paths, (fault.message for fault in wrong.faults))
        return found


class _Told(NamedTuple):
    """A command of a device that is named, where it stands; without parameters where it is only waited for."""

    path: str
    device: str
    method: str
    params: dict[str, Any] | None


def _commands(rule: Rule) -> Iterator[_Told]:
    for path, condition in leaves(rule):
        if condition.command is not None and condition.device is not None:
            yield _Told(f"{path}.command", condition.device, condition.command, None)
    for at, action in enumerate(rule.then):
        if action.command is not None and action.command.device is not None:
            told = action.command
            yield _Told(f"then[{at}].command", action.command.device, told.method, told.params)


def _strangers(rule: Rule, there: Mapping[str, Device], tree: Tree) -> Iterator[Fault]:
    """Give a fault for each device that is named and not within the rule's place."""
    below = set(tree.below(rule.place))
    for path, device in _named(rule):
        if device not in there:
            yield Fault(path, _NO_DEVICE)
        elif there[device].place not in below:
            yield Fault(path, _ELSEWHERE)


def _named(rule: Rule) -> Iterator[tuple[str, str]]:
    for path, condition in leaves(rule):
        if condition.device is not None:
            yield f"{path}.device", condition.device
    for at, action in enumerate(rule.then):
        for name, word in (("command", action.command), ("set", action.set)):
            if word is not None and word.device is not None:
                yield f"then[{at}].{name}.device", word.device


def _people(rule: Rule) -> Iterator[tuple[str, str]]:
    for at, action in enumerate(rule.then):
        if action.notify is not None and action.notify.user is not None:
            yield f"then[{at}].notify.user", action.notify.user
        if action.task is not None and action.task.assignee is not None:
            yield f"then[{at}].task.assignee", action.task.assignee


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
