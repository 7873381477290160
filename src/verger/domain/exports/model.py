"""What is to be exported, and what one row says of where its value comes from."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from verger.base.errors import Fault, Invalid
from verger.base.zones import zone_of

Format = Literal["csv", "parquet"]
Key = Annotated[str, Meta(min_length=1, max_length=200)]

COLUMNS = ("device", "device_name", "place", "metric", "unit", "time", "value")


class SeriesName(Struct, frozen=True, forbid_unknown_fields=True):
    """One metric of one device."""

    device: Key
    metric: Key


class Wanted(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which series, from when (inclusive) to when (exclusive), in what form.

    `devices` brings all their metrics, `places` all that was measured there or below while it was there, `metrics`
    leaves only these. Without `from` all of the past, without `to` up to now. CSV writes its times in `timezone`.
    """

    series: tuple[SeriesName, ...] = ()
    devices: tuple[Key, ...] = ()
    places: tuple[Key, ...] = ()
    metrics: tuple[Key, ...] = ()
    start: datetime | None = field(default=None, name="from")
    end: datetime | None = field(default=None, name="to")
    format: Format = "csv"
    timezone: Key = "UTC"

    def __post_init__(self) -> None:
        """Refuse what cannot be exported; raise Invalid with a fault for each field."""
        faults = tuple(_faults(self))
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)


class Label(Struct, frozen=True):
    """Where a value comes from, as the first columns of its row say it; `place` is where the device was then."""

    device: str
    device_name: str
    place: str
    metric: str
    unit: str


def _faults(wanted: Wanted) -> list[Fault]:
    faults = []
    if not (wanted.series or wanted.devices or wanted.places):
        faults.append(Fault("series", "Name what to export: series, devices or places."))
    for name, at in (("from", wanted.start), ("to", wanted.end)):
        if at is not None and at.tzinfo is None:
            faults.append(Fault(name, "Write the time with its zone, such as 2026-05-01T12:00:00Z."))
    if not faults and wanted.start and wanted.end and wanted.end <= wanted.start:
        faults.append(Fault("to", "Give a time after `from`."))
    if zone_of(wanted.timezone) is None:
        faults.append(Fault("timezone", "Write the name of a time zone, such as Europe/Helsinki."))
    elif wanted.format == "parquet" and wanted.timezone != "UTC":
        faults.append(Fault("timezone", "Parquet keeps instants, which have no zone: leave it out, or choose CSV."))
    return faults
