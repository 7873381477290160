"""What outlets and breakers measured, as the spreadsheet script of their people fetches it."""

import asyncio
import json
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

from verger.base.clock import DAY, SECOND, microseconds, moment
from verger.base.errors import Unknown
from verger.base.pages import MOST, Asked
from verger.base.zones import zone_of
from verger.domain.devices.model import Device
from verger.domain.tenancy import keys
from verger.edges.wire.families.call import Call, Reply, whole
from verger.edges.wire.families.desk import Desk
from verger.edges.wire.families.outlet_shapes import is_central, limit, name_of, of_tenant
from verger.flows.charting import Span

NO_KEY = "Invalid or missing API key"
_DAYS, _MOST_DAYS = 30, 366
_MOST_ROWS = 8_640
"""Of one device: one each five minutes over thirty days."""
_MOST_ROWS_TOGETHER = 60_000
_WRITTEN = "%Y-%m-%d %I:%M:%S %p"


async def sheets(desk: Desk, call: Call) -> Reply:
    """Tell what was measured, by outlet and by breaker, the oldest first, to whoever brings an API key of Verger's."""
    key = call.query.get("key", "")
    if not key.startswith(f"{keys.KIND}_"):
        raise Unknown(NO_KEY)
    try:
        caller = await desk.people.tenancy.caller(key)
    except Unknown:
        raise Unknown(NO_KEY) from None
    tenant = caller.needs("history:read").tenant
    span = whole(call.query.get("days", ""), 0, _MOST_DAYS, _DAYS) or _DAYS
    return Reply(200, await _Sheets(desk, tenant, span).text())


@dataclass(frozen=True)
class _Sheets:
    """Puts the tables of a tenant together, a device at a time, so that nobody else waits long."""

    desk: Desk
    tenant: str
    days: int

    async def text(self) -> bytes:
        stories = self.desk.people.stories
        devices = {each.id: each for each in await stories.kept.devices.at(self.tenant)}
        there = [each for each in of_tenant(self.desk, self.tenant) if each.device in devices]
        shown = await stories.showing.devices(self.tenant, [devices[each.device] for each in there])
        now = stories.clock.now()
        points = max(1, min(_MOST_ROWS, _MOST_ROWS_TOGETHER // max(len(there), 1)))
        span = Span(now - self.days * DAY, now + SECOND, points)
        outlets, breakers = [], list[dict[str, Any]]()
        for found, device in zip(there, shown, strict=True):
            if (name := name_of(found)) is not None:
                told = await self._outlet(name, device, span)
                outlets.append(f"{json.dumps(name)}: {json.dumps(told)}")
            elif is_central(found):
                breakers += await self._breaker(found.address.partition("-")[2], device, span)
            await asyncio.sleep(0)
        breakers.sort(key=lambda row: row.pop("at"))
        return f'{{"success": true, "outlets": {{{", ".join(outlets)}}}, "breaker": {json.dumps(breakers)}}}'.encode()

    async def _outlet(self, name: str, device: Device, span: Span) -> dict[str, Any]:
        rows, zone = await self._rows(device, ("current_a", "current_b"), span), await self._zone(device)
        threshold = limit(device.attributes.reported, device.attributes.desired)
        overloads, widths = await self._overloads(device, span), _widths(list(rows))
        readings = [
            {
                "timestamp": _written(at, zone),
                "current_a": _whole(row.get("current_a")),
                "current_b": _whole(row.get("current_b")),
                "threshold": threshold,
                "is_overload": overloads.within(at, at + widths[at]),
            }
            for at, row in rows.items()
        ]
        return {"name": device.name, "device_id": name, "threshold": threshold, "readings": readings}

    async def _breaker(self, ccu_id: str, device: Device, span: Span) -> list[dict[str, Any]]:
        rows, zone = await self._rows(device, ("current_ma",), span), await self._zone(device)
        threshold = device.attributes.desired.get("threshold", device.attributes.reported.get("threshold", 0))
        return [
            {
                "at": at,
                "timestamp": _written(at, zone),
                "ccu_id": ccu_id,
                "current_ma": _whole(row.get("current_ma")),
                "threshold": threshold,
            }
            for at, row in rows.items()
        ]

    async def _rows(self, device: Device, metrics: Sequence[str], span: Span) -> dict[int, dict[str, float]]:
        """Return what was measured at each time in milliseconds, the oldest first."""
        rows: dict[int, dict[str, float]] = {}
        for metric, chart in (
            await self.desk.people.stories.charting.device(self.tenant, device.id, metrics, span)
        ).items():
            for at, value in zip(chart["at"], chart["avg" if chart["raw"] else "last"], strict=True):
                rows.setdefault(at, {})[metric] = value
        return dict(sorted(rows.items()))

    async def _overloads(self, device: Device, span: Span) -> "_Overloads":
        """Return when an outlet was overloaded, as far as that is kept."""
        attributes, changes, asked = self.desk.people.stories.kept.attributes, [], Asked(limit=MOST)
        start, end = moment(span.start), moment(span.end)
        while True:
            page = await attributes.history(self.tenant, device.id, "is_overload", asked, start, end)
            changes += page.items
            if page.next is None:
                break
            asked = Asked(limit=MOST, cursor=page.next)
        changes.reverse()
        reported = device.attributes.reported.get("is_overload")
        first = changes[0].before if changes else reported
        return _Overloads(first is True, [(microseconds(each.at) // 1000, each.value is True) for each in changes])

    async def _zone(self, device: Device) -> tzinfo:
        place = (await self.desk.people.stories.places.tree(self.tenant)).places.get(device.place)
        return (zone_of(place.timezone) if place and place.timezone else None) or UTC


@dataclass(frozen=True)
class _Overloads:
    """Whether an outlet was overloaded at first, and each change since, by milliseconds."""

    first: bool
    changes: Sequence[tuple[int, bool]]

    def within(self, start: int, end: int) -> bool:
        """Whether it was overloaded at any time of start <= time < end."""
        begun, over = (bisect_right(self.changes, (at, True)) for at in (start, end - 1))
        before = self.changes[begun - 1][1] if begun else self.first
        return before or any(overloaded for _, overloaded in self.changes[begun:over])


def _widths(times: Sequence[int]) -> Mapping[int, int]:
    """Return how long each row lasts: until the next one, the last an instant."""
    ends: Iterable[int] = [*times[1:], (times[-1] if times else 0) + 1]
    return {at: max(end - at, 1) for at, end in zip(times, ends, strict=True)}


def _written(at: int, zone: tzinfo) -> str:
    return moment(at * 1000).astimezone(zone).strftime(_WRITTEN)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
