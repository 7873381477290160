"""The whole product at home, with devices that speak, to be backed up and restored."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from verger.app import House
from verger.base.clock import SECOND, HeldClock, moment
from verger.base.folder import DataFolder
from verger.base.ids import new_id
from verger.domain.backups.mark import Mark
from verger.domain.backups.shelf import Shelf
from verger.domain.devices.model import Device
from verger.domain.telemetry.model import Event, Heard, Readings
from verger.flows.backing import BackingUp
from verger.flows.restoring import Restoring

NOON = 1_800_000_000 * SECOND
NOW = moment(NOON)


@dataclass
class Home:
    """A house with devices that speak; `kept` is what was acknowledged, by device."""

    house: House
    folder: Path
    clock: HeldClock
    tenant: str
    place: str
    kept: dict[str, list[int]] = field(default_factory=dict)

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder.parent / "shelf")

    def backing(self, shelf: Shelf | None = None) -> BackingUp:
        return BackingUp(
            self.folder,
            self.folder / "verger.db",
            self.house.stores.log,
            shelf or self.shelf,
            self.clock,
            7,
            self.house.stores.history.copy,
        )

    async def add(self, place: str | None = None) -> str:
        made = Device(id=new_id(), name=f"Probe {len(self.kept)}", place=place or self.place, created_at=NOW)
        device, _ = await self.house.grounds.provisioning.add(self.tenant, made)
        self.kept[device.id] = []
        return device.id

    async def speak(self, device: str, count: int, start: int = NOON) -> None:
        """Let a device tell a reading a second and an event with each; return once all is acknowledged."""
        for number in range(len(self.kept[device]), len(self.kept[device]) + count):
            at = start + number * SECOND
            said = (Readings({"t": float(number)}, at), Event("beat", number, at, str(number)))
            await self.house.inlet.put(Heard(device, said))
            self.kept[device].append(number)


async def told(house: House, tenant: str, device: str) -> tuple[list[int], list[int]]:
    """Return the numbers of a device's readings, and of its events, as they are kept."""
    await house.oversight.followers.caught_up()
    series = await house.stores.kept.series.of(tenant, [device])
    readings = [
        round(value)
        for each in series
        for value in (await house.stores.history.raw(each.number, 0, 1 << 62, 1 << 20)).value.tolist()
    ]
    async with house.stores.db.reading() as connection:
        rows = await connection.exec_driver_sql("SELECT identity FROM event WHERE device = ?", (device,))
        events = sorted(int(row[0].removeprefix("id:")) for row in rows)
    return readings, events


Open = Callable[[Path], Awaitable[House]]


def restore(
    home: Home, shelf: Shelf | None = None, backup: str | None = None, to: Path | None = None, **how: Any
) -> tuple[Path, Mark]:
    folder = to or home.folder.with_name("restored")
    lock = DataFolder.hold(folder)
    try:
        return folder, Restoring(folder, shelf or home.shelf, home.clock).restore(backup, replace=False, **how)
    finally:
        lock.release()
