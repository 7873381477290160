"""Who does not run this Verger sees of it what is their own."""

from pathlib import Path

from tests.edges.api.conftest import HERE, visitor
from tests.edges.api.product import opened_product
from tests.people import PASSWORD
from verger.base.clock import HeldClock
from verger.domain.telemetry.recovery import Aside
from verger.domain.tenancy.model import Role


async def test_another_organisation_sees_its_own_numbers_alone(tmp_path: Path, clock: HeldClock) -> None:
    async with opened_product(tmp_path / "data", clock) as product:
        users, sessions = product.house.stores.tenancy.users, product.house.stores.tenancy.sessions
        product.house.stores.log.aside.append(Aside("7.log", 100, 20, "These bytes are damaged."))
        other = await users.add_tenant("Other", "UTC")
        viewer = await users.add(other.id, Role.viewer, "Veikko", "veikko@example.test", PASSWORD)
        token = await sessions.open(viewer.id, other.id)
        async with visitor(product.app, base=f"{HERE}/api/v1") as theirs:
            seen = (await theirs.get("/system", headers={"Authorization": f"Bearer {token}"})).json()
        assert (seen["devices"], seen["connections"], seen["log"], seen["disk"]) == (0, 0, None, None)
        assert (seen["aside"], seen["dead_letters"], seen["followers"], seen["history"]) == ([], [], [], {})
        ours = await product.get("/system")
        assert (ours["devices"], len(ours["aside"])) == (1, 1)
        assert ours["disk"]["total"] > 0
