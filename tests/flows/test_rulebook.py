"""Rules are judged wherever they are written, also at places that were made a moment ago."""

from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import world
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.ids import new_id
from verger.domain.places.model import Place
from verger.domain.rules.accepted import KeptRule

FROST = {"metric": "t", "is": "below", "value": 3}
ALERT = [{"alert": {"severity": "critical", "message": "{value} degrees at {device}"}}]


async def test_a_rule_at_a_place_that_is_new_is_judged(house: House, db: Database) -> None:
    made = await world(house, db)
    await made.rule(when=FROST, then=ALERT)
    await made.say({"t": 10})  # from now on the tree of places is known
    now = moment(house.clock.now())
    sauna = await house.places.add(house.tenant, Place(id=new_id(), name="Sauna", created_at=now))
    rule = structs.replace((await made.kept.rules.of_tenant(house.tenant))[0], id=new_id(), place=sauna.id)
    assert isinstance(rule, KeptRule)
    await made.ruling.add(house.tenant, rule)
    await made.say({"t": 9})
    device, _ = await house.provisioning.add(
        house.tenant, structs.replace(house.new_device("Steam room"), place=sauna.id)
    )
    made.automation.court.book.moved(house.tenant)  # as whoever adds devices tells it
    await made.say({"t": 2}, device=device.id)
    assert [each.rule for each in await made.alerts.everything_open(house.tenant)] == [rule.id]
