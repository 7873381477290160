"""How far a session of MQTT has come, and what can happen in it; `Connect` and `Publish` are the packets themselves."""

from enum import IntEnum

from msgspec import Struct

from verger.edges.wire.mqtt.packets import Connect, Publish
from verger.edges.wire.mqtt.reasons import Reason


class State(IntEnum):
    """How far a session has come."""

    SILENT = 0
    ASKED = 1
    OPEN = 2
    OVER = 3


class Repeated(Struct, frozen=True, gc=False):
    """A message at QoS 2 came again while its first copy was on its way to be kept; answer with `repeat`."""

    packet_id: int


class Acknowledged(Struct, frozen=True, gc=False):
    """The client has a message that it was sent at QoS 1 or 2, or says why it does not want it."""

    packet_id: int
    reason: int


class Subscribed(Struct, frozen=True, gc=False):
    """The client hears these topic filters from now on; what is retained in some of them it wants at once.

    So many others were `refused`.
    """

    topics: tuple[str, ...]
    retained: tuple[str, ...] = ()
    refused: int = 0


class Unsubscribed(Struct, frozen=True, gc=False):
    """The client hears these topic filters no longer."""

    topics: tuple[str, ...]


class Ended(Struct, frozen=True, gc=False):
    """The session is over: why, whether its will is to be published, and whether the client broke the protocol."""

    reason: Reason
    sentence: str = ""
    with_will: bool = False
    broken: bool = False


Happening = Connect | Publish | Repeated | Acknowledged | Subscribed | Unsubscribed | Ended
