"""Enrolling: a place is opened to devices without a credential, and closed again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

from msgspec import Struct, structs

from verger.base.clock import Clock, moment
from verger.base.errors import Conflict, Fault, Invalid, Missing
from verger.base.ids import new_id
from verger.base.pages import Asked, Page
from verger.base.secrets import digest, new_token
from verger.domain.devices.families import FAMILIES
from verger.domain.enrolments.model import KIND, Enrolment, inside, private
from verger.domain.places.store import PlaceStore
from verger.flows.enrolled import Enrolled

OPEN_FOR = timedelta(hours=24)
_TAKEN = {
    "networks": "This network belongs to an enrolment of another organisation here; name a narrower one, or use a key.",
    "certificates": "This certificate belongs to an enrolment of another organisation here.",
    "port": "This port belongs to an enrolment of another organisation here; name another.",
}


class Opened(Struct, frozen=True):
    """A new enrolment and its key, which is shown once."""

    enrolment: Enrolment
    key: str


@dataclass(frozen=True)
class Enrolling:
    """What people do with enrolments; `shut` ends its connections, `allowed` are networks beside private ones."""

    enrolled: Enrolled
    places: PlaceStore
    clock: Clock
    allowed: Sequence[str]
    shut: Callable[[str], None]

    async def page(self, tenant: str, asked: Asked) -> Page[Enrolment]:
        """Return a page of enrolments, the newest first."""
        return await self.enrolled.enrolments.page(tenant, asked)

    async def get(self, tenant: str, enrolment: str) -> Enrolment:
        """Return one enrolment; raise Missing."""
        return await self.enrolled.enrolments.get(tenant, enrolment)

    async def add(self, tenant: str, wish: Mapping[str, Any]) -> Opened:
        """Open a place to devices of a dialect; raise Invalid or Conflict."""
        now = moment(self.clock.now())
        fields = {"open_until": now + OPEN_FOR, **{name: value for name, value in wish.items() if value is not None}}
        enrolment = Enrolment(id=new_id(), created_at=now, **_lists(fields))
        await self._check(tenant, enrolment)
        key = new_token(KIND)
        await self.enrolled.enrolments.add(tenant, enrolment, digest(key))
        self.enrolled.roll.put(tenant, digest(key), enrolment)
        await self.enrolled.look()
        return Opened(enrolment, key)

    async def change(self, tenant: str, enrolment: Enrolment, wish: Mapping[str, Any]) -> Enrolment:
        """Keep a changed enrolment; raise Invalid, Conflict or Stale."""
        after = structs.replace(enrolment, **_lists(wish))
        await self._check(tenant, after)
        after = await self.enrolled.enrolments.change(tenant, after)
        self.enrolled.roll.change(after)
        await self.enrolled.look()
        return after

    async def remove(self, tenant: str, enrolment: str) -> None:
        """End an enrolment: its strangers are forgotten with their codes, and its devices are heard there no longer."""
        async with self.enrolled.kept.db.writing() as connection:
            await self.enrolled.enrolments.remove(connection, tenant, enrolment)
            await self.enrolled.end(connection, tenant, enrolment)
        self.shut(enrolment)

    async def _check(self, tenant: str, enrolment: Enrolment) -> None:
        if enrolment.dialect not in FAMILIES:
            names = ", ".join(FAMILIES)
            raise Invalid(f"The dialects are: {names}.", [Fault("dialect", f"Choose one of: {names}.")])
        try:
            await self.places.get(tenant, enrolment.place)
        except Missing:
            raise Invalid("There is no such place.", [Fault("place", "Name a place that is there.")]) from None
        more = [ip_network(text) for text in self.allowed]
        for network in enrolment.ranges:
            if not private(network) and not inside(network, more):
                sentence = f"{network} is not private; only the operator can allow it, in VERGER_ENROLMENT_NETWORKS."
                raise Invalid(sentence, [Fault("networks", sentence)])
        for field in self.enrolled.roll.taken(tenant, enrolment):
            raise Conflict(_TAKEN[field], [Fault(field, _TAKEN[field])])


def _lists(wish: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields with what is written in several ways written in one."""
    fields = dict(wish)
    if "networks" in fields:
        fields["networks"] = tuple(str(text).strip() for text in fields["networks"])
    if "certificates" in fields:
        fields["certificates"] = tuple(str(text).replace(":", "").lower() for text in fields["certificates"])
    return fields
