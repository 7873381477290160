"""Wording: what rules tell people is in the words that people use."""

from tests.flows.conftest import House
from tests.flows.courts import world
from tests.people import PASSWORD, quick_tenancy
from verger.base.db import Database
from verger.base.pages import Asked
from verger.domain.alerts.model import assigned
from verger.domain.notifications.outbox import Outbox
from verger.domain.telemetry.model import Event
from verger.domain.tenancy.model import Role


async def test_messages_and_reasons_call_a_metric_by_its_name_and_tell_its_unit(house: House, db: Database) -> None:
    made = await world(house, db)
    message = {"alert": {"message": "{metric} of {device} is {value}"}}
    frost = {"metric": "t", "is": "below", "value": 3}
    rule = await made.rule(when=frost, then=[message, {"task": {"title": "{metric}!"}}])
    await made.say({"t": 10})
    await made.wait(60)
    await house.kept.series.name(house.tenant, made.device, {"t": {"name": "Air", "unit": "Cel"}})
    await made.say({"t": 2})
    [alert] = await made.alerts.everything_open(house.tenant)
    [run] = (await made.kept.runs.page(house.tenant, rule.id, Asked())).items
    name = (await house.kept.devices.get(house.tenant, made.device)).name
    assert alert.message == f"Air of {name} is 2"
    assert [each.says for each in run.because] == ["Air is below 3 °C"]
    assert run.then[0].action.alert is not None
    assert run.then[0].action.alert.message == alert.message
    assert run.then[1].action.task is not None
    assert run.then[1].action.task.title == "Air!"
    await made.wait(60)
    await made.say({"t": 1})
    await made.automation.save()
    [alert] = await made.alerts.everything_open(house.tenant)
    assert (alert.message, alert.count) == (f"Air of {name} is 1", 2)


async def test_a_rule_that_names_its_device_calls_it_by_name(house: House, db: Database) -> None:
    made = await world(house, db)
    frost = {"metric": "t", "device": made.device, "is": "below", "value": 3}
    await made.rule(when=frost, then=[{"alert": {"message": "Frost at {device}"}}])
    await made.say({"t": 2})
    [alert] = await made.alerts.everything_open(house.tenant)
    name = (await house.kept.devices.get(house.tenant, made.device)).name
    assert alert.message == f"Frost at {name}"


async def test_whoever_sees_to_an_alert_is_told_what_its_rule_says(house: House, db: Database) -> None:
    made = await world(house, db)
    told = {"notify": {"to": "assignee", "message": "Again"}}
    await made.rule(when={"event": "door"}, then=[{"alert": {"message": "Open"}}, told])
    await made.tell(Event("door", id="1"))
    [alert] = await made.alerts.everything_open(house.tenant)
    ann = await quick_tenancy(db, house.clock).users.add(house.tenant, Role.member, "Ann", "ann@example.test", PASSWORD)
    async with db.writing() as connection:
        await made.alerts.save(connection, house.tenant, assigned(alert, ann.id))
    await made.tell(Event("door", id="2"))
    notices = [put.notice for put in await Outbox(db, house.clock).waiting() if put.notice.body == "Again"]
    assert [notice.to for notice in notices] == ["members", f"user:{ann.id}"]
