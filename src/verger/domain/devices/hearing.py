"""Hearing: who speaks, how often, and who has fallen silent while Verger listened; no I/O, and no clock of its own."""

from typing import Any

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from verger.base.clock import MINUTE, SECOND
from verger.domain.devices.seen import Seen
from verger.domain.devices.silence import LEAST, TIMES, Expected

NEVER = -(1 << 62)
LONGEST_STEP = 5 * SECOND  # between two looks at the clock; in a longer one Verger did not listen
OCCASION = 10 * SECOND  # words within so long are said on one occasion
GAPS = 20  # between occasions, of which the median is a device's rhythm
KNOWN_FROM = 5  # gaps
_WIDEST = 65_000  # minutes that a float16 holds
_COLUMNS: dict[str, tuple[Any, Any, Any]] = {  # by name: kind, of a device not heard yet, of nobody
    "seen": (np.int64, 0, 0),
    "heard": (np.int64, NEVER, NEVER),
    "begun": (np.int64, NEVER, 1 << 62),
    "many": (np.uint32, 0, 0),
    "stale": (np.bool_, False, False),
    "said": (np.int64, 0, 0),
    "limit": (np.int64, 0, 0),
    "wants": (np.bool_, True, False),
    "gate": (np.int32, -1, -1),
    "back": (np.int64, NEVER, NEVER),
    "linked": (np.bool_, False, False),
    "fell": (np.int64, NEVER, NEVER),
    "since": (np.int64, 0, 0),
    "alerted": (np.bool_, False, False),
    "online": (np.bool_, False, True),
    "upto": (np.int64, 0, 0),
    "kept": (np.int64, 0, 0),
}


class Judged(Struct, frozen=True, eq=False):
    """Who is to be what from now on: `rows` differ from what they were; the columns are over all rows.

    `heard` is when each was heard last as it was judged.
    """

    rows: NDArray[np.intp]
    heard: NDArray[np.int64]
    silent: NDArray[np.bool_]
    alerted: NDArray[np.bool_]
    online: NDArray[np.bool_]


class Hearing:
    """Columns over all devices, one row each; the last row, also called -1, is nobody's.

    Silence is counted on a clock of its own, `listened`, that runs while Verger listens. `heard` and `begun` are its
    times of the last word and of the first word of that occasion, `fell` that of the word after which a device fell
    silent, NEVER while it is not, and `since` the time of day when it was found so. `gate` is a gateway's row.
    """

    seen: NDArray[np.int64]
    heard: NDArray[np.int64]
    begun: NDArray[np.int64]
    many: NDArray[np.uint32]
    stale: NDArray[np.bool_]
    said: NDArray[np.int64]
    limit: NDArray[np.int64]
    wants: NDArray[np.bool_]
    gate: NDArray[np.int32]
    back: NDArray[np.int64]
    linked: NDArray[np.bool_]
    fell: NDArray[np.int64]
    since: NDArray[np.int64]
    alerted: NDArray[np.bool_]
    online: NDArray[np.bool_]
    upto: NDArray[np.int64]
    kept: NDArray[np.int64]

    def __init__(self, away: int) -> None:
        """Know of nobody; a device whose rhythm is not known yet is away after so many microseconds."""
        self.listened = 0
        self.deaf = False
        self._away = away
        self._looked: int | None = None
        self._replayed = 0
        self._relayed = False
        self._mark: tuple[int, int] | None = None  # (a record, listened when it was the last): judged once it is taken
        self._judged = NEVER
        self.gaps: NDArray[np.float16] = np.full((1, GAPS), np.inf, np.float16)
        for name, (kind, _, nobody) in _COLUMNS.items():
            setattr(self, name, np.array([nobody], kind))

    def grow(self, rows: int) -> None:
        """Have room for so many devices."""
        missing = rows + 1 - len(self.seen)
        if missing <= 0:
            return
        missing = max(missing, len(self.seen))
        for name, (kind, fresh, nobody) in _COLUMNS.items():
            column = getattr(self, name)[:-1], np.full(missing, fresh, kind), np.array([nobody], kind)
            setattr(self, name, np.concatenate(column))
        self.gaps = np.concatenate([self.gaps, np.full((missing, GAPS), np.inf, np.float16)])

    # what is kept

    def load(self, slot: int, kept: Seen, last: int) -> None:
        """Know what was kept of a device, with a log that ends at `last`; `begin` when all are known."""
        heard = 0 if kept.heard is None else kept.heard
        self.heard[slot] = self.begun[slot] = NEVER if kept.last_seen is None else heard
        self.seen[slot] = self.kept[slot] = kept.last_seen or 0
        if kept.silent_since is not None:
            self.fell[slot], self.since[slot] = heard, kept.silent_since
        self.back[slot] = NEVER if kept.back is None else kept.back
        self.alerted[slot] = kept.alerted
        gaps = np.frombuffer(kept.gaps, np.float16)
        self.gaps[slot, : len(gaps)], self.many[slot] = gaps, len(gaps)
        self.upto[slot] = min(kept.record, last)
        self._replayed = max(self._replayed, int(self.upto[slot]))
        self.listened = max(self.listened, heard)
        self.stale[slot] = True

    def begin(self) -> None:
        """Know who is online, now that all that was kept is known."""
        self._reckon()
        lately = (self.heard > NEVER) & ((self.limit > 0) | (self.listened - self.heard < self._away))
        self.online[:-1] = ((self.fell == NEVER) & lately)[:-1]

    def unkept(self) -> tuple[NDArray[np.intp], bool]:
        """Return who spoke since that was kept; and whether these are all: who falls silent or speaks again is not."""
        dirty = np.flatnonzero(self.seen[:-1] != self.kept[:-1])
        mine = dirty[self.fell[dirty] == NEVER]
        return mine, len(mine) == len(dirty)

    def is_online(self, slot: int) -> bool:
        """Tell whether a device is online: not silent, and connected or heard lately."""
        heard, listened = int(self.heard[slot]), self.listened
        lately = heard > NEVER and (self.limit[slot] > 0 or listened - heard < self._away)
        return bool(self.fell[slot] == NEVER and (self.linked[slot] or lately))

    def row(self, slot: int, device: str, record: int) -> Seen:
        """Return what is to be kept of a device that said all it did up to a record."""
        many, ring = int(self.many[slot]), self.gaps[slot]
        gaps = ring[:many] if many < GAPS else np.roll(ring, -(many % GAPS))
        heard, back = int(self.heard[slot]), int(self.back[slot])
        return Seen(
            device=device,
            last_seen=int(self.seen[slot]) or None,
            silent_since=int(self.since[slot]) or None,
            alerted=bool(self.alerted[slot]),
            heard=None if heard == NEVER else heard,
            back=None if back == NEVER else back,
            gaps=gaps.tobytes(),
            record=record,
        )

    # what happens

    def listen(self, now: int) -> None:
        """Look at the time: what went by since the last look was listened to, unless it was long or backwards."""
        step = 0 if self._looked is None else now - self._looked
        self._looked = now
        if 0 < step <= LONGEST_STEP and not self.deaf:
            self.listened += step

    def hear(self, slots: NDArray[np.int32], record: int, received_at: int, now: int) -> bool:
        """Take the words of a record; return whether anybody spoke who was not online. Gateways speak too."""
        self.listen(now)
        if self._relayed:
            slots = np.concatenate([slots, self.gate[slots]])
        if record <= self._replayed:  # it comes again after a crash, and who was kept since has taken it already
            slots = slots[self.upto[slots] < record]
        self.seen[slots] = received_at
        self.heard[slots] = self.listened
        fresh = self.begun[slots] <= self.listened - OCCASION
        if fresh.any():
            self._begin(slots[fresh])
        return not self.online[slots].all()

    def _begin(self, slots: NDArray[np.int32]) -> None:
        """Note how long it was from the occasions before; a row may stand there twice, and counts once."""
        again = slots[self.begun[slots] > NEVER]
        minutes = np.minimum((self.listened - self.begun[again]) / MINUTE, _WIDEST)
        many = self.many[again]
        self.gaps[again, many % GAPS] = minutes
        self.many[again] = many + 1
        self.stale[again] = True
        self.begun[slots] = self.listened

    def link(self, slot: int, *, linked: bool) -> None:
        """Know whether a device has a connection."""
        self.linked[slot] = linked

    def expect(self, slot: int, expected: Expected) -> None:
        """Know how a device is listened to."""
        self.said[slot] = self.limit[slot] = expected.limit
        self.stale[slot], self.wants[slot] = True, expected.alert

    def stand(self, slot: int, gate: int) -> None:
        """Know behind which gateway a device stands, -1 for none."""
        self.gate[slot] = gate
        self._relayed = self._relayed or gate >= 0

    def leave(self, slot: int) -> None:
        """Know a device no longer."""
        for name, (_, fresh, _) in _COLUMNS.items():
            getattr(self, name)[slot] = fresh
        self.wants[slot] = False

    # what follows from it

    def tick(self, now: int, last: int, taken: int) -> Judged | None:
        """Look at the time; return who is to be what once all words up to a moment are taken, None before that.

        `last` is the last record of the log, `taken` the last that was heard here.
        """
        self.listen(now)
        judged = None
        if self._mark is not None and taken >= self._mark[0]:
            judged, self._mark = self._mark[1], None
        if self._mark is None:
            self._mark = (last, self.listened)
            if taken >= last:
                judged, self._mark = self.listened, None
        if judged is None:
            return None
        self._judged = judged
        return self.again()

    def again(self) -> Judged | None:
        """Return who is to be what as of the last moment that was judged, None if there was none yet."""
        if self._judged == NEVER:
            return None
        self._reckon()
        at, heard, limit = self._judged, self.heard, self.limit
        known = (limit > 0) & (heard > NEVER)
        waited = at - np.maximum(heard, self.back[self.gate]) if self._relayed else at - heard
        was = self.fell > NEVER
        silent = (was & (heard <= self.fell)) | (known & (at - heard >= limit))
        alerted = silent & self.wants & (self.alerted | (waited >= limit))
        if self._relayed:
            alerted &= self._let_speak(silent | was)
        lately = (heard > NEVER) & ((limit > 0) | (at - heard < self._away))
        online = ~silent & (self.linked | lately)
        changed = (silent != was) | (alerted != self.alerted) | (online != self.online)
        return Judged(np.flatnonzero(changed[:-1]), heard.copy(), silent, alerted, online)

    def _let_speak(self, silent: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return whose alert may be open: of those behind a gateway, whose gateway was heard after its own time was up.

        A gateway that speaks again counts among the silent still.
        """
        gate = self.gate
        proven = self.alerted | (self.limit[gate] == 0) | (self.heard[gate] >= self.heard + self.limit)
        may: NDArray[np.bool_] = (gate < 0) | (proven & ~silent[gate])
        return may

    def stands(self, judged: Judged, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return those of some rows of which a judgement still holds: who is silent has not spoken since."""
        still: NDArray[np.intp] = rows[~judged.silent[rows] | (self.heard[rows] == judged.heard[rows])]
        return still

    def as_judged(self, judged: Judged, slot: int, device: str, record: int, now: int) -> Seen:
        """Return the row of a device as it is to be kept before it is settled."""
        seen, silent = self.row(slot, device, record), bool(judged.silent[slot])
        return structs.replace(
            seen,
            silent_since=(seen.silent_since or now) if silent else None,
            alerted=bool(judged.alerted[slot]),
            back=self.listened if not silent and self.fell[slot] > NEVER else seen.back,
        )

    def settle(self, judged: Judged, rows: NDArray[np.intp], now: int) -> None:
        """Let some rows be what they were judged to be, once that is kept."""
        fallen, back = judged.silent[rows], rows[~judged.silent[rows] & (self.fell[rows] > NEVER)]
        fresh = rows[fallen & (self.fell[rows] == NEVER)]
        self.fell[fresh], self.since[fresh] = judged.heard[fresh], now
        self.fell[back], self.since[back] = NEVER, 0
        self.back[back] = self.listened
        self.alerted[rows], self.online[rows] = judged.alerted[rows], judged.online[rows]

    def _reckon(self) -> None:
        """Know the limit of those to whom it can matter: no rhythm makes one shorter than `LEAST`."""
        rows = np.flatnonzero(self.stale & ((self.limit == 0) | (self.heard <= self.listened - LEAST)))
        if not len(rows):
            return
        self.stale[rows] = False
        count = np.minimum(self.many[rows], GAPS).astype(np.intp)
        ordered, each = np.sort(self.gaps[rows].astype(np.float32), axis=1), np.arange(len(rows))
        middle = (ordered[each, (count - 1) // 2] + ordered[each, count // 2]) / 2
        rhythm = np.where(count >= KNOWN_FROM, middle, 0) * TIMES * MINUTE
        guessed = np.where(count >= KNOWN_FROM, np.maximum(rhythm, LEAST), 0).astype(np.int64)
        self.limit[rows] = np.where(self.said[rows] > 0, self.said[rows], guessed)
