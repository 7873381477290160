"""Figures of the program as Prometheus metrics."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from verger.flows.oversight import Figure


class Figures(Collector):
    """Reads figures when they are asked for."""

    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        """Read them by calling `read`."""
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Give each figure, those of one name together."""
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for figure in self._read():
            family = families.get(figure.name)
            if family is None:
                kind = CounterMetricFamily if figure.grows else GaugeMetricFamily
                family = families[figure.name] = kind(f"verger_{figure.name}", figure.about, labels=list(figure.labels))
            family.add_metric(list(figure.labels.values()), figure.value)
        yield from families.values()


def refusals(refused: Mapping[int, int]) -> Iterator[Figure]:
    """Return how many requests over HTTP were refused, by status; those of the limits in any case."""
    for status, many in sorted({413: 0, 422: 0, 429: 0, **refused}.items()):
        labels = {"status": str(status)}
        yield Figure("http_refused", "Requests over HTTP that were refused", many, grows=True, labels=labels)


def registry(read: Callable[[], Iterable[Figure]]) -> CollectorRegistry:
    """Return a registry of these figures alone."""
    found = CollectorRegistry()
    found.register(Figures(read))
    return found
