"""A device, its type, and what can be said of both."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from verger.base.errors import Fault, Invalid
from verger.base.rates import bounds
from verger.domain.devices.silence import Silence

NATIVE = "native"
_NAME_LONGEST = 200
_KEY_LONGEST = 120
_ADDRESS_LONGEST = 200


class Metric(Struct, frozen=True, kw_only=True):
    """What is measured: `unit` a UCUM code, `low` and `high` what is plausible, `every_s` how often to expect it."""

    key: str
    name: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    every_s: float | None = None


class Param(Struct, frozen=True, kw_only=True):
    """One parameter of a capability."""

    type: str = "number"
    unit: str = ""
    low: float | None = None
    high: float | None = None
    one_of: list[Any] | None = None
    default: Any = None


class Capability(Struct, frozen=True, kw_only=True):
    """What a device can be told: `shows` names the reported attributes, with their values, that prove it was done.

    A value such as "{level}" is that of a parameter, which may stand in a name as well: "relay_{socket}". `answers` is
    false where the device only does it and never says so. `off` are the parameters by which "all off" turns this off.
    `risk` is for people, such as "low" or "high".
    """

    method: str
    params: dict[str, Param] = {}
    shows: dict[str, Any] | None = None
    risk: str = "low"
    answers: bool = True
    off: dict[str, Any] | None = None


class TypeLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What each device of a type may use, if that is less than its organisation lets it.

    `messages` is a rate such as "10:1,300:60": so many in so many seconds; `inbox_…` are of one session of MQTT.
    """

    messages: str = ""
    series: int | None = None
    attributes: int | None = None
    packet_bytes: int | None = None
    inbox_messages: int | None = None
    inbox_bytes: int | None = None
    inbox_days: int | None = None

    def __post_init__(self) -> None:
        """Refuse limits that cannot be."""
        try:
            bounds(self.messages)
        except ValueError as wanted:
            raise Invalid(f"Write {wanted}.", [Fault("limits.messages", f"Write {wanted}.")]) from None
        least = {"packet_bytes": 256, "inbox_bytes": 1024}
        for name in ("series", "attributes", "packet_bytes", "inbox_messages", "inbox_bytes", "inbox_days"):
            number, low = getattr(self, name), least.get(name, 1)
            if number is not None and number < low:
                sentence = f"Write a whole number of {low} or more, or leave it out."
                raise Invalid(sentence, [Fault(f"limits.{name}", sentence)])


class DeviceType(Struct, frozen=True, kw_only=True):
    """A kind of device, known by its key; attributes that `repairs` names are desired anew when they drift."""

    key: str
    name: str
    dialect: str = NATIVE
    metrics: list[Metric] = []
    capabilities: list[Capability] = []
    limits: TypeLimits = TypeLimits()
    repairs: list[str] = []
    silence: Silence = Silence()
    created_at: datetime
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a type that cannot be."""
        if not 1 <= len(self.key) <= _KEY_LONGEST or not self.key.isprintable() or "/" in self.key:
            raise Invalid("Give the type a short key, such as room-sensor.", [Fault("key", "1 to 120 characters.")])
        keys = [metric.key for metric in self.metrics]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise Invalid("Each metric stands once in a type.", [Fault("metrics", f"{twice} stands there twice.")])
        methods = [capability.method for capability in self.capabilities]
        if twice := next((method for method in methods if methods.count(method) > 1), None):
            sentence = "Each method stands once in a type."
            raise Invalid(sentence, [Fault("capabilities", f"{twice} stands there twice.")])


class Named(Struct, frozen=True, kw_only=True):
    """What one metric of a device is called and measured in; `unit` is a UCUM code, empty if unknown."""

    unit: str = ""
    name: str = ""


class State(Struct, frozen=True, kw_only=True):
    """Attributes as the device reports them and as people desire them, apart."""

    reported: dict[str, Any] = {}
    desired: dict[str, Any] = {}


class Changed(Struct, frozen=True, kw_only=True):
    """A change of a reported attribute: to what, and from what; `before` is None for the first that is kept."""

    at: datetime
    value: Any
    before: Any = None


class Mqtt(Struct, frozen=True):
    """Where the MQTT listener is; the host is the one that this page was opened under."""

    port: int


class Connect(Struct, frozen=True):
    """How a device reaches this server."""

    mqtt: Mqtt


class Device(Struct, frozen=True, kw_only=True):
    """A thing that speaks, or is spoken for by its `gateway`, which knows it as `called`, else by its name."""

    id: str
    name: str
    place: str
    type: str | None = None
    dialect: str = NATIVE
    address: str | None = None
    gateway: str | None = None
    called: str | None = None
    is_gateway: bool = False
    channels: dict[str, str] = {}
    metrics: dict[str, Named] = {}
    attributes: State = field(default_factory=State)
    connect: Connect | None = None
    silence: Silence = Silence()
    online: bool = False
    last_seen: datetime | None = None
    silent_since: datetime | None = None
    created_at: datetime
    retired_at: datetime | None = None
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse a device that cannot be; raise Invalid with a fault for each field."""
        if faults := tuple(_faults(self)):
            raise Invalid(" ".join(fault.message for fault in faults), faults)

    @property
    def on_the_wire(self) -> str:
        """Return the name by which its gateway knows it."""
        return self.called or self.name


def _faults(device: Device) -> Iterable[Fault]:
    if not 1 <= len(device.name.strip()) <= _NAME_LONGEST:
        yield Fault("name", f"Give the device a name of 1 to {_NAME_LONGEST} characters.")
    if device.address is not None and not 1 <= len(device.address) <= _ADDRESS_LONGEST:
        yield Fault("address", f"Write the family's own id in 1 to {_ADDRESS_LONGEST} characters, or leave it out.")


class Stay(Struct, frozen=True, kw_only=True):
    """Where a device was, from when to when; `until` is None while it is there."""

    device: str
    place: str
    since: datetime
    until: datetime | None = None


class Remark(Struct, frozen=True, kw_only=True):
    """Something a device should know of itself: what was refused or put right, why, and how often."""

    at: datetime
    kind: str
    message: str
    count: int
