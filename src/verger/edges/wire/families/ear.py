"""An ear for families: what a message means, with its times by the clocks of the place where its device is."""

from collections.abc import Callable
from datetime import tzinfo

from verger.domain.enrolments.model import Admitted
from verger.domain.telemetry.model import Garbled
from verger.edges.wire.dialects.family import Family, Frame, Spoken, addressed, own
from verger.edges.wire.families.desk import Meetings


class Ear:
    """Reads the messages that come over one line; whoever spoke last on it most likely speaks next, too."""

    def __init__(self, meetings: Meetings) -> None:
        """Know devices by those who meet them."""
        self._meetings = meetings
        self._zone: tzinfo | None = None

    def read(self, door: Admitted, family: Family, frame: Frame, name: Callable[[str], str]) -> Spoken:
        """Return what a message means, with a `name` for whoever gave no address; raise Garbled."""
        meetings = self._meetings
        zone = self._zone or meetings.zone(door)
        spoken = addressed(family.read(frame, zone), name)
        voice = spoken.voice
        right = zone if voice is None else meetings.zone_of(door, family.name, voice.address)
        if right is zone:
            return spoken
        self._zone = right
        return addressed(family.read(frame, right), name)

    def whose(self, door: Admitted, family: Family, frame: Frame, name: Callable[[str], str] = str) -> str | None:
        """Return the device that sent what made no sense, where its topic, its body or its connection tells."""
        try:
            address = family.whose(frame.topic) or own(family.sender(frame), name)
        except Garbled:  # its connection has no name either
            return None
        return self._meetings.find(door, family.name, address) if address else None
