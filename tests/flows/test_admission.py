"""Which programs may enter, and what their keys let them do."""

import pytest
from msgspec import structs

from tests.people import first_household, quick_tenancy
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.domain.messages.model import Guest
from verger.domain.tenancy.model import Role
from verger.flows.admission import Admission


@pytest.mark.parametrize(("role", "writes"), [(Role.viewer, False), (Role.member, True), (Role.owner, True)])
async def test_a_key_lets_its_program_do_what_its_role_may(
    db: Database, clock: HeldClock, role: Role, *, writes: bool
) -> None:
    tenancy = quick_tenancy(db, clock)
    house = await first_household(tenancy)
    owner = await tenancy.caller(house.tokens[Role.owner])
    key = await tenancy.keys.add(owner, "Program", role)
    admission = Admission(tenancy.keys)
    guest = Guest(house.tenant, key.id, reads=True, writes=writes, made_by=key.made_by)
    assert await admission.admit(key.token) == guest
    assert await admission.bound(key.id) == guest
    await tenancy.keys.remove(house.tenant, key.id)
    assert await admission.admit(key.token) is None
    assert await admission.bound(key.id) is None
    assert await admission.left(guest) == guest
    assert await admission.left(structs.replace(guest, made_by="nobody")) is None
