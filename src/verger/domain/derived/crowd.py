"""A crowd: the last readings of one metric by all devices below a place, and what they come to together."""

from collections.abc import Collection, Iterator

import numpy as np

Last = tuple[int, float]
"""When something was read, in microseconds, and what."""

_LEAST = 8  # rows


class Crowd:
    """Rows of arrays, so that one reading more costs the same with ten devices and nearly so with ten thousand."""

    def __init__(self) -> None:
        """Know no reading."""
        self.latest = 0
        self._rows: dict[str, int] = {}
        self._devices: list[str] = []  # by row
        self._at = np.zeros(_LEAST, np.int64)
        self._value = np.zeros(_LEAST)

    def __len__(self) -> int:
        """Return of how many devices a reading is known."""
        return len(self._devices)

    def last(self, device: str) -> Last | None:
        """Return the last reading of a device."""
        row = self._rows.get(device)
        return None if row is None else (int(self._at[row]), float(self._value[row]))

    def everything(self) -> Iterator[tuple[str, Last]]:
        """Give each device with its last reading."""
        yield from zip(self._devices, zip(self._at.tolist(), self._value.tolist(), strict=True), strict=False)

    def put(self, device: str, last: Last | None) -> None:
        """Know another last reading of a device, or none, whatever is known."""
        if last is None:
            self._drop(device)
            return
        row = self._rows.get(device)
        if row is None:
            row = self._rows[device] = len(self._devices)
            self._devices.append(device)
            if row == len(self._at):
                self._at = np.concatenate([self._at, np.zeros_like(self._at)])
                self._value = np.concatenate([self._value, np.zeros_like(self._value)])
        self._at[row], self._value[row] = last
        self.latest = max(self.latest, last[0])

    def keep(self, devices: Collection[str]) -> None:
        """Know of some devices alone: the others are there no longer, or elsewhere."""
        for device in [each for each in self._devices if each not in devices]:
            self._drop(device)

    def joined(self, name: str, since: int) -> float | None:
        """Return the "sum", "mean", "min", "max" or "count" of what was read at a time or later, None of nothing."""
        known = len(self._devices)
        values = self._value[:known][self._at[:known] >= since]
        if name == "count":
            return float(len(values))
        if not len(values):
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number any more is no result
            match name:
                case "sum":
                    return float(values.sum())
                case "mean":
                    return float(values.sum()) / len(values)
                case "min":
                    return float(values.min())
        return float(values.max())

    def _drop(self, device: str) -> None:
        """Fill the row of a device with the last one."""
        row = self._rows.pop(device, None)
        if row is None:
            return
        last = self._devices.pop()
        if last != device:
            self._devices[row], self._rows[last] = last, row
            end = len(self._devices)
            self._at[row], self._value[row] = self._at[end], self._value[end]
