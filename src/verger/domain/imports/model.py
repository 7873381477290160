"""How a file of readings is to be understood, and what came of it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from verger.base.errors import Fault, Invalid
from verger.base.zones import zone_of

Text = Annotated[str, Meta(min_length=1, max_length=200)]
MOST_FAULTS = 50
MOST_SERIES = 1000  # that a report names


class FileForm(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a file is understood; left alone it fits what Verger exports.

    `long`: a row for each reading, with the columns `device`, `metric` and `value`. `wide`: a column for each metric,
    named in `metrics` by column, else all but the time's. `device` says whose all rows are, else a column does, by id
    or by a name that one device has. Times without a zone are those of `timezone`. Dates that begin with the day or the
    month (31.12.2026) are known for what they are where all of a file can only be one of both.
    """

    form: Literal["long", "wide"] = "long"
    device: Text | None = None
    time_column: Text = "time"
    device_column: Text = "device"
    metric_column: Text = "metric"
    value_column: Text = "value"
    unit_column: Text = "unit"
    metrics: dict[Text, Text] = {}
    time: Literal["rfc3339", "day_first", "month_first", "s", "ms"] = "rfc3339"
    timezone: Text = "UTC"
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."

    def __post_init__(self) -> None:
        """Refuse what contradicts itself; raise Invalid."""
        faults = []
        if zone_of(self.timezone) is None:
            faults.append(Fault("timezone", "Write the name of a time zone, such as Europe/Helsinki."))
        if self.separator == self.decimal:
            faults.append(Fault("decimal", "The decimal sign and the separator cannot be the same."))
        if faults:
            raise Invalid(" ".join(fault.message for fault in faults), faults)


class LineFault(Struct, frozen=True):
    """What is wrong with one line of a file, by its number; the first is 1."""

    line: int
    message: str


class SeriesFound(Struct, frozen=True):
    """A series that a file has readings of, and whether it is new."""

    device: str
    metric: str
    new: bool


class Report(Struct, frozen=True):
    """What a file holds, and what is, or on a trial would be, kept of it.

    `readings` are those that can be understood; of them `duplicates` are there already, and stay as they are.
    `faults` tells the first of the `faulty` ones; `series` the first of the `series_count`.
    """

    trial: bool
    lines: int
    readings: int
    kept: int
    duplicates: int
    faulty: int
    faults: tuple[LineFault, ...]
    series: tuple[SeriesFound, ...]
    series_count: int
    first: str | None
    last: str | None
