"""Wording: what metrics are called and measured in, and what rules decided in those words."""

from collections.abc import Mapping, Sequence

from msgspec import structs

from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Device
from verger.domain.devices.series import Series
from verger.domain.devices.units import unit_shown
from verger.domain.rules.memory import Decision
from verger.domain.rules.rendering import named
from verger.domain.rules.saying import Measure, reason


async def series_of(kept: Kept, tenant: str, devices: Sequence[Device]) -> list[Series]:
    """Return the series of devices; units and names come from the device, else from its type."""
    types = {kind.key: kind for kind in await kept.types.all(tenant)} if any(d.type for d in devices) else {}
    kinds = {device.id: types.get(device.type or "") for device in devices}
    shown = []
    for series in await kept.series.of(tenant, [device.id for device in devices]):
        kind = kinds[series.device]
        typed = next((m for m in kind.metrics if m.key == series.metric), None) if kind else None
        if typed:
            series = structs.replace(series, unit=series.unit or typed.unit, name=series.name or typed.name)  # noqa: PLW2901
        shown.append(series)
    return shown


async def measure_of(kept: Kept, tenant: str, devices: Sequence[Device]) -> Measure:
    """Return what tells how a metric of some devices is called and measured in; one without a name has its key."""
    found = await series_of(kept, tenant, devices)
    known = {(each.device, each.metric): (each.name or each.metric, unit_shown(each.unit)) for each in found}

    def measure(metric: str, device: str | None) -> tuple[str, str]:
        return known.get((device or "", metric), (metric, ""))

    return measure


def in_words(
    decision: Decision, measure: Measure, names: Mapping[str, str], words: Mapping[str, str] | None = None
) -> Decision:
    """Return a decision that tells why, and in its messages of what, as people call what they have and measure.

    `names` are those of devices, `words` what else messages may name.
    """
    because = tuple(
        structs.replace(each, says=reason(condition, each.device, measure, names, wanted=wanted))
        for each, (condition, wanted) in zip(decision.because, decision.reasons, strict=True)
    )
    about = subject_of(decision)
    called = {} if about is None else {"device": names.get(about, "")}
    metric = {} if decision.about is None else {"metric": measure(*decision.about)[0]}
    told = called | metric | dict(words or {})
    return structs.replace(decision, because=because, then=tuple(named(action, told) for action in decision.then))


def tells(decision: Decision) -> bool:
    """Tell whether a decision says anything that measures are needed for: why it fired, or of what its alerts are."""
    return decision.kind == "fire" or any(each.alert and "{metric}" in each.alert.message for each in decision.then)


def speaks_of(decision: Decision) -> set[str]:
    """Return every device that a decision tells of."""
    return {device for device in (decision.device, *(each.device for each in decision.because)) if device is not None}


def subject_of(decision: Decision) -> str | None:
    """Return the device that a decision is about: the one it was judged for, else the only one that led to it."""
    because = {each.device for each in decision.because if each.device is not None}
    return decision.device or (because.pop() if len(because) == 1 else None)
