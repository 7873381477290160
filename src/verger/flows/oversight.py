"""Oversight: what the platform itself is doing, for people, for probes and for metrics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from verger import __version__
from verger.base.clock import Clock
from verger.base.plural import counted
from verger.domain.devices.kept import Kept
from verger.domain.history.model import Stats
from verger.domain.telemetry.followers import Followers
from verger.domain.telemetry.log import Log
from verger.domain.telemetry.store import FollowerStore
from verger.flows.keeping import Keeping

_BEHIND_S = 60.0


class Figure(Struct, frozen=True):
    """One number: `grows` says that it is a counter."""

    name: str
    about: str
    value: float
    grows: bool = False
    labels: dict[str, str] = {}


@dataclass
class Oversight:
    """Looks at the log, its followers and the history; `wire` tells the figures of the wire."""

    log: Log
    followers: Followers
    letters: FollowerStore
    keeping: Keeping
    kept: Kept
    clock: Clock
    wire: Callable[[], Iterator[Figure]]
    disk: Callable[[], Any]
    connections: Callable[[str], int]  # of an organisation
    stats: Stats | None = None
    _before: tuple[int, int] = field(default=(0, 0))
    _rate: float = 0.0

    async def look(self) -> None:
        """Take the figures that cost something; to be done now and then."""
        self.stats = await self.keeping.history.stats()
        now, readings = self.clock.now(), self.keeping.readings
        at, before = self._before
        if at and now > at:
            self._rate = (readings - before) * 1e6 / (now - at)
        self._before = (now, readings)

    async def state(self) -> dict[str, Any]:
        """Return all of it for a person."""
        stats = await self.keeping.history.stats()
        return {
            "version": __version__,
            "log": {
                "last": self.log.last,
                "kept_bytes": self.log.kept_bytes,
                "rate": self._rate,
                "trouble": self.log.trouble,
            },
            "followers": [
                {"name": lag.name, "position": lag.position, "lag": lag.records, "lag_s": lag.seconds}
                for lag in self.followers.lags()
            ],
            "dead_letters": await self.letters.dead_letters(),
            "history": stats,
            "devices": sum(1 for _ in self.kept.registry.everyone()),
            "connections": next((int(f.value) for f in self.wire() if f.name == "mqtt_connections"), 0),
            "aside": self.log.aside,
            "disk": self.disk(),
        }

    def own(self, tenant: str) -> dict[str, Any]:
        """Return what an organisation may know that does not run this Verger: nothing that tells of others."""
        return {
            "version": __version__,
            "log": None,
            "followers": [],
            "dead_letters": [],
            "history": {},
            "devices": sum(known.tenant == tenant for known in self.kept.registry.everyone()),
            "connections": self.connections(tenant),
            "aside": [],
            "disk": None,
        }

    async def check_log(self) -> str:
        """Tell whether the log keeps what is sent."""
        return f"The log cannot keep what is sent: {self.log.trouble}" if self.log.trouble else "ok"

    async def check_aside(self) -> str:
        """Tell whether all of the log could be read, as far as it is still there."""
        parts = len(self.log.aside)
        if not parts:
            return "ok"
        were = "was" if parts == 1 else "were"
        return (
            f"{counted(parts, 'part')} of the log could not be read and {were} set aside: what devices said there may "
            "be missing. The server's log names each, and verger verify looks for more; see to the disk."
        )

    async def check_followers(self) -> str:
        """Tell whether what follows the log keeps up."""
        behind = [lag for lag in self.followers.lags() if lag.trouble or lag.seconds > _BEHIND_S]
        sentences = (f"{lag.name} is {lag.seconds:.0f} s behind. {lag.trouble or ''}".strip() for lag in behind)
        return " ".join(sentences) or "ok"

    async def check_history(self) -> str:
        """Tell whether the history is whole and can be written."""
        stats = await self.keeping.history.stats()
        if stats.trouble:
            return f"The history cannot be written: {stats.trouble}"
        if stats.damaged:
            parts = counted(len(stats.damaged), "part")
            return f"{parts} of the history cannot be read: restore the newest backup if you need what is missing."
        return "ok"

    def figures(self) -> Iterator[Figure]:
        """Return every figure for the metrics page."""
        yield from self._log_figures()
        yield from self._follower_figures()
        yield Figure("devices", "Devices that may speak", sum(1 for _ in self.kept.registry.everyone()))
        yield Figure("device_remarks", "Remarks on devices' log pages", self.kept.remarks.total, grows=True)
        if self.stats is not None:
            yield Figure("history_readings", "Readings in chunks", self.stats.readings)
            yield Figure("history_chunks", "Chunks", self.stats.chunks)
            yield Figure("history_disk_bytes", "Bytes of the history on disk", self.stats.disk_bytes)
            said = "Readings that came for hours of which only summaries are left, and are not kept"
            yield Figure("history_late_readings", said, self.stats.late, grows=True)
            yield Figure("history_hot_bytes", "Bytes of readings in memory", self.stats.hot_bytes)
        yield from self.wire()

    def _log_figures(self) -> Iterator[Figure]:
        tally = self.log.tally
        yield Figure("log_records", "Records appended since the start", tally.records, grows=True)
        yield Figure("log_readings", "Readings appended since the start", self.keeping.readings, grows=True)
        yield Figure("log_kept_bytes", "Bytes of the log on disk", self.log.kept_bytes)
        yield Figure("log_pending_bytes", "Bytes that wait for the disk", self.log.pending_bytes)
        yield Figure("log_syncs", "Syncs of the log", tally.syncs, grows=True)
        yield Figure("log_sync_seconds", "Seconds spent in syncs of the log", tally.sync_seconds, grows=True)
        yield Figure("log_failures", "Groups that the disk did not keep", tally.failures, grows=True)
        yield Figure("log_aside", "Parts of the log that were set aside", len(self.log.aside))

    def _follower_figures(self) -> Iterator[Figure]:
        for lag in self.followers.lags():
            labels = {"follower": lag.name}
            yield Figure("follower_lag_records", "Records behind the log", lag.records, labels=labels)
            yield Figure("follower_lag_seconds", "Seconds behind the log", lag.seconds, labels=labels)
            letters = float(lag.dead_letters)
            yield Figure("follower_dead_letters", "Records it could not take", letters, grows=True, labels=labels)
