"""The dialect of plant-care devices: batches of readings, commands that they fetch, and what became of them; pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from verger.base.errors import Fault
from verger.domain.devices.plants import ACTUATORS, SHORTEST_SECRET
from verger.domain.telemetry.model import Ack, Attributes, Garbled, Readings, Said
from verger.edges.wire.dialects import clocks, values
from verger.edges.wire.dialects.family import Voice
from verger.edges.wire.dialects.shapes import NOT_SO

T = TypeVar("T")
VERBS = ("on", "off", "pulse")
NO_SUCH = "A plant-care device knows on, off and pulse, of what it can move: pump.pulse, lamp.on; this it was not told."
FAILED = "The device says that it failed."

_FARTHEST_S = 1e11
_SOIL = "soil_moisture"


class Unfit(Garbled):
    """A body that does not fit; `told` is why, as clients of this family read it."""

    def __init__(self, told: list[dict[str, Any]]) -> None:
        """Keep why."""
        super().__init__("; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in told))
        self.told = told


class UnknownSensor(Garbled):
    """A batch that speaks of a sensor which its device does not have."""


class SignIn(Struct, frozen=True):
    """How a device signs in."""

    device_id: str
    device_secret: str
    firmware_version: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be a secret."""
        if len(self.device_secret) < SHORTEST_SECRET:
            raise ValueError(f"String should have at least {SHORTEST_SECRET} characters")


class Refresh(Struct, frozen=True):
    """What is exchanged for new tokens."""

    refresh_token: str


class Measured(Struct, frozen=True):
    """One reading of a batch; its time is text, or seconds since 1970."""

    sensor_id: str
    value: Any
    timestamp: Any = None


class Batch(Struct, frozen=True):
    """What a device measured."""

    readings: list[Measured]


class Acked(Struct, frozen=True):
    """What became of a command."""

    command_id: str
    status: Literal["acked", "failed", "pending", "sent"] = "acked"
    feedback: dict[str, Any] | None = None


def body(text: bytes, kind: type[T]) -> T:
    """Return what a body says; raise Unfit."""
    try:
        return msgspec.json.decode(text, type=kind)
    except NOT_SO:
        return _closer(text, kind)


def _closer(text: bytes, kind: type[T]) -> T:
    """Return what a body says that needs a closer look; raise Unfit."""
    try:
        told = values.parse_text(text)
    except Garbled as garbled:
        raise Unfit([_why("json_invalid", ["body", 0], str(garbled), {})]) from None
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `")
        raise Unfit([_unfit(sentence, path.rstrip("`"), told)]) from None


def _unfit(sentence: str, path: str, told: Any) -> dict[str, Any]:
    parts = filter(None, path.removeprefix("$").replace("[", ".[").split("."))
    loc = ["body", *(int(part[1:-1]) if part[1:-1].isdecimal() else part for part in parts)]
    if sentence.startswith("Object missing required field"):
        return _why("missing", [*loc, sentence.split("`")[1]], "Field required", told)
    return _why("value_error", loc, sentence, None)


def _why(kind: str, loc: list[Any], sentence: str, given: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": sentence, "input": given}


def unfit(sentence: str, *loc: Any) -> Unfit:
    """Return what is wrong with one field of a body."""
    return Unfit([_why("value_error", ["body", *loc], sentence, None)])


def read(address: str, channels: Mapping[str, str], batch: Batch) -> tuple[Voice, int]:
    """Return what a device says in a batch, and how many of its readings make sense; raise UnknownSensor or Unfit.

    A time that cannot be read loses no reading: it gets the time of receipt.
    """
    if not batch.readings:
        raise Unfit([_why("too_short", ["body", "readings"], "List should have at least 1 item", [])])
    stamp, at = None, None
    said: dict[int | None, dict[str, float]] = {}
    more: list[Readings] = []
    faults: list[Fault] = []
    for each in batch.readings:
        metric = _metric(each.sensor_id, channels)
        if metric is None:
            raise UnknownSensor("Unknown sensor")
        number = values.number_of(each.value)
        if number is None or not -values.LARGEST <= number <= values.LARGEST:
            faults.append(Fault(metric, "This is not a number."))
            continue
        if each.timestamp != stamp:
            stamp, at = each.timestamp, time_of(each.timestamp)
        if metric in said.setdefault(at, {}):
            more.append(Readings({metric: number}, at))
        else:
            said[at][metric] = number
    told = (*(Readings(_dry_last(numbers), at) for at, numbers in said.items() if numbers), *more)
    return Voice(address, told, refused=tuple(faults)), len(batch.readings) - len(faults)


def _metric(sensor_id: str, channels: Mapping[str, str]) -> str | None:
    """Return what a sensor measures, None for one that its device does not have."""
    metric = channels.get(sensor_id)
    if metric is None:
        plain = sensor_id.strip().lower()
        metric = next((name for each, name in channels.items() if each.strip().lower() == plain), None)
    return None if metric in ACTUATORS else metric


def _dry_last(numbers: dict[str, float]) -> dict[str, float]:
    # Rules judge in this order: whether there is water is known before dry soil asks for it.
    if _SOIL in numbers:
        numbers[_SOIL] = numbers.pop(_SOIL)
    return numbers


def time_of(told: Any) -> int | None:
    """Return a time in microseconds: text with its zone, or in UTC, or seconds since 1970; None for anything else."""
    if isinstance(told, str):
        return clocks.written(told, UTC)
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    seconds = values.number_of(told)
    if seconds is None or not abs(seconds) < _FARTHEST_S:
        return None
    return round(seconds * 1_000_000)


def moment_text(at: datetime) -> str:
    """Return a time as every client can read it: with its offset in digits."""
    return at.astimezone(UTC).isoformat()


class Order(Struct, frozen=True):
    """What a command is to a device: a verb, the name of what it moves, and what else it is told."""

    verb: str
    actuator: str
    payload: dict[str, Any] | None = None


def write(method: str, params: Any, channels: Mapping[str, str]) -> Order | None:
    """Return what a command such as `lamp.on` is to a device, None where it cannot be told that.

    A verb by itself is for the `actuator` among its parameters, else for the pump, else for the first there is.
    """
    told = dict(params) if isinstance(params, dict) else {}
    named = told.pop("actuator", None)
    name, _, verb = method.rpartition(".")
    names = channels.values()
    if not name:
        name = (
            str(channels.get(str(named), named))
            if named is not None
            else next((a for a in ACTUATORS if a in names), "")
        )
    if verb not in VERBS or name not in names:
        return None
    if "duration_s" in told:
        told["duration"] = told.pop("duration_s")
    return Order(verb, name, told or None)


def acked(ack: Acked, number: int, order: Order | None) -> tuple[Said, ...]:
    """Return what a device says of a command: that it has it, did it, or could not; and how what it moves stands."""
    feedback = ack.feedback or {}
    if ack.status in {"pending", "sent"}:
        return (Ack(number, "ack"),)
    result: dict[str, Any] = dict(feedback)
    if ack.status == "failed":
        result["error"] = feedback.get("error") or feedback.get("message") or FAILED
    said: tuple[Said, ...] = (Ack(number, "ack", answered=True, result=result),)
    state = feedback.get("state") or (order.verb if order is not None and ack.status == "acked" else None)
    if order is not None and isinstance(state, str | bool | int | float):
        said = (*said, Attributes({order.actuator: state}))
    return said
