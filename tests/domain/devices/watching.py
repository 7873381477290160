"""A hearing with its log and its disk, in a world whose clock tests move."""

from dataclasses import dataclass, field

import numpy as np

from verger.base.clock import SECOND
from verger.domain.devices.hearing import NEVER, Hearing, Judged
from verger.domain.devices.seen import Seen
from verger.domain.devices.silence import Expected

AWAY = 600 * SECOND
LIMITS = (60, 90, 60, 120, 0)  # seconds, by device; the last one's rhythm decides
BEHIND, GATEWAY, RHYTHM = 2, 3, 4
DEVICES = range(len(LIMITS))


@dataclass
class Disk:
    """What outlives a crash."""

    rows: dict[int, Seen] = field(default_factory=dict)
    alerts: set[int] = field(default_factory=set)
    listened: int = 0
    record: int = 0
    words: dict[int, int] = field(default_factory=dict)  # how often each had spoken when its alert opened


@dataclass
class Watch:
    """A hearing with its log and its disk, in a world whose clock tests move."""

    now: int = 1_800_000_000 * SECOND
    listened: int = 0  # truly, since the beginning
    log: list[tuple[int, int, int]] = field(default_factory=list)  # (device, time, truly listened)
    disk: Disk = field(default_factory=Disk)
    taken: int = 0
    noted: tuple[int, dict[int, int]] | None = None
    told: list[tuple[int, bool]] = field(default_factory=list)
    hearing: Hearing = field(default_factory=lambda: Hearing(AWAY))

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start, from what is on disk."""
        self.hearing, self.noted = Hearing(AWAY), None
        self.hearing.listened, self.taken = self.disk.listened, self.disk.record
        self.hearing.grow(len(LIMITS))
        for device, limit in enumerate(LIMITS):
            self.hearing.expect(device, Expected(limit * SECOND))
        self.hearing.stand(BEHIND, GATEWAY)
        for device, row in self.disk.rows.items():
            self.hearing.load(device, row, len(self.log))
        self.hearing.begin()
        self.hearing.listen(self.now)

    def word(self, device: int) -> None:
        """Let a device speak; nobody has taken it yet."""
        self.log.append((device, self.now, self.listened))

    def take(self, most: int = 1 << 30) -> None:
        """Take some of what is in the log."""
        for device, at, _ in self.log[self.taken : self.taken + most]:
            self.taken += 1
            self.hearing.hear(np.array([device], np.int32), self.taken, at, self.now)

    def spoke(self) -> dict[int, int]:
        """Return when, in time truly listened, each device or one behind it spoke last."""
        last: dict[int, int] = {}
        for device, _, listened in self.log:
            last[device] = listened
            if device == BEHIND:
                last[GATEWAY] = listened
        return last

    def tick(self, seconds: float, *, crash: bool = False) -> None:
        """Let time pass and look; a crash comes after all is kept, and before anybody knows."""
        step = round(seconds * SECOND)
        self.now += step
        self.listened += step if 0 < step <= 5 * SECOND else 0
        judged = self.hearing.tick(self.now, len(self.log), self.taken)
        words = self._judged_words()
        assert (judged is None) == (words is None)
        if judged is not None and words is not None:
            self.prove(judged, words)
            self.keep(judged, settle=not crash)
        if crash:
            self.begin()

    def _judged_words(self) -> dict[int, int] | None:
        words = None
        if self.noted is not None and self.taken >= self.noted[0]:
            words, self.noted = self.noted[1], None
        if self.noted is None:
            self.noted = (len(self.log), self.spoke())
            if self.taken >= len(self.log):
                words, self.noted = self.noted[1], None
        return words

    def prove(self, judged: Judged, words: dict[int, int]) -> None:
        """Whoever is newly silent said nothing for as long as it may, all of it listened to."""
        for row in judged.rows.tolist():
            if judged.silent[row] and self.hearing.fell[row] == NEVER:
                assert self.listened - words[row] >= self.hearing.limit[row] > 0

    def keep(self, judged: Judged, *, settle: bool) -> None:
        """Keep as the product does, with alerts in the same hand."""
        rows = self.hearing.stands(judged, judged.rows)
        for row in rows.tolist():
            self.disk.rows[row] = self.hearing.as_judged(judged, row, str(row), self.taken, self.now)
            self.alert(row, opens=bool(judged.alerted[row]))
            if settle and judged.silent[row] != (self.hearing.fell[row] > NEVER):
                self.told.append((row, bool(judged.silent[row])))
        if settle:
            self.hearing.settle(judged, rows, self.now)
            assert set(np.flatnonzero(self.hearing.alerted).tolist()) == self.disk.alerts

    def alert(self, row: int, *, opens: bool) -> None:
        """Open an alert or end it: only by a new word, unless its gateway has one instead."""
        words = sum(device == row or (row == GATEWAY and device == BEHIND) for device, _, _ in self.log)
        if opens and row not in self.disk.alerts:
            self.disk.words[row] = words
        elif not opens and row in self.disk.alerts and row != BEHIND:
            assert words > self.disk.words[row]
        (self.disk.alerts.add if opens else self.disk.alerts.discard)(row)

    def save(self) -> None:
        """Save as the product does every ten seconds."""
        rows, whole = self.hearing.unkept()
        for row in rows.tolist():
            self.disk.rows[row] = self.hearing.row(row, str(row), self.taken)
            self.hearing.kept[row] = self.hearing.seen[row]
        self.disk.listened = self.hearing.listened
        self.disk.record = self.taken if whole else self.disk.record

    def wait(self, seconds: int) -> None:
        """Let time pass in which Verger listens, and keeps up."""
        for _ in range(0, seconds, 5):
            self.take()
            self.tick(5)

    def silent(self) -> set[int]:
        return set(np.flatnonzero(self.hearing.fell > NEVER).tolist())
