"""Tenancy over a fresh database."""

import pytest
import pytest_asyncio

from tests.people import Household, first_household, next_household, quick_tenancy
from verger.base.clock import HeldClock
from verger.base.db import Database
from verger.domain.tenancy.tenancy import Tenancy


@pytest.fixture
def tenancy(db: Database, clock: HeldClock) -> Tenancy:
    return quick_tenancy(db, clock)


@pytest_asyncio.fixture
async def house(tenancy: Tenancy) -> Household:
    return await first_household(tenancy)


@pytest_asyncio.fixture
async def neighbour(tenancy: Tenancy, house: Household) -> Household:
    assert house.tenant
    return await next_household(tenancy)
