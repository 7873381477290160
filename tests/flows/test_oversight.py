"""What the platform tells of itself."""

from pathlib import Path

from tests.edges.api.conftest import LOCAL, visitor
from tests.edges.api.product import opened_product
from verger.base.clock import HeldClock
from verger.domain.telemetry.recovery import Aside


async def test_a_part_of_the_log_that_was_set_aside_is_a_warning_and_fails_nothing(
    tmp_path: Path, clock: HeldClock
) -> None:
    async with opened_product(tmp_path / "data", clock) as product, visitor(product.app, *LOCAL) as anybody:
        log, oversight = product.house.stores.log, product.house.oversight
        assert "log_aside" not in (await anybody.get("/ready")).json()["warnings"]
        log.aside.append(Aside("7.log", 100, 20, "These bytes are damaged."))
        answer = await anybody.get("/ready")
        assert (answer.status_code, answer.json()["checks"]["log"]) == (200, "ok")
        assert answer.json()["warnings"]["log_aside"].startswith(
            "1 part of the log could not be read and was set aside"
        )
        log.aside.append(Aside("8.log", 0, 20, "These bytes are damaged."))
        assert (await oversight.check_aside()).startswith("2 parts of the log could not be read and were set aside")
