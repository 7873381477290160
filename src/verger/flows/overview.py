"""Overview: the page that answers whether everything is all right, what needs me, and what it is doing now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from verger.base.clock import HOUR, Clock
from verger.domain.devices.model import Device
from verger.domain.devices.series import Series
from verger.domain.places.model import Place
from verger.domain.places.store import PlaceStore
from verger.flows.showing import Latest, Showing

_SPARK = 24  # hours, one point each
_HEADLINES = 3
_FIRST = ("temperature", "humidity", "co2", "soil_moisture", "current", "power", "level", "light")
_LAST = ("rssi", "snr", "signal", "battery", "uptime", "heap")  # of the device, not of the place


class Headline(Struct, frozen=True, kw_only=True):
    """One value of a place, with the hourly averages of the last day; hours without readings are None."""

    device: str
    device_name: str
    metric: str
    name: str
    value: float
    unit: str
    at: datetime
    spark: list[float | None]


class Line(Struct, frozen=True, kw_only=True):
    """One place in a line: `because` says what is wrong, None when all is well."""

    id: str
    name: str
    kind: str
    parent: str | None
    timezone: str
    state: str
    because: str | None
    devices: int
    online: int
    headline: list[Headline]


class Silent(Struct, frozen=True):
    """A device that needs somebody: it fell silent, or never spoke. One behind a silent gateway is not named."""

    device: str
    name: str
    place: str
    last_seen: datetime | None
    silent_since: datetime | None


class Today(Struct, frozen=True):
    """What a person sees first."""

    places: list[Line]
    silent: list[Silent]
    devices: int
    online: int
    notices: list[str]  # what the platform itself needs of a person


@dataclass(frozen=True)
class Overview:
    """Reads what the first page shows."""

    showing: Showing
    places: PlaceStore
    clock: Clock
    notices: Callable[[], list[str]]

    async def today(self, tenant: str) -> Today:
        """Return every place that has devices of its own or nothing below it, and what needs a person."""
        tree = await self.places.tree(tenant)
        devices = await self.showing.devices(tenant, await self.showing.kept.devices.at(tenant))
        series = await self.showing.series(tenant, devices)
        latest = self.showing.latest_of(devices, series)
        here: dict[str, list[Device]] = {}
        for device in devices:
            here.setdefault(device.place, []).append(device)
        lines = [
            await self._line(place, here.get(place.id, []), series, latest)
            for place in sorted(tree.places.values(), key=lambda place: place.name.casefold())
            if place.id in here or len(tree.below(place.id)) == 1
        ]
        silent = [Silent(d.id, d.name, d.place, d.last_seen, d.silent_since) for d in _unheard(devices)]
        online = sum(device.online for device in devices)
        return Today(lines, silent, len(devices), online, self.notices())

    async def _line(
        self, place: Place, devices: Sequence[Device], series: Sequence[Series], latest: dict[str, dict[str, Latest]]
    ) -> Line:
        state, because = _judged(devices)
        by_device = {device.id: device for device in devices}
        shown = [s for s in series if s.device in by_device and s.metric in latest[s.device]]
        shown.sort(key=_rank)
        return Line(
            id=place.id,
            name=place.name,
            kind=place.kind,
            parent=place.parent,
            timezone=place.timezone,
            state=state,
            because=because,
            devices=len(devices),
            online=sum(device.online for device in devices),
            headline=[
                await self._headline(by_device[s.device], s, latest[s.device][s.metric]) for s in _distinct(shown)
            ],
        )

    async def _headline(self, device: Device, series: Series, latest: Latest) -> Headline:
        end = self.clock.now() // HOUR * HOUR + HOUR
        start = end - _SPARK * HOUR
        hours = await self.showing.history.hours(series.number, start, end)
        return Headline(
            device=device.id,
            device_name=device.name,
            metric=series.metric,
            name=series.name,
            value=latest.value,
            unit=latest.unit,
            at=latest.at,
            spark=[hours.get(start + hour * HOUR) for hour in range(_SPARK)],
        )


def _unheard(devices: Sequence[Device]) -> list[Device]:
    silent = {device.id for device in devices if device.silent_since is not None}
    return [
        device
        for device in devices
        if (device.id in silent and device.gateway not in silent) or (device.last_seen is None and not device.online)
    ]


def _judged(devices: Sequence[Device]) -> tuple[str, str | None]:
    if not devices:
        return "unknown", "No devices yet"
    if silent := [device.name for device in devices if device.silent_since is not None]:
        return "attention", _told(silent, len(devices), "is silent", "are silent")
    if unheard := [device.name for device in devices if device.last_seen is None and not device.online]:
        return "unknown", _told(unheard, len(devices), "has not spoken yet", "have not spoken yet")
    return "good", None


def _told(names: Sequence[str], of: int, one: str, many: str) -> str:
    return f"{names[0]} {one}" if len(names) == 1 else f"{len(names)} of {of} devices {many}"


def _rank(series: Series) -> tuple[int, str, str]:
    metric = series.metric.lower()
    if any(word in metric for word in _LAST):
        return len(_FIRST) + 1, metric, series.device
    place = next((i for i, word in enumerate(_FIRST) if word in metric), len(_FIRST))
    return place, metric, series.device


def _distinct(series: Sequence[Series]) -> list[Series]:
    """Return the first few, each metric once while there are others."""
    first: dict[str, Series] = {}
    for each in series:
        first.setdefault(each.metric, each)
    chosen = list(first.values())[:_HEADLINES]
    return chosen + [each for each in series if each not in chosen][: _HEADLINES - len(chosen)]
