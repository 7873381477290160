"""The older boards of mushroom farms, at home/#: they give no id, measure three things and move five; pure."""

from typing import Any

from verger.domain.devices import boards
from verger.domain.devices.boards import BACKWARD, FORWARD, LEFT, MOTOR, RIGHT, SERVO, STEPPER, STOP, SWITCHES
from verger.domain.telemetry.model import Attributes, Garbled, Readings
from verger.edges.wire.dialects import values
from verger.edges.wire.dialects.family import Ask, Fault, Frame, Spoken, Voice

REACH = "home"
SENSORS, STATES, CONTROL = "home/sensors", "home/device_states", "home/control/"
BOARD = Voice(boards.BOARD, reach=REACH)
"""Whoever is at the other end: these boards are known by their connection."""

_METRICS = {"light": "light_adc"}  # what its converter says is no lux
_TURNED = {STEPPER: (LEFT, RIGHT), MOTOR: (FORWARD, BACKWARD, STOP)}
_MOVES = (*SWITCHES, SERVO, *_TURNED)


def hears(topic: str) -> bool:
    """Whether a board may speak at a topic."""
    return topic in (SENSORS, STATES)


def read(message: Frame) -> Spoken:
    """Return what the board of this connection measures, or how what it moves stands."""
    told = values.parse_text(message.body)
    if not isinstance(told, dict):
        raise Garbled("Send an object.")
    faults: list[Fault] = []
    named = {_METRICS.get(str(name), str(name)): value for name, value in told.items()}
    said = tuple(each for each in values.sort(named, None, faults) if isinstance(each, Readings | Attributes))
    return Spoken(Voice(BOARD.address, said, reach=REACH, refused=tuple(faults)))


def listens(topic_filter: str) -> bool:
    """Whether a board listens there: to one of what it moves, or to all of it."""
    return topic_filter.removeprefix(CONTROL) in (*_MOVES, "+", "#") and topic_filter.startswith(CONTROL)


def write(ask: Ask) -> list[Frame]:
    """Write a command as the one word that a board reads; nothing where it knows no such word."""
    text = _word(ask.method, ask.params if isinstance(ask.params, dict) else {})
    return [] if text is None else [Frame(CONTROL + ask.method, text.encode())]


def _word(method: str, params: dict[str, Any]) -> str | None:
    if method in SWITCHES:
        return "on" if params.get("on") else "off"
    if method == SERVO and isinstance(angle := params.get("angle"), int | float):
        return str(round(angle))
    direction = params.get("direction")
    return direction if direction in _TURNED.get(method, ()) else None
