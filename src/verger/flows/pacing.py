"""Pacing: what comes sooner than its device or organisation may send is refused whole, and told when to come again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

from verger.base.rates import Meter
from verger.domain.devices.registry import Known, Registry
from verger.domain.telemetry.model import Ack, Answer, Heard, Readings

_WHOSE = {
    "messages": "This device may send messages",
    "behind": "A device behind this gateway may send messages",
    "data_points": "Your organisation may send data points",
}


class Notes(Protocol):
    """The devices' log pages."""

    def note(self, tenant: str, device: str, kind: str, message: str) -> None:
        """Count a remark."""
        ...


@dataclass(frozen=True)
class Pacing:
    """Counts messages and data points of devices that are metered."""

    registry: Registry
    remarks: Notes

    def over(self, known: Known, heard: Heard, now: int) -> Answer | None:
        """Count a message; return the answer to one that comes too soon."""
        if _proves(heard):
            return None  # what proves a command is never refused
        points = _points(heard)
        own, shared = known.messages.wait(1, now), known.points.wait(points, now)
        if not own and not shared:
            known.messages.spend(1)
            known.points.spend(points)
            return None
        if own >= shared:
            return self._refused(known, "messages", known.messages, own)
        return self._refused(known, "data_points", known.points, shared)

    def together(self, gateway: Known, parts: Sequence[Heard], now: int) -> Answer | None:
        """Count all parts of a gateway's message, or none; return the answer to one that comes too soon.

        It comes again as a whole, so that nothing of it may be kept meanwhile.
        """
        wanted: Counter[Meter] = Counter()
        owners: dict[Meter, Known] = {}
        for heard in parts:
            known = self.registry.known(heard.device)
            if known is None or not known.metered or _proves(heard):
                continue
            owners[known.messages] = known
            wanted[known.messages] += 1
            wanted[known.points] += _points(heard)
        waits = {meter: meter.wait(count, now) for meter, count in wanted.items()}
        meter = max(waits, key=lambda each: waits[each], default=None)
        if meter is None or not waits[meter] or any(map(_proves, parts)):
            for each, count in wanted.items():
                each.spend(count)
            return None
        if (slow := owners.get(meter)) is None:
            return self._refused(gateway, "data_points", meter, waits[meter])
        self._note(slow, "messages", meter)
        return self._refused(gateway, "behind", meter, waits[meter])

    def _refused(self, known: Known, what: str, meter: Meter, wait: float) -> Answer:
        self.registry.over["data_points" if what == "data_points" else "messages"] += 1
        seconds = ceil(wait)
        sentence = self._note(known, what, meter)
        return Answer(kept=False, later=f"{sentence}; send this again in {seconds} s.", wait_s=seconds)

    def _note(self, known: Known, what: str, meter: Meter) -> str:
        sentence = f"{_WHOSE[what]} at a rate of {meter.rate}"
        self.remarks.note(known.tenant, known.device, "limit", f"{sentence}; what came sooner was refused.")
        return sentence


def _proves(heard: Heard) -> bool:
    return any(isinstance(said, Ack) for said in heard.said)


def _points(heard: Heard) -> int:
    return sum(len(said.values) for said in heard.said if isinstance(said, Readings))
