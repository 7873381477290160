"""What a client may ask to hear, and how it is served."""

from collections.abc import Callable
from dataclasses import dataclass

from verger.domain.messages.memory import Memory
from verger.domain.messages.model import Subscription
from verger.domain.messages.store import LONGEST_TOPIC
from verger.edges.wire.mqtt.codec import filter_is_sound
from verger.edges.wire.mqtt.greeting import Limits
from verger.edges.wire.mqtt.packets import Filter, Subscribe
from verger.edges.wire.mqtt.reasons import ProtocolError, Reason

_SHARE = "$share/"
_MOST_LEVELS = 128


@dataclass(frozen=True, slots=True)
class Manners:
    """What is open to a client here: which topic filters, and whether more than a device needs."""

    may_hear: Callable[[str], bool]
    shared: bool = False
    identifiers: bool = False
    retained: bool = False


def grant(asked: Subscribe, memory: Memory, manners: Manners, limits: Limits) -> tuple[list[int], list[str]]:
    """Remember what is granted; return a reason for each filter, and the filters whose retained messages are wanted."""
    identifier = next(iter(asked.properties.subscription_identifiers), None)
    if identifier is not None and not manners.identifiers:
        raise ProtocolError(
            "Subscription identifiers are not spoken here.", Reason.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
        )
    reasons: list[int] = []
    retained: dict[str, None] = {}
    for wish in asked.filters[: limits.filters]:
        fresh = wish.topic not in memory.subscriptions
        reason = _fault(wish.topic, memory, manners, limits)
        if reason is Reason.SUCCESS:
            how = Subscription(wish.qos, wish.no_local, wish.retain_as_published, identifier)
            memory.subscribe(wish.topic, how)
            if manners.retained and _wants_retained(wish, fresh=fresh):
                retained[wish.topic] = None
        reasons.append(reason or wish.qos)
    more = len(asked.filters) - len(reasons)
    return reasons + [int(Reason.QUOTA_EXCEEDED)] * more, list(retained)


def _fault(topic: str, memory: Memory, manners: Manners, limits: Limits) -> Reason:
    """Return why a topic filter cannot be served, or SUCCESS."""
    plain = topic
    if topic.startswith(_SHARE):
        if not manners.shared:
            return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
        group, _, plain = topic.removeprefix(_SHARE).partition("/")
        if not group or set("+#") & set(group):
            return Reason.TOPIC_FILTER_INVALID
    if len(topic.encode()) > LONGEST_TOPIC or plain.count("/") >= _MOST_LEVELS or not filter_is_sound(plain):
        return Reason.TOPIC_FILTER_INVALID
    if not manners.may_hear(plain):
        return Reason.NOT_AUTHORIZED
    if len(memory.subscriptions) >= limits.subscriptions and topic not in memory.subscriptions:
        return Reason.QUOTA_EXCEEDED
    return Reason.SUCCESS


def _wants_retained(wish: Filter, *, fresh: bool) -> bool:
    """Tell whether what is retained is to be sent now (MQTT 5, section 3.8.3.1)."""
    if wish.topic.startswith(_SHARE):
        return False
    return wish.retain_handling == 0 or (wish.retain_handling == 1 and fresh)
