"""The first run."""

import asyncio

import pytest

from tests.people import PASSWORD
from verger.base.errors import Conflict, Forbidden
from verger.domain.tenancy.model import Founding
from verger.domain.tenancy.tenancy import Tenancy

FOUNDING = Founding("Farm", "Bea", "bea@example.test", PASSWORD)


async def test_without_the_code_nobody_becomes_the_first_owner(tenancy: Tenancy) -> None:
    for code in (None, "", "guess"):
        with pytest.raises(Forbidden, match="printed"):
            await tenancy.first_run.found(FOUNDING, code=code, at_the_machine=False)
    assert await tenancy.first_run.needed()


async def test_the_code_is_good_once(tenancy: Tenancy) -> None:
    code = tenancy.first_run.code
    tenant, owner = await tenancy.first_run.found(FOUNDING, code=code, at_the_machine=False)
    assert (tenant.name, owner.name) == ("Farm", "Bea")
    assert not await tenancy.first_run.needed()
    with pytest.raises(Conflict, match="sign in"):
        await tenancy.first_run.found(FOUNDING, code=code, at_the_machine=False)


async def test_at_the_machine_no_code_is_needed_and_one_of_many_wins(tenancy: Tenancy) -> None:
    found = await asyncio.gather(
        *(tenancy.first_run.found(FOUNDING, code=None, at_the_machine=True) for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(each, Conflict) for each in found) == 3
