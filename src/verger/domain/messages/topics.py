"""Topics and topic filters (MQTT 5, section 4.7): pure."""

import re
from collections.abc import Collection
from functools import lru_cache

SHARE = "$share/"
_OWN = re.compile(r"devices/[^/]*/(?:readings|events|status|commands)(?:/.*)?|places/[^/]*/alerts(?:/.*)?", re.DOTALL)
_DEVICES_ONLY = "v1"


def split(topic: str) -> list[str]:
    """Return the levels of a topic or a filter."""
    return topic.split("/")


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether a filter without a share covers a topic."""
    return _pattern(topic_filter).fullmatch(topic) is not None


@lru_cache(maxsize=1024)
def _pattern(topic_filter: str) -> re.Pattern[str]:
    """Return a filter as a pattern; wildcards at its beginning do not cover topics that begin with $."""
    levels = split(topic_filter)
    guard = r"(?!\$)" if levels[0] in {"+", "#"} else ""
    many = levels[-1] == "#"
    words = ["[^/]*" if level == "+" else re.escape(level) for level in (levels[:-1] if many else levels)]
    rest = (r"(?:/.*)?" if words else r".*") if many else ""
    return re.compile(guard + "/".join(words) + rest, re.DOTALL)


def shared(topic_filter: str) -> tuple[str | None, str]:
    """Return the group of a shared subscription, None for one of its own, and the filter."""
    if not topic_filter.startswith(SHARE):
        return None, topic_filter
    group, _, plain = topic_filter.removeprefix(SHARE).partition("/")
    return group, plain


def own(topic: str) -> bool:
    """Tell whether Verger alone writes a topic."""
    return _OWN.fullmatch(topic) is not None


def tells_of(topic: str, body: bytes, ids: Collection[str]) -> bool:
    """Tell whether a message is of some devices or places: their topic, or told there by Verger of them."""
    levels = split(topic)
    if levels[0] in {"devices", "places"} and len(levels) > 1 and levels[1] in ids:
        return True
    return own(topic) and any(each.encode() in body for each in ids)


def of_devices(topic: str) -> bool:
    """Tell whether a topic or a filter names what devices say to Verger and nobody else hears."""
    return split(topic)[0] == _DEVICES_ONLY


def writable(topic: str) -> bool:
    """Tell whether a member may write a topic: it is neither Verger's nor a device's, nor the server's own ($)."""
    return not (own(topic) or of_devices(topic) or topic.startswith("$"))
