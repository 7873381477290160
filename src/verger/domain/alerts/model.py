"""An alert: one open at a time for a rule and a device, or many devices at once; and how it goes on."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from verger.base.clock import moment
from verger.base.errors import Conflict

MANY = 4  # devices of one place that one rule speaks of within `TOGETHER_S`: from then on they are one alert
TOGETHER_S = 120
MESSAGE_LONGEST = 1000
SOURCES = 50  # devices that led to one alert, at most, as many as a rule may name

Kind = Literal["comment", "acknowledged", "assigned", "told", "cleared", "resolved"]
Words = Annotated[str, Meta(min_length=1, max_length=4000, pattern=r"\S")]


class Severity(StrEnum):
    """How much it matters, the least first."""

    info = "info"
    warning = "warning"
    critical = "critical"


class AlertState(StrEnum):
    """Whether it holds (active, or acknowledged by somebody), has ended by itself, or a person ended it."""

    active = "active"
    acknowledged = "acknowledged"
    cleared = "cleared"
    resolved = "resolved"

    @property
    def open(self) -> bool:
        """Tell whether it still holds."""
        return self in (AlertState.active, AlertState.acknowledged)


class Opening(Struct, frozen=True, kw_only=True):
    """A condition that has begun to hold or holds again, at a time in microseconds.

    `rule` is a rule's id, or the word of what watches without one, such as `silence`. It holds until it is cleared;
    what is `momentary`, such as an event, ends by itself when it is not seen again for a while. `sources` are other
    devices than the one that it is about, which led to it by what they said.
    """

    rule: str
    device: str | None
    place: str | None
    severity: Severity
    message: str
    value: float | None = None
    at: int
    momentary: bool = False
    sources: tuple[str, ...] = ()


class Alert(Struct, frozen=True, kw_only=True):
    """An alert; `device` is None when it is about no single one, `place` when it is about the whole organisation.

    `value` is the last value and `count` how often it was opened; of many devices at once, how many they are. `within`
    names the alert that shows this one among many. `sources` are devices whose readings led to it and that it is not
    about, such as those that its rule names.
    """

    id: str
    place: str | None
    device: str | None
    rule: str
    severity: Severity
    state: AlertState = AlertState.active
    message: str
    value: float | None = None
    opened_at: datetime
    last_at: datetime
    count: int = 1
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    cleared_at: datetime | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    within: str | None = None
    momentary: bool = False
    sources: tuple[str, ...] = ()
    version: int = 1


class Opened(Struct, frozen=True):
    """What an opening came to: the alert of its device, and the one people see, which shows many devices at once.

    `fresh` says that people have not been told of what they see; `folded` are alerts that it shows from now on.
    """

    alert: Alert
    shown: Alert
    fresh: bool
    folded: tuple[Alert, ...] = ()


class Comment(Struct, frozen=True, kw_only=True):
    """What somebody wrote about an alert or did with it; `by` is None for Verger itself."""

    id: str
    alert: str
    at: datetime
    by: str | None
    kind: Kind = "comment"
    text: str


def begun(opening: Opening, fresh: str, within: str | None = None) -> Alert:
    """Return the alert of a condition that has just begun to hold."""
    at = moment(opening.at)
    return Alert(
        id=fresh,
        place=opening.place,
        device=opening.device,
        rule=opening.rule,
        severity=opening.severity,
        message=opening.message[:MESSAGE_LONGEST],
        value=opening.value,
        opened_at=at,
        last_at=at,
        within=within,
        momentary=opening.momentary,
        sources=opening.sources,
    )


def again(alert: Alert, opening: Opening, times: int = 1) -> Alert:
    """Return an open alert whose condition was seen some times more; of an older sighting only the count is taken.

    When it has become worse, somebody has to take note of it anew.
    """
    sources = tuple(dict.fromkeys((*alert.sources, *opening.sources)))[:SOURCES]
    counted = structs.replace(_raised(alert, opening.severity), count=alert.count + times, sources=sources)
    if moment(opening.at) < alert.last_at:
        return counted
    return structs.replace(
        counted, last_at=moment(opening.at), value=opening.value, message=opening.message[:MESSAGE_LONGEST]
    )


def together(lead: Alert, opening: Opening, devices: int, *, further: bool = False) -> Alert:
    """Return the alert about many devices once more of them were seen; `devices` is how many they are now.

    Where it is a further device, somebody has to take note of it anew.
    """
    return structs.replace(
        _raised(_unnoted(lead) if further else lead, opening.severity),
        count=devices,
        message=f"{devices} devices at once, the last: {opening.message}"[:MESSAGE_LONGEST],
        value=opening.value,
        last_at=max(lead.last_at, moment(opening.at)),
    )


def _raised(alert: Alert, to: Severity) -> Alert:
    if rank(to) <= rank(alert.severity):
        return alert
    return structs.replace(_unnoted(alert), severity=to)


def _unnoted(alert: Alert) -> Alert:
    return structs.replace(alert, state=AlertState.active, acknowledged_by=None, acknowledged_at=None)


def acknowledged(alert: Alert, by: str, at: int) -> Alert:
    """Return an alert that somebody has taken note of; raise Conflict when it is over."""
    if not alert.state.open:
        raise Conflict(f"This alert is {alert.state} already, so there is nothing to acknowledge.")
    if alert.state is AlertState.acknowledged:
        return alert
    return structs.replace(alert, state=AlertState.acknowledged, acknowledged_by=by, acknowledged_at=moment(at))


def assigned(alert: Alert, to: str | None) -> Alert:
    """Return an alert that somebody is to see to, None for nobody; raise Conflict when it is over."""
    if not alert.state.open:
        raise Conflict(f"This alert is {alert.state} already, so there is nothing to see to.")
    return structs.replace(alert, assignee=to)


def cleared(alert: Alert, at: int) -> Alert:
    """Return an open alert whose condition holds no longer."""
    return structs.replace(alert, state=AlertState.cleared, cleared_at=max(moment(at), alert.opened_at))


def resolved(alert: Alert, by: str, at: int) -> Alert:
    """Return an alert that a person has ended; one that is resolved already stays as it is."""
    if alert.state is AlertState.resolved:
        return alert
    return structs.replace(alert, state=AlertState.resolved, resolved_by=by, resolved_at=moment(at))


def rank(severity: Severity) -> int:
    """Return a number that is greater the more it matters."""
    return list(Severity).index(severity)
