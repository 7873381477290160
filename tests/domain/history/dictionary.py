"""A history as plain dictionaries, thinned hours and deletions included."""

from verger.base.clock import DAY, HOUR


class Dictionary:
    """Readings by series and time, the first stands; of thinned hours only their sums; a log to be fed from."""

    def __init__(self) -> None:
        self.records: list[list[tuple[int, int, float]]] = []
        self.held: dict[int, dict[int, float]] = {}
        self.sums: dict[tuple[int, int], list[float]] = {}
        self.latest: dict[int, tuple[int, float]] = {}

    def take(self, rows: list[tuple[int, int, float]]) -> int:
        self.records.append(rows)
        self.load(rows)
        return len(self.records)

    def load(self, rows: list[tuple[int, int, float]]) -> None:
        for series, at, value in rows:
            if (series, at // HOUR) not in self.sums:
                self.held.setdefault(series, {}).setdefault(at, value)
            if series not in self.latest or at > self.latest[series][0]:
                self.latest[series] = (at, value)

    def thin(self, series: int, before: int) -> None:
        before = before // DAY * DAY
        held = self.held.get(series, {})
        for at in sorted(at for at in held if at < before):
            self.sums.setdefault((series, at // HOUR), []).append(held.pop(at))

    def drop(self, series: int, before: int) -> None:
        before = before // DAY * DAY
        self.held[series] = {at: value for at, value in self.held.get(series, {}).items() if at >= before}
        self.sums = {k: v for k, v in self.sums.items() if k[0] != series or k[1] * HOUR >= before}
        if series in self.latest and self.latest[series][0] < before:
            del self.latest[series]

    def delete(self, series: int) -> None:
        self.drop(series, 2**62)

    def hours(self, series: int) -> dict[int, list[float]]:
        hours = {hour: list(values) for (number, hour), values in self.sums.items() if number == series}
        for at, value in sorted(self.held.get(series, {}).items()):
            hours.setdefault(at // HOUR, []).append(value)
        return dict(sorted(hours.items()))
