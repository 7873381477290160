"""What rules did about a device ends when that leaves."""

from typing import Any

import pytest

from tests.flows.conftest import House
from tests.flows.courts import world
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.pages import Asked
from verger.domain.alerts.store import Wanted
from verger.flows.leaving import Leaving

FROST: dict[str, Any] = {
    "when": {"metric": "t", "is": "below", "value": 3},
    "then": [{"alert": {"severity": "critical"}}],
}


async def test_a_device_that_leaves_takes_its_alert_along(house: House, db: Database) -> None:
    made = await world(house, db)
    await made.rule(**FROST)
    await made.say({"t": 2})
    await made.house.provisioning.retire(made.house.tenant, made.device)
    made.automation.court.book.moved(made.house.tenant)
    await made.wait(1)
    assert (await made.count())["open"] == 0


async def test_a_device_that_leaves_while_nothing_can_be_kept_takes_its_alert_along_later(
    house: House, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world(house, db)
    await made.rule(**FROST)
    await made.say({"t": 2})
    await made.house.provisioning.retire(made.house.tenant, made.device)
    made.automation.court.book.moved(made.house.tenant)
    with monkeypatch.context() as broken:
        broken.setattr(made.alerts, "clear", lambda *_: (_ for _ in ()).throw(Busy("The disk is full.")))
        with pytest.raises(Busy):
            await made.wait(1)
    await made.wait(1)
    assert (await made.count())["open"] == 0


async def test_an_alert_of_a_rule_that_names_its_device_tells_whose_value_it_is_and_leaves_with_it(
    house: House, db: Database
) -> None:
    made = await world(house, db)
    await made.rule(**FROST | {"when": FROST["when"] | {"device": made.device}})
    await made.say({"t": 2})
    [alert] = await made.alerts.everything_open(house.tenant)
    assert (alert.device, alert.sources) == (None, (made.device,))
    assert (await made.alerts.page(house.tenant, Asked(), Wanted(device=made.device))).items == [alert]
    house.kept.devices.leaving.append(Leaving(made.alerts, made.clock).device)
    await house.provisioning.retire(house.tenant, made.device)
    assert (await made.count())["open"] == 0
