"""Plans: the blueprints that lie beside the code, read into the words of devices, rules and derived metrics."""

from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, field

from verger.base.errors import Fault, Invalid
from verger.domain.blueprints.model import Blueprint, Key
from verger.domain.blueprints.reading import NAMES, read
from verger.domain.devices.model import Capability, Metric, Param
from verger.domain.devices.silence import Silence
from verger.domain.rules.actions import Action
from verger.domain.rules.conditions import Condition, Seconds, Text
from verger.domain.rules.model import Leeway, WhenSilent


class PlannedParam(Param, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A parameter as a blueprint says it."""


class PlannedMetric(Metric, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric as a blueprint says it."""


class PlannedCapability(Capability, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A capability as a blueprint says it."""

    params: dict[str, PlannedParam] = field(default_factory=dict)  # type: ignore[assignment]  # stricter


class PlannedSilence(Silence, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A limit of silence as a blueprint says it."""


class PlannedType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device type that a blueprint brings; the first has the blueprint's own name as its key."""

    key: Key
    name: Text
    dialect: Key
    metrics: tuple[PlannedMetric, ...] = ()
    capabilities: tuple[PlannedCapability, ...] = ()
    silence: PlannedSilence = PlannedSilence()


class PlannedRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that a blueprint brings, as people write one, but for the place, which is where it is laid."""

    name: Text
    when: Condition
    then: tuple[Action, ...]
    only_if: Condition | None = None
    enabled: bool = True
    rest_s: Seconds = 0
    when_silent: WhenSilent | None = None
    late_s: Seconds = 600
    most_per_hour: Annotated[int, Meta(ge=1, le=3600)] = 20
    limits: dict[str, Leeway] = {}


class PlannedDerived(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A derived metric that a blueprint brings, for each device that measures what it is reckoned from."""

    metric: Key
    name: Text
    unit: Annotated[str, Meta(max_length=40)] = ""
    expression: Text
    fresh_s: Seconds = 3600


class Plan(Blueprint[PlannedType, PlannedRule, PlannedDerived], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A blueprint, ready to be laid on a place."""


@cache
def plans() -> dict[str, Plan]:
    """Return every blueprint by its name."""
    return {name: read(name, Plan) for name in NAMES}


def plan(name: str) -> Plan:
    """Return one blueprint; raise Invalid, which names those that there are."""
    found = plans().get(name)
    if found is None:
        sentence = f"There is no such blueprint; choose one of {', '.join(NAMES)}."
        raise Invalid(sentence, [Fault("name", sentence)])
    return found


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a blueprint's file."""
    return msgspec.json.schema(Plan)
