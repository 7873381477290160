"""Lies: devices that speak for others, or contradict themselves: refused, counted, and shown to those who manage."""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from verger.base.clock import MINUTE, Clock
from verger.base.errors import Fault
from verger.domain.alerts.model import Opening, Severity
from verger.domain.alerts.store import AlertStore
from verger.domain.devices.kept import Kept
from verger.domain.enrolments.model import Enrolment
from verger.domain.telemetry.model import Heard
from verger.flows.oversight import Figure

LIED = "It spoke under the address of another device, which its credential does not allow."
RULE = "lie"  # of the alert; behind it an enrolment, where nobody knows who it was
_REST = MINUTE  # between two openings of one alert
_MOST = 1_000  # alerts that wait to be opened

_About = tuple[str, str, str | None]
"""A tenant, the rule of an alert, and the device it is about."""


class _Lie(Struct, frozen=True):
    """What was said, where, and in which dialect."""

    sentence: str
    place: str
    dialect: str


class Lies:
    """Counts lies by dialect; the log page of a device has each, and an alert opens, which ends by itself."""

    def __init__(self, kept: Kept, alerts: AlertStore, clock: Clock) -> None:
        """Know of none."""
        self.told: Counter[str] = Counter()
        self._kept, self._alerts, self._clock = kept, alerts, clock
        self._waiting: dict[_About, _Lie] = {}
        self._opened: dict[_About, int] = {}

    def of(self, device: str, dialect: str, sentence: str) -> Heard:
        """Count what is held against a known device; return it for the inlet, which notes it on the log page."""
        self.told[dialect] += 1
        if known := self._kept.registry.known(device):
            self._wait((known.tenant, RULE, device), _Lie(sentence, known.place, dialect))
        return Heard(device, (), (Fault("address", sentence),))

    def by(self, device: str, dialect: str, sentence: str) -> None:
        """Count a lie of a device that was refused already, and note it on its log page."""
        self.of(device, dialect, sentence)
        if known := self._kept.registry.known(device):
            self._kept.remarks.note(known.tenant, device, "refused", sentence)

    def at(self, tenant: str, enrolment: Enrolment, sentence: str) -> None:
        """Count a lie of a stranger at an enrolment."""
        self.told[enrolment.dialect] += 1
        lie = _Lie(sentence, enrolment.place, enrolment.dialect)
        self._wait((tenant, f"{RULE} {enrolment.id}", None), lie)

    def _wait(self, about: _About, lie: _Lie) -> None:
        now = self._clock.now()
        if self._opened.get(about, -_REST) + _REST <= now and (about in self._waiting or len(self._waiting) < _MOST):
            self._waiting[about] = lie

    async def write(self) -> None:
        """Open an alert for each who lied since the last time; where that fails it waits for the next."""
        now = self._clock.now()
        self._opened = {about: at for about, at in self._opened.items() if at + _REST > now}
        for about, lie in list(self._waiting.items()):
            tenant, rule, device = about
            opening = Opening(
                rule=rule,
                device=device,
                place=lie.place,
                severity=Severity.warning,
                message=f"{await self._name(tenant, device, lie)}: {lie.sentence}",
                at=now,
                momentary=True,
            )
            async with self._kept.db.writing() as connection:
                await self._alerts.open(connection, tenant, opening)
            self._opened[about] = now
            self._waiting.pop(about, None)

    async def _name(self, tenant: str, device: str | None, lie: _Lie) -> str:
        found = await self._kept.devices.these(tenant, [device] if device else [])
        return found[0].name if found else f"A device that speaks {lie.dialect} and was not adopted"

    def figures(self) -> Iterator[Figure]:
        """Return how many there were."""
        about = "Messages of devices that spoke for others, or contradicted themselves"
        for dialect, count in sorted(self.told.items()):
            yield Figure("families_lied", about, count, grows=True, labels={"dialect": dialect})
