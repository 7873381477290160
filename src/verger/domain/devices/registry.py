"""Who is speaking and what its numbers are called: in memory, so that naming costs nothing before the log."""

import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from verger.base.clock import MINUTE
from verger.base.rates import Meter
from verger.base.secrets import digest, same
from verger.domain.devices.silence import Silence

_UNBOUND = Meter("", 0)
_AS_USUAL = Silence()
_FURTHEST_GIVEN = MINUTE  # so far may times of receipt run ahead, one after the other, of a clock that was set back
_MOST_ROWS = 8
"""Sets of metrics that are remembered of a device: nearly all send one or two, and others shall cost little memory."""


class Known:
    """What the registry knows of one device; `slot` is its row in arrays over all devices."""

    __slots__ = (
        *("device", "given", "kind", "place", "rows", "series", "silence", "slot", "tenant"),
        *("attributes", "limit", "messages", "metered", "most_attributes", "packet_bytes", "points"),
    )

    def __init__(self, device: str, tenant: str, place: str, slot: int, limit: int, kind: str | None = None) -> None:
        """Know a device that has no series yet, and that nothing but their number bounds."""
        self.device = device
        self.tenant = tenant
        self.place = place
        self.slot = slot
        self.limit = limit  # how many series it may have
        self.series: dict[str, int] = {}
        self.rows: dict[tuple[str, ...], bytes] = {}  # as by `row_of`, for metrics that came together before
        self.given = 0  # the last time of receipt it was given, in microseconds
        self.kind = kind  # its type
        self.silence = _AS_USUAL
        self.attributes: set[str] = set()  # the names of those that it reported
        self.most_attributes = 1 << 30
        self.packet_bytes = 0  # the largest packet it may send, 0 for what anybody may
        self.messages, self.points = _UNBOUND, _UNBOUND  # its own messages, and the data points of its whole tenant
        self.metered = False  # whether either bounds anything

    def after(self, now: int) -> int:
        """Return the time after the last that was given, or now again where the clock was set back from far ahead."""
        return self.given + 1 if self.given <= now + _FURTHEST_GIVEN else now

    def row(self, metrics: tuple[str, ...]) -> bytes | None:
        """Return the numbers of metrics that come together, as by `row_of`; None while one of them has none.

        They are not remembered of a device that is metered, each message of which is looked at.
        """
        numbers = [self.series.get(metric) for metric in metrics]
        if None in numbers:
            return None
        if len(self.rows) == _MOST_ROWS:
            self.rows.clear()
        row = row_of(number for number in numbers if number is not None)
        if not self.metered:
            self.rows[metrics] = row
        return row


def row_of(numbers: Iterable[int]) -> bytes:
    """Return series numbers as the bytes of a column of uint32."""
    return array("I", numbers).tobytes()


class Registry:
    """Every device that may speak, by id and by credential, and every series by number.

    `allow` tells a device what it may use, `expect` how it is listened to; `learned` hears of a device's new series;
    `over` counts what was refused at a limit, by its name.
    """

    def __init__(self) -> None:
        """Know nobody."""
        self._known: dict[str, Known] = {}
        self.known = self._known.get  # returns what is known of a device, None for a stranger; asked for each message
        self._holders: dict[str, str] = {}
        self._hashes: dict[str, str] = {}
        self._certified: dict[str, str] = {}
        self._fingerprints: dict[str, str] = {}
        self._slots: list[Known | None] = []
        self._metrics: list[str | None] = [None]
        self._slot_of = np.full(1024, -1, np.int32)
        self._counts: Counter[str] = Counter()
        self.allow: Callable[[Known], None] = lambda _: None
        self.expect: Callable[[Known], None] = lambda _: None
        self.learned: Callable[[Known, Mapping[str, int]], None] = lambda _known, _series: None
        self.over: Counter[str] = Counter()

    def add(
        self, device: str, tenant: str, place: str, limit: int, kind: str | None = None, silence: Silence = _AS_USUAL
    ) -> Known:
        """Know a device of a type from now on."""
        known = Known(device, tenant, place, len(self._slots), limit, kind)
        self._slots.append(known)
        self._known[device] = known
        self._counts[tenant] += 1
        known.silence = silence
        self.allow(known)
        self.expect(known)
        return known

    def classify(self, device: str, kind: str | None, silence: Silence = _AS_USUAL) -> None:
        """Know that a device is of another type now, or its silence another, unless it has gone meanwhile."""
        if (known := self._known.get(device)) and (known.kind, known.silence) != (kind, silence):
            known.kind, known.silence = kind, silence
            self.allow(known)
            self.expect(known)

    def report(self, device: str, name: str) -> None:
        """Know an attribute that a device reported."""
        if known := self._known.get(device):
            known.attributes.add(sys.intern(name))

    def move(self, device: str, place: str) -> None:
        """Know that a device is at another place now, unless it has gone meanwhile."""
        if known := self._known.get(device):
            known.place = place

    def forget(self, device: str) -> None:
        """Know a device no longer; its numbers stay reserved."""
        known = self._known.pop(device, None)
        if known is not None:
            self._slots[known.slot] = None
            self._counts[known.tenant] -= 1
        self.end(device)

    def trust(self, device: str, token_hash: str) -> None:
        """Let a device in by the token of this hash, and by nothing else."""
        self.end(device)
        self._holders[token_hash] = device
        self._hashes[device] = token_hash

    def certify(self, device: str, fingerprint: str) -> None:
        """Let a device in by the certificate of this fingerprint, and by nothing else."""
        self.end(device)
        self._certified[fingerprint] = device
        self._fingerprints[device] = fingerprint

    def end(self, device: str) -> None:
        """Let a device in no longer."""
        old = self._hashes.pop(device, None)
        if old is not None:
            del self._holders[old]
        shown = self._fingerprints.pop(device, None)
        if shown is not None:
            del self._certified[shown]

    def hand_over(self, device: str, to: str) -> None:
        """Let another device in by what one proves itself by, and that one no longer."""
        token_hash, shown = self._hashes.get(device), self._fingerprints.get(device)
        if token_hash is not None:
            self.end(device)
            self.trust(to, token_hash)
        elif shown is not None:
            self.end(device)
            self.certify(to, shown)

    def holder(self, token: str) -> str | None:
        """Return the device that holds an access token; the time taken tells nothing about any token."""
        token_hash = digest(token)
        device = self._holders.get(token_hash)
        if device is None or not same(self._hashes[device], token_hash):
            return None
        return device

    def certified(self, fingerprint: str) -> str | None:
        """Return the device that a certificate belongs to."""
        return self._certified.get(fingerprint)

    def learn(self, device: str, series: Mapping[str, int]) -> None:
        """Know the numbers of some of a device's metrics."""
        known = self._known.get(device)
        for metric, number in series.items():
            self._reserve(number)
            self._metrics[number] = metric
            if known is not None:
                known.series[metric] = number
                known.rows.clear()
                self._slot_of[number] = known.slot
        if known is not None:
            self.learned(known, series)

    def everyone(self) -> Iterable[Known]:
        """Return all devices that are known now."""
        return self._known.values()

    def count(self, tenant: str) -> int:
        """Return how many devices a tenant has."""
        return self._counts[tenant]

    def at_slot(self, slot: int) -> Known | None:
        """Return the device of a row, None when it has gone."""
        return self._slots[slot]

    @property
    def slots(self) -> int:
        """Return how many rows an array over all devices needs."""
        return len(self._slots)

    def slots_of(self, series: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return the device row of each series number, -1 where the device is gone."""
        # A number of the log may be beyond all that are known: its series was deleted, and the program began anew.
        known = np.where(series < len(self._slot_of), series, 0)
        slots: NDArray[np.int32] = self._slot_of[known]
        return slots

    def metric(self, number: int) -> str | None:
        """Return the metric of a series number."""
        return self._metrics[number] if number < len(self._metrics) else None

    def owner(self, number: int) -> Known | None:
        """Return the device of a series number, None when it has gone."""
        slot = int(self._slot_of[number]) if number < len(self._slot_of) else -1
        return self._slots[slot] if slot >= 0 else None

    def _reserve(self, number: int) -> None:
        while number >= len(self._metrics):
            self._metrics.append(None)
        while number >= len(self._slot_of):
            self._slot_of = np.concatenate([self._slot_of, np.full(len(self._slot_of), -1, np.int32)])
