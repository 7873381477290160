"""What people of treatment machines change of places and devices, in their old words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import structs

from verger.base.clock import moment
from verger.base.errors import Invalid
from verger.base.ids import new_id
from verger.domain.devices.model import Device
from verger.domain.places.model import Place
from verger.edges.wire.dialects.ozone import NAME
from verger.edges.wire.families.ozone_shapes import Estate

OF_OUTLET = ("location", "contact_person", "contact_phone")
OF_MACHINE = ("machine_type", "notes")
_LONGEST = {"location": 300, "contact_person": 100, "contact_phone": 20, "notes": 4000}
_DATES = ("installed_date", "last_maintenance")


async def bring(estate: Estate, address: str, place: str, name: str) -> Device:
    """Let a device be at a place: one that is known moves, one that waits is adopted, any other is expected."""
    stories, tenant = estate.desk.people.stories, estate.tenant
    known, waiting = estate.known(address), estate.waiting(address)
    if known is not None:
        found = await stories.kept.devices.get(tenant, known.id)
        return await stories.provisioning.change(tenant, structs.replace(found, place=place), {})
    if waiting is not None:
        return (await stories.adopting.adopt(tenant, waiting.id, {"place": place, "name": name})).device
    fresh = Device(
        id=new_id(), name=name, place=place, dialect=NAME, address=address, created_at=moment(stories.clock.now())
    )
    return (await stories.adopting.add(tenant, fresh))[0]


def wanted_of(told: Mapping[str, Any], before: Place | None, texts: tuple[str, ...]) -> dict[str, Any]:
    """Return what to change of a place; an empty text, or an empty date, is none."""
    attributes = dict(before.attributes) if before else {}
    for field in texts:
        if field in told:
            attributes[field] = text_of(told, field)
    for field in _DATES if texts is OF_MACHINE else ():
        if field in told:
            attributes[field] = _date(told, field)
    if isinstance(told.get("is_active"), bool):
        attributes["is_active"] = told["is_active"]
    name = text_of(told, "name")
    return {"attributes": attributes} | ({"name": name} if name else {})


def text_of(told: Mapping[str, Any], field: str) -> str | None:
    """Return a text, None for none; raise Invalid for one that is too long."""
    text, longest = told.get(field), _LONGEST.get(field, 200)
    if text in (None, ""):
        return None
    if not isinstance(text, str) or len(text) > longest:
        raise Invalid(f"{field}: Ensure this field has no more than {longest} characters.")
    return text.strip() or None


def _date(told: Mapping[str, Any], field: str) -> str | None:
    text = text_of(told, field)
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise Invalid(f"{field}: Write the date as YYYY-MM-DD.") from None


def fits(told: Mapping[str, Any], field: str, wanted: str | None) -> bool:
    """Whether a flag is what was asked for, if it was."""
    return wanted is None or told[field] is (wanted.lower() in {"true", "1"})


async def add_place(estate: Estate, kind: str, within: Place | None, wanted: Mapping[str, Any]) -> Place:
    """Keep a new place, in the time zone of what it lies in or of the organisation."""
    people = estate.desk.people
    zone = within.timezone if within else (await people.tenancy.users.tenant(estate.tenant)).timezone
    fresh = {"kind": kind, "parent": within.id if within else None, "timezone": zone, **wanted}
    place = Place(id=new_id(), created_at=moment(people.stories.clock.now()), **fresh)
    made = await people.stories.places.add(estate.tenant, place)
    people.stories.provisioning.screens.changed(estate.tenant)
    return made


async def change_place(estate: Estate, before: Place, wanted: Mapping[str, Any]) -> Place:
    """Keep a changed place."""
    stories = estate.desk.people.stories
    after = await stories.places.change(estate.tenant, structs.replace(before, **wanted))
    stories.provisioning.screens.changed(estate.tenant)
    return after
