"""The newest records of the log, in memory."""

from collections.abc import Iterator

from verger.domain.telemetry.model import Batch

_OVERHEAD = 600  # bytes that a batch and its three arrays take besides their contents


class Ring:
    """Batches of rising sequences without a gap, the oldest forgotten when they take more than `most_bytes`.

    `first` is the sequence of the oldest one, or beyond every sequence while there is none.
    """

    def __init__(self, most_bytes: int) -> None:
        """Hold nothing yet."""
        self.bytes = 0
        self.first = 1 << 64
        self._most_bytes = most_bytes
        self._batches: dict[int, tuple[Batch, int]] = {}

    def add(self, batch: Batch, length: int) -> None:
        """Hold the newest batch, of so many bytes."""
        if not self._batches:
            self.first = batch.sequence
        length += _OVERHEAD
        self._batches[batch.sequence] = batch, length
        self.bytes += length
        while self.bytes > self._most_bytes and len(self._batches) > 1:
            self.bytes -= self._batches.pop(self.first)[1]
            self.first += 1

    def behind(self, sequence: int, most: int) -> Iterator[Batch]:
        """Give the batches that follow a sequence without a gap, so many at most; none if they are not held."""
        for wanted in range(sequence + 1, sequence + 1 + most):
            held = self._batches.get(wanted)
            if held is None:
                return
            yield held[0]
