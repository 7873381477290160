"""Time zones by name."""

from zoneinfo import ZoneInfo


def zone_of(name: str) -> ZoneInfo | None:
    """Return the time zone of a name, None when there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None
