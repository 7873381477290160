"""A command and its life: queued, sent, acknowledged, and how it ended. A stage is what the device proved."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs

from verger.base.clock import SECOND, microseconds, moment
from verger.base.errors import Conflict, Fault, Invalid

TTL_S = 60
LONGEST_TTL_S = 30 * 86_400
METHOD_LONGEST = 200
ERROR_LONGEST = 1000
_FIRST_RESEND_S = 10
_LATER = "The device confirmed later that it has it all the same."


class Stage(StrEnum):
    """How far a command has come."""

    queued = "queued"
    sent = "sent"
    acknowledged = "acknowledged"
    succeeded = "succeeded"
    failed = "failed"
    expired = "expired"
    cancelled = "cancelled"


UNDELIVERED = (Stage.queued, Stage.sent)
UNANSWERED = (*UNDELIVERED, Stage.acknowledged)
_ANSWERED = (Stage.succeeded, Stage.failed)
_GIVEN_UP = (Stage.expired, Stage.cancelled)
_TIMES = ("asked_at", "sent_at", "acknowledged_at", "answered_at", "expires_at")


class Step(Struct, frozen=True):
    """One step of a command's life, when it was taken, and what proves it."""

    stage: Stage
    at: datetime
    proof: str


class Command(Struct, frozen=True, kw_only=True):
    """Something a device was asked to do until `expires_at`; `asked_by` is `user:<id>`, `key:<id>` or `rule:<id>`.

    `shedding:<id>` names the meter for which it was cut off. `number` is how the device knows it. `shows` is what its
    reported attributes or readings will be once it is done. Of a command that goes `one_way` no answer is awaited.
    `batch` is the same for all that were asked together.
    """

    id: str
    device: str
    method: str
    params: Any = None
    stage: Stage = Stage.queued
    asked_by: str
    asked_at: datetime
    sent_at: datetime | None = None
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    expires_at: datetime
    result: Any = None
    error: str | None = None
    number: int = 0
    one_way: bool = False
    shows: dict[str, Any] | None = None
    batch: str | None = None
    steps: tuple[Step, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a command that cannot be; raise Invalid with a fault for each field."""
        faults = []
        if not 1 <= len(self.method.strip()) <= METHOD_LONGEST or not self.method.isprintable():
            faults.append(Fault("method", f"Name the method in 1 to {METHOD_LONGEST} characters."))
        if not timedelta() < self.expires_at - self.asked_at <= timedelta(seconds=LONGEST_TTL_S):
            faults.append(Fault("ttl_s", f"A command holds for 1 to {LONGEST_TTL_S} seconds."))
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    @property
    def noted(self) -> bool:
        """Tell whether only this is new: it had ended here, and then the device confirmed to have it."""
        return self.stage in _GIVEN_UP and self.acknowledged_at is not None and self.acknowledged_at > self.steps[-1].at

    @property
    def waits(self) -> bool:
        """Tell whether something of its device is still awaited."""
        return self.stage in UNDELIVERED or (self.stage is Stage.acknowledged and not self.one_way)


def begun(command: Command, number: int) -> Command:
    """Return a command under its number, with the first step of its life."""
    return _step(
        structs.replace(command, number=number), Stage.queued, command.asked_at, f"asked by {command.asked_by}"
    )


def sent(command: Command, at: int, way: str) -> Command:
    """Return a command that is on the wire, again if it was before; one that is further already stays as it is."""
    if command.stage is not Stage.queued:
        return command
    return _step(structs.replace(command, sent_at=moment(at)), Stage.sent, moment(at), way)


def acknowledged(command: Command, at: int, proof: str) -> Command:
    """Return a command that the device has, by some proof; one that is further already stays as it is.

    One that was on the wire and given up since has ended, but says that the device has it.
    """
    if command.stage in _GIVEN_UP and command.sent_at is not None and command.acknowledged_at is None:
        since = max(moment(at), command.steps[-1].at + timedelta(microseconds=1))
        return structs.replace(command, acknowledged_at=since, error=f"{command.error or ''} {_LATER}".strip())
    if command.stage not in UNDELIVERED:
        return command
    return _step(_delivered(command, at), Stage.acknowledged, moment(at), proof)


def answered(command: Command, result: Any, at: int, proof: str = "answer") -> Command:
    """Return a command that the device answered; the first answer stands.

    It did or could not do what it answers, also when the command had ended here before.
    """
    if command.stage in _ANSWERED:
        return command
    late = not command.waits and command.stage is not Stage.acknowledged
    error = _failure(result)
    known = structs.replace(_delivered(command, at), answered_at=moment(at), result=result, error=error)
    return _step(known, Stage.failed if error else Stage.succeeded, moment(at), f"late {proof}" if late else proof)


def shown(command: Command, values: Mapping[str, Any], at: int) -> Command:
    """Return a command of which the device's own report shows that it was done, if these values of it do."""
    wanted = command.shows
    if (
        not wanted
        or command.stage not in (Stage.sent, Stage.acknowledged)
        or moment(at) < (command.sent_at or moment(at))
    ):
        return command
    if not all(key in values and _same(values[key], value) for key, value in wanted.items()):
        return command
    done = structs.replace(_delivered(command, at), answered_at=moment(at), error=None)
    return _step(done, Stage.succeeded, moment(at), f"reported {', '.join(wanted)}")


def expired(command: Command, at: int, why: str | None = None) -> Command:
    """Return a command whose time is over, and why there is no answer; one of which none is awaited stays."""
    if not command.waits:
        return command
    return _step(structs.replace(command, error=why or _why(command)), Stage.expired, moment(at), "time")


def cancelled(command: Command, at: int, by: str, why: str) -> Command:
    """Return a command that is not to be done any more; raise Conflict when the device has it, or it has ended."""
    if command.stage not in UNDELIVERED:
        has = "The device has this command already" if command.stage is Stage.acknowledged else "It has ended already"
        raise Conflict(f"{has} ({command.stage}), so it cannot be cancelled.")
    return _step(structs.replace(command, error=why), Stage.cancelled, moment(at), by)


def replaces(fresh: Command, older: Command) -> bool:
    """Tell whether a new command takes the place of an older one that nobody has: both would show the same thing.

    Where it is not known what they show, they are of the same method. Those that were asked together stand beside each
    other.
    """
    if fresh.batch is not None and fresh.batch == older.batch:
        return False
    if fresh.shows and older.shows:
        return not fresh.shows.keys().isdisjoint(older.shows)
    return fresh.method == older.method


def stepped(command: Command, back: int) -> Command:
    """Return a command with all its times so many microseconds earlier: the clock that gave them was put back."""
    by = timedelta(microseconds=back)
    times = {name: at - by for name in _TIMES if (at := getattr(command, name)) is not None}
    steps = tuple(structs.replace(step, at=step.at - by) for step in command.steps)
    return structs.replace(command, **times, steps=steps)


def due(command: Command, now: int) -> int | None:
    """Return when something is to be done about a command next: sent again, or given up. None: never."""
    if command.stage not in UNANSWERED:
        return None
    end = microseconds(command.expires_at)
    if command.stage is not Stage.sent or command.sent_at is None:
        return end if end > now or command.waits else None
    first, after = microseconds(command.sent_at), _FIRST_RESEND_S * SECOND
    while first + after <= now < end:
        after *= 2
    return min(first + after, end)


def _step(command: Command, stage: Stage, at: datetime, proof: str) -> Command:
    return structs.replace(command, stage=stage, steps=(*command.steps, Step(stage, at, proof)))


def _delivered(command: Command, at: int) -> Command:
    """Return a command with the times that a proof of the device settles."""
    times = {"sent_at": command.sent_at or moment(at), "acknowledged_at": command.acknowledged_at or moment(at)}
    return structs.replace(command, **times)


def _failure(result: Any) -> str | None:
    """Return why an answer says that it failed, None when it does not."""
    if not isinstance(result, dict):
        return None
    if result.get("error") is not None:
        told = result["error"]
        return (told if isinstance(told, str) and told else f"The device says: {told}")[:ERROR_LONGEST]
    return "The device says that it did not succeed." if result.get("success") is False else None


def _why(command: Command) -> str:
    after = f"{round((command.expires_at - command.asked_at).total_seconds())} s"
    if command.stage is Stage.queued:
        return f"The device was not there to be told within {after}."
    if command.stage is Stage.sent:
        return f"It was sent, but the device did not confirm within {after} that it has it."
    return f"The device has it, but did not answer within {after}."


def _same(one: Any, other: Any) -> bool:
    # A device may report a switch as 1 and true, the same to whoever asked for it.
    return bool(one == other)
