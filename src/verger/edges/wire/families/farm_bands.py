"""What mushrooms do well in at each stage of their growth, and what to do where it is otherwise."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from msgspec import Struct

from verger.domain.cycles.model import STAGE
from verger.domain.places.model import Tree


class Band(Struct, frozen=True):
    """What a parameter should be, and what to do below and above that."""

    metric: str
    name: str
    unit: str
    low: float
    high: float
    raise_it: str
    lower_it: str


_ANY_STAGE = (
    Band("temperature", "temperature", "°C", 18, 24, "Heat the room.", "Cool the room or air it."),
    Band("humidity", "humidity", "%", 80, 95, "Moisten the air.", "Air the room, or moisten less."),
    Band("co2", "co2", "ppm", 800, 1200, "Air the room less.", "Let fresh air in."),
    Band("light", "light", "lux", 200, 500, "Light the room longer.", "Dim the light."),
    Band("ph_level", "ph", "", 6.0, 7.5, "Add lime to the substrate.", "Add gypsum to the substrate."),
    Band("substrate_moisture", "substrate_moisture", "%", 70, 85, "Water the substrate.", "Let the substrate drain."),
)

# As the rules of the blueprint have them; what a stage has no band for does not matter in it.
_OF_STAGE: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "inoculation": {"temperature": (18, 26)},
    "incubation": {"temperature": (20, 27), "humidity": (60, 90), "co2": (0, 15_000), "light": (0, 200)},
    "pinning": {"temperature": (12, 18), "humidity": (90, 100), "co2": (0, 800), "light": (200, 500)},
    "fruiting": {"temperature": (14, 21), "humidity": (82, 95), "co2": (0, 1000), "light": (200, 500)},
    "harvest": {"temperature": (14, 21), "humidity": (75, 92), "co2": (0, 1200), "light": (200, 500)},
    "rest": {"temperature": (12, 24), "humidity": (70, 92), "co2": (0, 2000)},
}
_ALIKE = {"maintenance": "rest"}
_ALWAYS = ("ph_level", "substrate_moisture")


def stage_of(tree: Tree, place: str) -> str:
    """Return the stage that a place, or what it lies in, is in; "" where none is told that has bands of its own."""
    told = tree.said(place, STAGE)
    stage = _ALIKE.get(told, told) if isinstance(told, str) else ""
    return stage if stage in _OF_STAGE else ""


def bands(stage: str) -> tuple[Band, ...]:
    """Return the bands of a stage, those that hold where none is told for ""."""
    if not stage:
        return _ANY_STAGE
    own = _OF_STAGE[stage]
    return tuple(
        Band(
            each.metric,
            each.name,
            each.unit,
            *own.get(each.metric, (each.low, each.high)),
            each.raise_it,
            each.lower_it,
        )
        for each in _ANY_STAGE
        if each.metric in own or each.metric in _ALWAYS
    )


def advised(stage: str, rows: Sequence[Mapping[str, float]]) -> dict[str, Any] | None:
    """Return what the means of some hours, each by metric, say of a room; None where nothing was measured."""
    held = bands(stage)
    means = [(band, [values[band.metric] for values in rows if band.metric in values]) for band in held]
    known = [(band, fmean(found)) for band, found in means if found]
    if not known:
        return None
    issues, advice = [], []
    for band, mean in known:
        if band.low <= mean <= band.high:
            continue
        bound = band.high if mean > band.high else band.low
        away = abs(mean - bound) / (band.high - band.low)
        severity = "critical" if away > 1 else "high" if away > 0.5 else "medium" if away > 0.1 else "low"
        word, action = ("above", band.lower_it) if mean > band.high else ("below", band.raise_it)
        said = f"The mean of a day is {mean:.1f} {band.unit}".rstrip() + f", {word} {bound:g}."
        issues.append({"parameter": band.name, "severity": severity, "description": said, "recommendation": action})
        impact = f"Brings {band.name.replace('_', ' ')} back to {band.low:g} to {band.high:g} {band.unit}".rstrip()
        advice.append({"priority": severity, "action": action, "expected_impact": f"{impact}."})
    worst = {each["severity"] for each in issues}
    status = "poor" if "critical" in worst else "fair" if "high" in worst else "good" if worst else "excellent"
    right = len(known) - len(issues)
    return {
        "overall_status": status,
        "confidence": round(len(known) / len(held), 2),
        "stage": stage or None,
        "issues": issues,
        "recommendations": advice,
        "summary": f"{right} of {len(known)} measured parameters are as they should be.",
    }
