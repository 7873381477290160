"""The older boards of mushroom farms: what such a board can be told, whether or not its type says so."""

from verger.domain.devices.model import Capability, Param

NAME = "farm"
BOARD = "home:"
"""How the address begins of a board that gives no id."""

SWITCHES = ("light1", "fan1")
SERVO, STEPPER, MOTOR = "servo", "stepper", "dc_motor"
LEFT, RIGHT = "LEFT", "RIGHT"
FORWARD, BACKWARD, STOP = "FORWARD", "BACKWARD", "STOP"

CAPABILITIES = [
    *(
        Capability(
            method=each,
            params={"on": Param(type="boolean")},
            shows={each: "{on}"},
            off={"on": False},
            answers=False,
        )
        for each in SWITCHES
    ),
    Capability(
        method=SERVO,
        params={"angle": Param(type="integer", unit="deg", low=0, high=180)},
        shows={"servo_angle": "{angle}"},
        answers=False,
    ),
    *(
        Capability(
            method=each,
            params={"direction": Param(type="string", one_of=list(ways))},
            shows={each: "{direction}"},
            off={"direction": STOP} if STOP in ways else None,
            answers=False,
        )
        for each, ways in ((STEPPER, (LEFT, RIGHT)), (MOTOR, (FORWARD, BACKWARD, STOP)))
    ),
]
"""What it moves; it says afterwards how that stands, which shows that it was done."""


def is_board(address: str) -> bool:
    """Whether an address of a farm is that of an older board."""
    return address.startswith(BOARD)
