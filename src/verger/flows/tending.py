"""Tending: what a planter needs, as one profile that people set, kept as ordinary rules."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from msgspec import Struct, structs

from verger.base.clock import moment
from verger.base.errors import Fault, Invalid, Missing
from verger.domain.blueprints.store import BlueprintStore
from verger.domain.devices.model import Device
from verger.domain.devices.plants import NAME
from verger.domain.rules.accepted import KeptRule
from verger.domain.rules.actions import Action, ToAlert, ToCommand
from verger.domain.rules.conditions import Condition
from verger.flows.cycles import Cycle
from verger.flows.ruling import Ruling

KINDS = ("water", "cooldown", "cold", "hot", "reservoir", "lamp_on", "lamp_off")
_USUAL_PER_HOUR = 20
_SOAKS_S = 120  # two readings of the usual minute, after which watered soil should be moist
_NOT_THERE = "Automation profile not configured"


class Profile(Struct, frozen=True, kw_only=True):
    """When a planter is watered and for how long, what its people are warned of, and how long its lamp shines.

    Watering begins below `soil_moisture_min`, comes again after each cooldown, and ends above `soil_moisture_max`.
    """

    soil_moisture_min: float = 30
    soil_moisture_max: float = 70
    temp_min: float = 15
    temp_max: float = 30
    min_water_level: float = 20
    watering_duration_sec: float = 20
    watering_cooldown_min: float = 60
    lamp_schedule: Cycle | None = None

    def __post_init__(self) -> None:
        """Refuse a profile that cannot be."""
        for name in ("soil_moisture_min", "soil_moisture_max", "watering_duration_sec"):
            if getattr(self, name) <= 0:
                raise Invalid(f"{name} must be > 0", [Fault(name, "Write a number above 0.")])
        for low, high in (("soil_moisture_min", "soil_moisture_max"), ("temp_min", "temp_max")):
            if getattr(self, low) > getattr(self, high):
                raise Invalid(f"{low} must be <= {high}", [Fault(low, f"Write a number up to {high}.")])
        if self.watering_cooldown_min < 0:
            raise Invalid("watering_cooldown_min must be >= 0", [Fault("watering_cooldown_min", "Write 0 or more.")])


def rule_id(device: str, kind: str) -> str:
    """Return the id of the rule by which one part of a device's profile is kept."""
    return str(uuid5(NAMESPACE_OID, f"{device} {kind}"))


@dataclass(frozen=True)
class Tending:
    """Reads and writes profiles."""

    ruling: Ruling

    async def get(self, tenant: str, device: Device) -> Profile:
        """Return the profile that a device's rules come to; raise Missing without one."""
        profile = (await self.all(tenant, [device])).get(device.id)
        if profile is None:
            raise Missing(_NOT_THERE)
        return profile

    async def all(self, tenant: str, devices: Iterable[Device]) -> dict[str, Profile]:
        """Return the profiles of those of some devices that have one."""
        rules = {rule.id: rule for rule in await self.ruling.kept.rules.of_tenant(tenant)}
        found = {device.id: _profile(_of(device, rules)) for device in devices}
        return {device: profile for device, profile in found.items() if profile is not None}

    async def tended(self, tenant: str) -> tuple[str, ...]:
        """Return the devices that have a profile."""
        ids = {rule.id for rule in await self.ruling.kept.rules.of_tenant(tenant)}
        there = await self.ruling.devices.devices.at(tenant)
        return tuple(each.id for each in there if any(rule_id(each.id, kind) in ids for kind in KINDS))

    async def end(self, tenant: str, device: Device) -> None:
        """Let the rules of a device's profile go."""
        for rule in (await self._rules(tenant, device)).values():
            await self.ruling.remove(tenant, rule.id, None)
        await self._spare(tenant, device, spared=False)

    async def put(self, tenant: str, device: Device, change: Mapping[str, Any]) -> Profile:
        """Merge a change into a device's profile, and keep it as rules; raise Invalid."""
        there = await self._rules(tenant, device)
        profile = structs.replace(_profile(there) or Profile(), **change)
        wanted = _written(profile, device)
        for kind in KINDS:
            before, wish = there.get(kind), wanted.get(kind)
            if wish is None and before is not None:
                await self.ruling.remove(tenant, before.id, None)
            elif wish is not None and before is None:
                now = moment(self.ruling.clock.now())
                fresh = KeptRule(id=rule_id(device.id, kind), place=device.place, created_at=now, **wish)
                await self.ruling.add(tenant, fresh)
            elif wish is not None and before is not None:
                kept = {name: value for name, value in wish.items() if name != "name"}
                after = structs.replace(before, place=device.place, **kept)
                if after != before:
                    await self.ruling.change(tenant, before, after, None)
        await self._spare(tenant, device, spared=True)
        return profile

    async def _spare(self, tenant: str, device: Device, *, spared: bool) -> None:
        """Let rules that a blueprint laid for all planters leave one alone while it has a profile of its own."""
        for rule in await BlueprintStore(self.ruling.kept.db).made(tenant, NAME, "rule"):
            with suppress(Missing):  # a person removed it
                await self.ruling.spare(tenant, rule, device.id, spared=spared)

    async def _rules(self, tenant: str, device: Device) -> dict[str, KeptRule]:
        """Return the rules of a profile that are there, by kind."""
        return _of(device, {rule.id: rule for rule in await self.ruling.kept.rules.of_tenant(tenant)})


def _of(device: Device, rules: Mapping[str, KeptRule]) -> dict[str, KeptRule]:
    """Return the rules of a device's profile among some, by kind."""
    ids = {kind: rule_id(device.id, kind) for kind in KINDS}
    return {kind: rules[each] for kind, each in ids.items() if each in rules}


def _written(profile: Profile, device: Device) -> dict[str, dict[str, Any]]:
    """Return what people would write as the rules of a profile, by kind."""
    names = set(device.channels.values())
    written = {}
    if {"soil_moisture", "pump"} <= names:
        written["water"] = _watering(profile, device, guarded="water_level" in names)
        if profile.watering_cooldown_min > 0:
            written["cooldown"] = _cooling(profile, device, written["water"]["only_if"])
    if "air_temperature" in names:
        low = _condition("air_temperature", "below", profile.temp_min, device)
        written["cold"] = _alert(f"{device.name} is cold", low, "warning", "Air temperature {value} is too low.")
        high = _condition("air_temperature", "above", profile.temp_max, device)
        written["hot"] = _alert(f"{device.name} is hot", high, "warning", "Air temperature {value} is too high.")
    if "water_level" in names:
        dry = _condition("water_level", "below", profile.min_water_level, device)
        said = "Reservoir water level low ({value} %)."
        written["reservoir"] = _alert(f"Reservoir of {device.name} is low", dry, "critical", said)
    if profile.lamp_schedule is not None and "lamp" in names:
        for kind, starts in (("lamp_on", profile.lamp_schedule.ons), ("lamp_off", profile.lamp_schedule.offs)):
            verb = kind.removeprefix("lamp_")
            written[kind] = {
                "name": f"Lamp of {device.name} {verb}",
                "when": starts,
                "then": (_command(device, f"lamp.{verb}", {}),),
                "most_per_hour": 60,
            }
    return written


def _watering(profile: Profile, device: Device, *, guarded: bool) -> dict[str, Any]:
    """Return the rule that waters; an empty reservoir blocks the pump, where that is measured."""
    dry = structs.replace(
        _condition("soil_moisture", "below", profile.soil_moisture_min, device), clear=profile.soil_moisture_max
    )
    empty = _condition("water_level", "below", profile.min_water_level, device)
    rest_s = max(profile.watering_cooldown_min * 60, 1)
    return {
        "name": f"Water {device.name}",
        "when": dry,
        "only_if": Condition(not_=empty) if guarded else None,
        "then": (_command(device, "pump.pulse", {"duration_s": profile.watering_duration_sec}),),
        "rest_s": rest_s,
        "most_per_hour": min(max(_USUAL_PER_HOUR, ceil(3600 / rest_s) + 1), 3600),
    }


def _cooling(profile: Profile, device: Device, only_if: Condition | None) -> dict[str, Any]:
    """Return the rule that tells of soil which stays dry though it was watered, as the pump rests."""
    dry = _condition("soil_moisture", "below", profile.soil_moisture_min, device)
    lasting = structs.replace(dry, for_s=profile.watering_duration_sec + _SOAKS_S)
    told = _alert(f"{device.name} waits to be watered again", lasting, "warning", "Watering cooldown active.")
    return told | {"only_if": only_if}


def _condition(metric: str, is_: Any, value: float, device: Device) -> Condition:
    return Condition(metric=metric, is_=is_, value=value, device=device.id)


def _command(device: Device, method: str, params: dict[str, Any]) -> Action:
    return Action(command=ToCommand(device=device.id, method=method, params=params))


def _alert(name: str, when: Condition, severity: Any, message: str) -> dict[str, Any]:
    return {"name": name, "when": when, "then": (Action(alert=ToAlert(severity=severity, message=message)),)}


def _profile(rules: Mapping[str, KeptRule]) -> Profile | None:
    """Return what the rules come to, whoever changed them since; the usual where one says nothing of it."""
    if not rules:
        return None
    told: dict[str, Any] = {}
    for kind, name in (("cold", "temp_min"), ("hot", "temp_max"), ("reservoir", "min_water_level")):
        if kind in rules and rules[kind].when.value is not None:
            told[name] = rules[kind].when.value
    if water := rules.get("water"):
        told |= _water_of(water)
    if "lamp_on" in rules and "lamp_off" in rules:
        told["lamp_schedule"] = Cycle.of(rules["lamp_on"].when, rules["lamp_off"].when)
    try:
        return Profile(**told)
    except Invalid:  # people wrote rules that no profile could be
        return Profile(lamp_schedule=told.get("lamp_schedule"))


def _water_of(rule: KeptRule) -> dict[str, Any]:
    told: dict[str, Any] = {"watering_cooldown_min": rule.rest_s / 60 if rule.rest_s >= 60 else 0}
    if rule.when.value is not None:
        told["soil_moisture_min"] = rule.when.value
        told["soil_moisture_max"] = rule.when.clear if rule.when.clear is not None else rule.when.value
    pulses = [action.command.params.get("duration_s") for action in rule.then if action.command]
    if pulses and isinstance(pulses[0], int | float):
        told["watering_duration_sec"] = pulses[0]
    return told
