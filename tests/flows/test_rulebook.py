"""Rules are judged wherever they are written, also at places that were made a moment ago."""

import pytest
from msgspec import structs

from tests.flows.conftest import House
from tests.flows.courts import world
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Busy
from verger.base.ids import new_id
from verger.domain.places.model import Place, Tree
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


async def test_only_devices_that_came_went_or_moved_begin_or_are_forgotten(house: House, db: Database) -> None:
    made = await world(house, db)
    now = moment(house.clock.now())
    sauna = await house.places.add(house.tenant, Place(id=new_id(), name="Sauna", created_at=now))
    daily = await made.rule(when={"schedule": "0 6 * * *"}, only_if=FROST, then=ALERT)
    frost = await made.rule(when=FROST, then=ALERT)
    await made.say({"t": 2})
    court, registry = made.automation.court, house.kept.registry
    stays, goes = made.device, (await house.add("Other")).id
    court.book.moved(house.tenant)
    await made.say({"t": 2}, device=goes)
    before = dict(court.minds.memories)
    assert before.keys() == {(rule.id, device) for rule in (daily, frost) for device in (stays, goes)}
    assert len(await made.alerts.everything_open(house.tenant)) == 2
    registry.move(goes, sauna.id)
    court.book.moved(house.tenant)
    await made.automation.tick()
    assert [each.device for each in await made.alerts.everything_open(house.tenant)] == [stays]
    assert court.minds.memories.keys() == {(rule.id, stays) for rule in (daily, frost)}
    assert court.minds.memories[daily.id, stays] is before[daily.id, stays]
    await made.automation.save()
    assert {each.subject for each in await made.kept.memories.everything()} == {stays}
    house.clock.advance(1)
    registry.move(goes, house.place.id)
    court.book.moved(house.tenant)
    await made.say({"t": 2}, device=goes)
    assert len(await made.alerts.everything_open(house.tenant)) == 2
    assert (daily.id, goes) in court.minds.memories
    registry.forget(goes)
    court.book.moved(house.tenant)
    await made.automation.tick()
    assert [each.device for each in await made.alerts.everything_open(house.tenant)] == [stays]


async def test_a_rule_that_names_a_device_is_judged_for_those_that_come_later_too(house: House, db: Database) -> None:
    made = await world(house, db)
    outside = (await house.add("Outside")).id
    wet = {"metric": "humidity", "is": "above", "value": 80}
    await made.rule(when={"all": [FROST | {"device": outside}, wet]}, then=ALERT)
    await made.say({"t": 5}, device=outside)
    other = (await house.add("Other")).id
    made.automation.court.book.moved(house.tenant)
    house.clock.advance(1)
    await made.say({"humidity": 90}, device=other)
    await made.say({"t": 2}, device=outside)
    assert [each.device for each in await made.alerts.everything_open(house.tenant)] == [other]


async def test_what_changes_while_the_book_is_read_is_read_next_time(
    house: House, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world(house, db)
    rule = await made.rule(when=FROST, then=ALERT)
    await made.say({"t": 10})
    book, tree = made.automation.court.book, house.places.tree
    assert await book.renew() == (set(), {})

    async def meanwhile(tenant: str) -> Tree:
        found = await tree(tenant)
        book.moved(tenant)
        book.changed(tenant, rule.id)
        return found

    book.moved(house.tenant)
    monkeypatch.setattr(house.places, "tree", meanwhile)
    assert (await book.renew())[1].keys() == {house.tenant}
    monkeypatch.setattr(house.places, "tree", tree)
    assert (await book.renew())[1].keys() == {house.tenant}
    assert await book.renew() == (set(), {})


async def test_a_book_that_could_not_be_read_is_read_wholly_next_time(
    house: House, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world(house, db)
    rule = await made.rule(when=FROST, then=ALERT)
    await made.say({"t": 10})
    book = made.automation.court.book

    async def broken(_tenant: str, _rule: str) -> KeptRule:
        raise Busy("The database is slow.")

    book.moved(house.tenant)
    book.changed(house.tenant, rule.id)
    with monkeypatch.context() as patched:
        patched.setattr(book.rules, "get", broken)
        with pytest.raises(Busy):
            await book.renew()
    assert await book.renew() == ({rule.id}, {house.tenant: None})
