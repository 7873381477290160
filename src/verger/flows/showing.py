"""Showing: devices as they stand now, from what is kept and what was last heard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from verger.base.clock import moment
from verger.base.errors import Missing
from verger.domain.devices.kept import Kept
from verger.domain.devices.model import Connect, Device, Named, State
from verger.domain.devices.series import Series
from verger.domain.history.history import History
from verger.domain.places.store import PlaceStore
from verger.flows.presence import Presence
from verger.flows.wording import series_of


class Latest(Struct, frozen=True):
    """The reading of a metric with the greatest time."""

    value: float
    unit: str
    at: datetime


@dataclass(frozen=True)
class Showing:
    """Puts together what a person sees of devices."""

    kept: Kept
    places: PlaceStore
    history: History
    presence: Presence
    connect: Connect

    async def device(self, tenant: str, device: str) -> Device:
        """Return one device as it stands now; raise Missing."""
        return (await self.devices(tenant, [await self.kept.devices.get(tenant, device)]))[0]

    async def devices(self, tenant: str, devices: Sequence[Device]) -> list[Device]:
        """Return devices with their presence, attributes and metrics filled in."""
        ids = [device.id for device in devices]
        attributes = await self.kept.attributes.of(tenant, ids)
        metrics: dict[str, dict[str, Named]] = {}
        for series in await self.series(tenant, devices):
            metrics.setdefault(series.device, {})[series.metric] = Named(unit=series.unit, name=series.name)
        return [self._filled(device, attributes.get(device.id, State()), metrics) for device in devices]

    def _filled(self, device: Device, attributes: State, metrics: dict[str, dict[str, Named]]) -> Device:
        return structs.replace(
            device,
            attributes=attributes,
            connect=self.connect,
            metrics=metrics.get(device.id, {}),
            online=self.presence.online(device.id),
            last_seen=self.seen(device),
            silent_since=self.silent_since(device),
        )

    async def series(self, tenant: str, devices: Sequence[Device]) -> list[Series]:
        """Return the series of devices; units and names come from the device, else from its type."""
        return await series_of(self.kept, tenant, devices)

    async def latest(self, tenant: str, devices: Sequence[Device]) -> dict[str, dict[str, Latest]]:
        """Return the latest reading of each metric, by device."""
        return self.latest_of(devices, await self.series(tenant, devices))

    def latest_of(self, devices: Sequence[Device], series: Sequence[Series]) -> dict[str, dict[str, Latest]]:
        """Return the latest reading of each of some series of devices, by device and metric."""
        found: dict[str, dict[str, Latest]] = {device.id: {} for device in devices}
        for each, reading in zip(series, self.history.latest([s.number for s in series]), strict=True):
            if reading is not None:
                found[each.device][each.metric] = Latest(reading[1], each.unit, moment(reading[0]))
        return found

    async def subject(self, tenant: str, kind: str, subject: str) -> "Subject":
        """Return a "place" with all below it, a "device", or the "tenant", ready to be shown; raise Missing.

        Of a tenant no devices are shown, only what happens in it.
        """
        if kind == "tenant":
            if subject != tenant:
                raise Missing("There is no such organisation.")
            return Subject(self, kind, subject, [subject], [], [])
        if kind == "device":
            devices, below = [await self.kept.devices.get(tenant, subject)], [subject]
        else:
            await self.places.get(tenant, subject)
            below = (await self.places.tree(tenant)).below(subject)
            devices = await self.kept.devices.at(tenant, below)
        return Subject(self, kind, subject, below, devices, await self.series(tenant, devices))

    def snapshot(self, of: "Subject") -> dict[str, Any]:
        """Return how a subject stands this very moment."""
        latest = self.latest_of(of.devices, of.series)
        shown = [
            {
                "id": device.id,
                "online": self.presence.online(device.id),
                "last_seen": self.seen(device),
                "silent_since": self.silent_since(device),
                "latest": latest[device.id],
            }
            for device in of.devices
        ]
        return {"type": "snapshot", of.kind: of.id, "devices": shown}

    def seen(self, device: Device) -> datetime | None:
        """Return when a device was last heard."""
        seen = self.presence.last_seen(device.id)
        return device.last_seen if seen is None else moment(seen)

    def silent_since(self, device: Device) -> datetime | None:
        """Return when a device was found silent, None while it is not."""
        since = self.presence.silence_of(device.id).silent_since
        return None if since is None else moment(since)


@dataclass(frozen=True)
class Subject:
    """What one screen shows: a place and all below it, one device, or what happens in the whole organisation."""

    showing: Showing
    kind: str
    id: str
    below: list[str]
    devices: list[Device]
    series: list[Series]

    def snapshot(self) -> dict[str, Any]:
        """Return how it stands this very moment."""
        return self.showing.snapshot(self)
