"""The rulebook: every rule that judges, made ready, and who of them is to hear what."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog
from msgspec import Struct

from verger.base.errors import Invalid, Missing
from verger.domain.devices.registry import Known, Registry
from verger.domain.places.model import Place, Tree
from verger.domain.places.store import PlaceStore
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.compiled import Compiled, Ground, compiled
from verger.domain.rules.store import RuleStore

log = structlog.get_logger()


class Hearer(Struct, frozen=True, gc=False):
    """A rule that is to hear something, and for which devices it is judged by that; None where for no device."""

    rule: Compiled
    subjects: tuple[str | None, ...]


class Chapter:
    """The rules of one tenant, by what they want to hear and of whom."""

    def __init__(self, tenant: str, registry: Registry) -> None:
        """Have no rules yet."""
        self.tenant = tenant
        self.tree = Tree([])
        self.rules: dict[str, Compiled] = {}
        self.unfit: set[str] = set()  # those that need to know more of their place before they can judge
        self._registry = registry
        self._wanted: dict[tuple[str, str, str | None], dict[str, Compiled]] = {}
        self._inside: dict[str, frozenset[str]] = {}
        self._devices: dict[str, tuple[str | None, ...]] = {}
        self._at: dict[str, list[str]] | None = None  # the devices at each place
        self._stood: dict[str, str] = {}  # where each was when this was looked at last

    def put(self, rule: Compiled) -> None:
        """Judge by a rule, in place of what it was before."""
        self.take(rule.rule.id)
        self.rules[rule.rule.id] = rule
        for key in _keys(rule):
            self._wanted.setdefault(key, {})[rule.rule.id] = rule

    def take(self, rule: str) -> Compiled | None:
        """Judge by a rule no longer; return it as it was."""
        before = self.rules.pop(rule, None)
        self.unfit.discard(rule)
        for key in () if before is None else _keys(before):
            self._wanted[key].pop(rule, None)
        self._inside.pop(rule, None)
        self._devices.pop(rule, None)
        return before

    def moved(self, tree: Tree) -> frozenset[str] | None:
        """Know that places or devices came, went or moved; return which devices, None where places did, too."""
        before, same = self._stood, tree.places == self.tree.places
        self._stood = {known.device: known.place for known in self._mine()}
        self.tree, self._at = tree, None
        self._devices.clear()
        if not same:
            self._inside.clear()
            return None
        others = (device for device, place in self._stood.items() if before.get(device) != place)
        return frozenset((*others, *(before.keys() - self._stood.keys())))

    def _mine(self) -> Iterator[Known]:
        return (known for known in self._registry.everyone() if known.tenant == self.tenant)

    def inside(self, rule: Compiled) -> frozenset[str]:
        """Return the place of a rule and all below it."""
        name = rule.rule.id
        if name not in self._inside:
            self._inside[name] = frozenset(self.tree.below(rule.rule.place))
        return self._inside[name]

    def hearers(self, known: Known, kind: str, *names: str) -> tuple[Hearer, ...]:
        """Return who is to hear something of a device that goes by one of some names."""
        found: dict[str, Hearer] = {}
        for name in names:
            for rule in self._wanted.get((kind, name, known.device), {}).values():
                found[rule.rule.id] = Hearer(rule, self.subjects(rule))
            for rule in self._wanted.get((kind, name, None), {}).values():
                if self._is_inside(rule, known):
                    found.setdefault(rule.rule.id, Hearer(rule, (known.device,)))
        return tuple(found.values())

    def subjects(self, rule: Compiled) -> tuple[str | None, ...]:
        """Return every device that a rule is judged for, or None alone where it is judged for none."""
        if not rule.of_each:
            return (None,)
        name = rule.rule.id
        if name not in self._devices:
            if self._at is None:
                self._at = {}
                for known in self._mine():
                    self._at.setdefault(known.place, []).append(known.device)
            spared = set(rule.rule.not_for)
            places = self.tree.below(rule.rule.place)
            mine = (device for place in places for device in self._at.get(place, ()))
            self._devices[name] = tuple(device for device in mine if device not in spared)
        return self._devices[name]

    def judges(self, rule: Compiled, device: str) -> bool:
        """Tell whether a device is one of those that a rule speaks of without naming them."""
        known = self._registry.known(device)
        return known is not None and known.tenant == self.tenant and self._is_inside(rule, known)

    def _is_inside(self, rule: Compiled, known: Known) -> bool:
        return known.place in self.inside(rule) and known.device not in rule.rule.not_for

    def named(self, rule: Compiled) -> Iterator[int]:
        """Give the number of each series that a rule hears of a device that it names."""
        for device, metric in rule.hears.metrics:
            known = self._registry.known(device or "")
            if known is not None and (number := known.series.get(metric)) is not None:
                yield number

    def series(self, rule: Compiled) -> Iterator[int]:
        """Give the number of each series that a rule hears."""
        for device, metric in rule.hears.metrics:
            for each in (device,) if device is not None else self.subjects(rule):
                known = self._registry.known(each or "")
                if known is not None and (number := known.series.get(metric)) is not None:
                    yield number


def _keys(rule: Compiled) -> Iterable[tuple[str, str, str | None]]:
    """Give all that a rule wants to hear as (kind, name, device)."""
    hears = rule.hears
    for kind, wanted in (
        ("metric", hears.metrics),
        ("event", hears.events),
        ("attribute", hears.attributes),
        ("command", hears.commands),
    ):
        yield from ((kind, name, device) for device, name in wanted)
    yield from {("silence", "", device) for device, _ in hears.silences}
    yield from (("turn", "", device) for device in hears.turns)


@dataclass
class Rulebook:
    """The chapters of all tenants; what changed is read anew before anything is judged by it."""

    rules: RuleStore
    places: PlaceStore
    registry: Registry
    chapters: dict[str, Chapter] = field(default_factory=dict)
    unfit: dict[str, tuple[str, KeptRule]] = field(default_factory=dict)  # rule -> (tenant, rule), not paused yet
    stranded: dict[str, tuple[str, KeptRule, str]] = field(default_factory=dict)  # and why it cannot judge at its place
    _moved: set[str] = field(default_factory=set)
    _lost: set[str] = field(default_factory=set)  # tenants of which it was not told who moved
    _changed: dict[str, str] = field(default_factory=dict)  # rule -> tenant

    async def open(self) -> None:
        """Read the rules of every tenant."""
        for tenant in await self.rules.tenants():
            chapter = await self._chapter(tenant)
            for rule in await self.rules.of_tenant(tenant):
                self._put(chapter, rule)

    def moved(self, tenant: str) -> None:
        """Look anew, before the next fact, where a tenant's devices are."""
        if tenant in self.chapters:
            self._moved.add(tenant)

    def changed(self, tenant: str, rule: str) -> None:
        """Read a rule anew before the next fact."""
        self._changed[rule] = tenant

    async def renew(self) -> tuple[set[str], dict[str, frozenset[str] | None]]:
        """Read anew what changed; return the rules and the tenants for which what is heard may be other now.

        Of each tenant the devices are told that came, went or moved, None where its places are others.
        """
        moved, self._moved = self._moved, set()
        changed: dict[str, str] = {}
        try:
            found = {tenant: await self._move(self.chapters[tenant]) for tenant in moved}
            changed, self._changed = self._changed, {}
            for rule, tenant in changed.items():
                await self._read(rule, tenant)
        except BaseException:  # all of it is to be looked at again, with what has changed meanwhile
            self._moved |= moved
            self._lost |= moved
            self._changed = changed | self._changed
            raise
        whole = dict.fromkeys(self._lost & found.keys())
        self._lost -= found.keys()
        return set(changed), found | whole

    async def _read(self, rule: str, tenant: str) -> None:
        chapter = self.chapters.get(tenant) or await self._chapter(tenant)
        chapter.take(rule)
        self.stranded.pop(rule, None)
        try:
            kept = await self.rules.get(tenant, rule)
        except Missing:
            return
        if kept.place not in chapter.tree.places:  # one that was made since: nobody tells of places alone
            chapter.moved(await self.places.tree(tenant))
            self._lost.add(tenant)
        self._put(chapter, kept)

    async def _chapter(self, tenant: str) -> Chapter:
        chapter = self.chapters[tenant] = Chapter(tenant, self.registry)
        chapter.moved(await self.places.tree(tenant))
        return chapter

    async def _move(self, chapter: Chapter) -> frozenset[str] | None:
        """Know where devices and places are now; a rule whose place has gone, or is elsewhere on earth, is others'."""
        moved = chapter.moved(await self.places.tree(chapter.tenant))
        for rule in list(chapter.rules.values()):
            place = chapter.tree.places.get(rule.rule.place)
            if place is None or ground_of(place) != rule.ground:
                self._changed[rule.rule.id] = chapter.tenant
        self._changed |= dict.fromkeys(chapter.unfit, chapter.tenant)
        return moved

    def _put(self, chapter: Chapter, rule: KeptRule) -> None:
        place = chapter.tree.places.get(rule.place)
        if rule.unfit and rule.enabled and rule.paused_at is None:
            self.unfit[rule.id] = (chapter.tenant, rule)
        if not rule.runs or place is None:
            return
        try:
            chapter.put(compiled(rule, ground_of(place)))
        except Invalid as why:  # its place is another than when it was written
            chapter.unfit.add(rule.id)
            self.stranded[rule.id] = chapter.tenant, rule, str(why)
            log.warning("a rule cannot judge", rule=rule.id, why=str(why))

    def rule(self, tenant: str, rule: str) -> Compiled | None:
        """Return a rule that judges."""
        chapter = self.chapters.get(tenant)
        return None if chapter is None else chapter.rules.get(rule)

    def of_series(self, number: int) -> tuple[Hearer, ...]:
        """Return who is to hear a series."""
        known, metric = self.registry.owner(number), self.registry.metric(number)
        return () if known is None or metric is None else self.of_device(known, "metric", metric)

    def named(self, number: int) -> bool:
        """Tell whether a rule needs a series."""
        return bool(self.of_series(number))

    def of_device(self, known: Known, kind: str, *names: str) -> tuple[Hearer, ...]:
        """Return who is to hear something else of a device."""
        chapter = self.chapters.get(known.tenant)
        return () if chapter is None else chapter.hearers(known, kind, *names)


def ground_of(place: Place) -> Ground:
    """Return where on earth a rule at a place is."""
    return Ground(place.timezone, place.latitude, place.longitude)


def kinds(dotted: str) -> Sequence[str]:
    """Return a dotted kind of event and those that it is a child of."""
    parts = dotted.split(".")
    return [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
