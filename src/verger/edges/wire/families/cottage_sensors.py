"""CottagePilot's sensors as its pages read them: each of a device's metrics is one."""

from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import msgspec

from verger.base.clock import moment
from verger.base.errors import Missing
from verger.domain.devices.model import Device
from verger.edges.wire.dialects.cottage import NAME
from verger.edges.wire.families.call import whole
from verger.edges.wire.families.desk import Desk

UNITS = {"temperature": "°C", "humidity": "%", "pressure": "hPa", "light": "lux", "air_quality": "AQI"}
PAGE = 50


class Sensor(msgspec.Struct, frozen=True):
    """One of a device's metrics, which the old server took for a sensor."""

    device: Device
    metric: str
    sensor_id: str

    @property
    def id(self) -> str:
        """Return a UUID that is always the same."""
        return str(uuid5(NAMESPACE_OID, f"{self.device.id} {self.metric}"))

    @property
    def name(self) -> str:
        """Return what it is called."""
        return f"{self.device.name} {self.metric.replace('_', ' ')}"

    @property
    def unit(self) -> str:
        """Return what it measures in."""
        return UNITS.get(self.metric, "")

    def point(self, at: int, value: float) -> dict[str, Any]:
        """Return a reading of it, at a time in microseconds."""
        about = {"sensor": self.id, "sensor_name": self.name, "sensor_unit": self.unit, "metadata": {}}
        return {"id": f"{self.id}-{at}", **about, "value": value, "timestamp": moment(at)}


async def sensors_of(desk: Desk, tenant: str) -> list[Sensor]:
    """Return all sensors of a tenant."""
    devices = await desk.people.stories.kept.devices.at(tenant)
    return [each for device in devices if device.dialect == NAME for each in of_device(device)]


def of_device(device: Device) -> list[Sensor]:
    """Return the sensors of a device."""
    return [Sensor(device, metric, sensor_id) for sensor_id, metric in device.channels.items()]


async def find(desk: Desk, tenant: str, sensor_uuid: str) -> Sensor:
    """Return the sensor of a tenant that its pages know by a UUID; raise Missing."""
    found = next((each for each in await sensors_of(desk, tenant) if each.id == sensor_uuid), None)
    if found is None:
        raise Missing("Not found.")
    return found


def series_of(desk: Desk, sensor: Sensor) -> int | None:
    """Return the number of a sensor's series, None while it has said nothing."""
    known = desk.people.stories.kept.registry.known(sensor.device.id)
    return known.series.get(sensor.metric) if known else None


def listed(call_base: str, found: Sequence[Any], page: str, query: str = "") -> dict[str, Any]:
    """Return one page of a list, as the old server told it, with what else was asked; raise Missing past its end."""
    number = whole(page, 0, 1 << 31, 1)
    last = max(1, -(-len(found) // PAGE))
    if not 1 <= number <= last:
        raise Missing("Invalid page.")

    def link(to: int) -> str | None:
        return f"{call_base}?{query}{'&' * bool(query)}page={to}" if 1 <= to <= last else None

    start = (number - 1) * PAGE
    results = list(found[start : start + PAGE])
    return {"count": len(found), "next": link(number + 1), "previous": link(number - 1), "results": results}
