"""A rule is written with devices, people and numbers that are there; what has gone since keeps nobody from more."""

from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from tests.flows.conftest import House, new_tenant
from tests.flows.courts import World, world
from tests.people import PASSWORD, quick_tenancy
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.base.ids import new_id
from verger.domain.devices.model import Capability, DeviceType, Param
from verger.domain.places.model import Place
from verger.domain.rules.model import Leeway
from verger.domain.telemetry.model import Event
from verger.domain.tenancy import tables
from verger.domain.tenancy.model import Role

FROST: dict[str, Any] = {"when": {"metric": "t", "is": "below", "value": 3}, "then": [{"alert": {"message": "cold"}}]}


@pytest_asyncio.fixture
async def made(house: House, db: Database) -> World:
    return await world(house, db)


async def member(made: World, tenant: str | None = None) -> str:
    """Return a person of the house, or of another one."""
    users = quick_tenancy(made.db, made.clock).users
    name = new_id()
    return (await users.add(tenant or made.house.tenant, Role.member, "Veikko", f"{name}@example.test", PASSWORD)).id


async def place(made: World, **more: Any) -> str:
    wanted = Place(id=new_id(), name="Elsewhere", created_at=moment(made.clock.now()), **more)
    return (await made.house.places.add(made.house.tenant, wanted)).id


async def refused(made: World, **written: Any) -> dict[str, str]:
    """Return what is said of a rule that is not taken, by field."""
    with pytest.raises(Invalid) as caught:
        await made.rule(**FROST | written)
    assert (await made.kept.rules.of_tenant(made.house.tenant)) == []
    return {fault.field: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("then", "field"),
    [
        ({"notify": {"to": "user", "user": "nobody", "message": "Cold"}}, "then[0].notify.user"),
        ({"task": {"title": "Look", "assignee": "nobody"}}, "then[0].task.assignee"),
    ],
)
async def test_who_is_no_member_can_be_given_nothing(made: World, then: Any, field: str) -> None:
    assert await refused(made, then=[then]) == {
        field: "There is no such member: name one of the organisation by their id."
    }


async def test_a_member_can_also_while_they_are_one_and_stays_in_the_rule_when_they_left(made: World) -> None:
    mine, other = await member(made), await member(made, await new_tenant(made.db, made.clock))
    told = [{"notify": {"to": "user", "user": mine, "message": "Cold"}}, {"task": {"title": "Look", "assignee": mine}}]
    assert list(await refused(made, then=[{"task": {"title": "Look", "assignee": other}}])) == ["then[0].task.assignee"]
    rule = await made.rule(**FROST | {"then": told})
    async with made.db.writing() as connection:
        await connection.execute(tables.membership.delete().where(tables.membership.c.user == mine))
    called = await made.ruling.change(made.house.tenant, rule, structs.replace(rule, name="Cold"), None)
    assert called.name == "Cold"


async def test_a_task_for_somebody_who_is_no_member_any_longer_is_nobodys(made: World) -> None:
    left = await member(made)
    await made.rule(when={"event": "door"}, then=[{"task": {"title": "Door", "assignee": left}}])
    async with made.db.writing() as connection:
        await connection.execute(tables.membership.delete())
    await made.tell(Event("door.opened", None, made.clock.now(), "1"))
    found = await made.count()
    assert (found["tasks"], found["notices"]) == (1, 0)


async def test_a_device_that_is_left_alone_is_one_below_the_place_and_may_go_later(made: World) -> None:
    shed = await place(made)
    away = (await made.house.add("Away")).id
    far = await made.house.kept.devices.get(made.house.tenant, away)
    await made.house.provisioning.change(made.house.tenant, structs.replace(far, place=shed), {})
    told = await refused(made, not_for=[made.device, "nobody", away])
    assert list(told) == ["not_for[1]", "not_for[2]"]
    assert told["not_for[1]"].startswith("There is no such device: name one")
    assert told["not_for[2]"].startswith("This device is not at the rule's place")
    rule = await made.rule(**FROST, not_for=[made.device])
    await made.house.provisioning.retire(made.house.tenant, made.device)
    kept = await made.kept.rules.get(made.house.tenant, rule.id)
    changed = await made.ruling.change(made.house.tenant, kept, structs.replace(kept, name="Cold"), None)
    assert changed.not_for == (made.device,)


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ({"name": " "}, "name"),
        ({"place": "nowhere"}, "place"),
        ({"when": {"metric": " ", "is": "below", "value": 3}}, "when.metric"),
        ({"when": {"schedule": "0 6 * * *", "device": "nobody"}}, "when.device"),
        ({"limits": {"when.clear": {"low": 1}}}, "limits.when.clear"),
        ({"limits": {"when.value": {"low": 4, "high": 9}}}, "limits.when.value"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_its_field(made: World, written: dict[str, Any], field: str) -> None:
    assert list(await refused(made, **written)) == [field]


async def test_all_that_is_wrong_is_told_at_once(made: World) -> None:
    then = [{"notify": {"to": "user", "user": "x", "message": "Cold"}}, {"webhook": {"url": "ftp://example.org"}}]
    told = await refused(made, name=" ", then=then, not_for=["x"], limits={"rest_s": {}})
    wrong = ["name", "limits.rest_s", "not_for[0]", "then[0].notify.user", "then[1].webhook.url"]
    assert list(told) == wrong


async def test_what_stood_in_it_before_keeps_nobody_from_another_change(made: World) -> None:
    rule = await made.rule(**FROST)
    odd = structs.replace(rule, name=" ", limits={"when.clear": Leeway()})  # as an older version took it
    changed = await made.ruling.change(made.house.tenant, odd, structs.replace(odd, rest_s=60), None)
    assert changed.rest_s == 60
    blank = structs.replace(changed, when=structs.replace(changed.when, metric=" "))
    with pytest.raises(Invalid, match="metric is meant"):
        await made.ruling.change(made.house.tenant, changed, blank, None)


async def test_a_command_that_the_type_of_a_device_lacks_is_neither_asked_for_nor_waited_for(made: World) -> None:
    tenant, at = made.house.tenant, moment(made.clock.now())
    pulse = Capability(method="pulse", params={"duration_s": Param(low=1, high=60)})
    kind = DeviceType(key="pump", name="Pump", capabilities=[pulse], created_at=at)
    await made.house.kept.types.add(tenant, kind)
    pump = (await made.house.add("Pump", type="pump")).id
    waits = {"command": "pulze", "stage": "failed", "device": pump}
    asks = {"command": {"method": "pulse", "device": pump, "params": {"duration_s": 61}}}
    told = await refused(made, when=waits, then=[asks, {"command": {"method": "stop", "device": pump}}])
    assert list(told) == ["when.command", "then[0].command.params.duration_s", "then[1].command.method"]
    assert "did you mean pulse" in told["when.command"]
    await made.rule(when=waits | {"command": "pulse"}, then=FROST["then"])
