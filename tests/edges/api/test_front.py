"""The front counts what its doors refuse."""

from pathlib import Path

from tests.edges.api.conftest import HERE, LOCAL, visitor
from tests.edges.api.product import opened_product
from verger.base.clock import HeldClock


async def test_what_is_refused_at_any_door_is_counted_by_status(tmp_path: Path, clock: HeldClock) -> None:
    async with opened_product(tmp_path / "data", clock) as product, visitor(product.app, base=HERE) as device:
        before = (await visitor(product.app, *LOCAL).get("/metrics")).text
        assert 'verger_http_refused_total{status="413"} 0.0' in before
        large = b'{"t":"%s"}' % (b"x" * (1 << 20))
        assert (await device.post(f"/api/v1/{product.token}/telemetry", content=large)).status_code == 413
        typed = {"content-type": "application/json"}
        assert (await product.owner.post("/places", content=large, headers=typed)).status_code == 413
        assert (await product.owner.get("/devices/nobody")).status_code == 404
        assert (await product.owner.get("/devices")).status_code == 200
        after = (await visitor(product.app, *LOCAL).get("/metrics")).text
        assert 'verger_http_refused_total{status="413"} 2.0' in after
        assert 'verger_http_refused_total{status="404"} 1.0' in after
        assert 'status="200"' not in after
