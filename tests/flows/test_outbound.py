"""Commands from the wish to the proof: asked, sent, resent, answered, given up."""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.flows.conftest import House
from verger.base.clock import moment
from verger.base.errors import Conflict, Invalid, Missing
from verger.domain.commands.model import Command, Stage
from verger.domain.commands.store import CommandStore
from verger.domain.devices.model import Capability, DeviceType, Param
from verger.domain.telemetry.model import Ack, Attributes, Told, empty
from verger.flows.commanding import Commanding, Wish
from verger.flows.outbound import Outbound
from verger.flows.proving import Proving

PULSE = Wish(method="pulse", params={"s": 20})


@dataclass
class Ward:
    """A house whose devices are told what to do."""

    house: House
    store: CommandStore
    commanding: Commanding
    outbound: Outbound
    proving: Proving

    async def ask(self, device: str, wish: Wish = PULSE) -> Command:
        command = await self.commanding.ask(self.house.tenant, device, wish, "user:ann")
        await self.outbound.step()
        return command

    async def now(self, command: Command) -> Command:
        return await self.store.get(self.house.tenant, command.id)

    async def pass_s(self, seconds: float) -> None:
        self.house.clock.advance(seconds)
        await self.outbound.step()

    async def hear(self, device: str, *said: Ack | Attributes) -> None:
        now = self.house.clock.now()
        told = tuple(Told(self.house.tenant, device, each) for each in said)
        record = empty(now)
        await self.proving.take(type(record)(now, record.series, record.at, record.value, told))


@pytest_asyncio.fixture
async def ward(house: House) -> Ward:
    store = CommandStore(house.kept.db)
    outbound = Outbound(house.kept, store, house.wire, house.screens, house.clock)
    proving = Proving(house.kept, store, outbound.sending)
    return Ward(house, store, Commanding(house.kept, store, house.clock), outbound, proving)


async def test_it_waits_for_a_device_that_is_away_and_goes_out_when_it_listens(ward: Ward) -> None:
    device = (await ward.house.add()).id
    command = await ward.ask(device)
    assert (await ward.now(command)).stage is Stage.queued
    ward.house.wire.listening.add(device)
    ward.outbound.listens(device)
    await ward.outbound.step()
    assert ward.house.wire.asked == [(device, "pulse", {"s": 20})]
    assert (await ward.now(command)).stage is Stage.sent
    await ward.hear(device, Ack(command.number, "puback"), Ack(command.number, "answer", answered=True, result="ok"))
    after = await ward.now(command)
    assert (after.stage, after.result) == (Stage.succeeded, "ok")
    assert [(step.stage, step.proof) for step in after.steps[1:]] == [
        ("sent", "mqtt"),
        ("acknowledged", "puback"),
        ("succeeded", "answer"),
    ]
    told = [word["stage"] for _, word in ward.house.screens.told if word["type"] == "command"]
    assert told == ["queued", "sent", "acknowledged", "succeeded"]


async def test_it_is_sent_again_until_the_device_has_it_and_then_never(ward: Ward) -> None:
    device = (await ward.house.add()).id
    ward.house.wire.listening.add(device)
    command = await ward.ask(device)
    await ward.pass_s(9)
    assert len(ward.house.wire.asked) == 1
    await ward.pass_s(1)
    await ward.pass_s(10)
    assert len(ward.house.wire.asked) == 3
    ward.outbound.listens(device)  # it has connected anew
    await ward.outbound.step()
    assert len(ward.house.wire.asked) == 4
    await ward.hear(device, Ack(command.number, "puback"))
    ward.outbound.listens(device)
    await ward.pass_s(25)
    assert len(ward.house.wire.asked) == 4
    await ward.pass_s(20)
    assert (await ward.now(command)).error == "The device has it, but did not answer within 60 s."


async def test_it_is_not_sent_twice_to_one_that_just_began_to_listen_or_has_it(ward: Ward) -> None:
    device = (await ward.house.add()).id
    ward.house.wire.listening.add(device)
    polled = await ward.commanding.ask(ward.house.tenant, device, PULSE, "user:ann")
    ward.outbound.listens(device)
    await ward.outbound.step()
    assert len(ward.house.wire.asked) == 1
    await ward.outbound.step()
    ward.outbound.has(device, polled.number)  # that stands in no record of the log yet
    ward.outbound.listens(device)
    await ward.pass_s(11)
    assert len(ward.house.wire.asked) == 1


async def test_it_is_given_up_in_time_unless_its_answer_is_on_the_way(ward: Ward) -> None:
    device = (await ward.house.add()).id
    ward.house.wire.listening.add(device)
    lost, answered = await ward.ask(device), await ward.ask(device, Wish(method="stop"))

    async def catch_up() -> None:
        await ward.hear(device, Ack(answered.number, "answer", answered=True))

    ward.outbound.caught_up = catch_up
    await ward.pass_s(60)
    assert (await ward.now(lost)).stage is Stage.expired
    assert (await ward.now(answered)).stage is Stage.succeeded
    assert await ward.store.next_due() is None


async def test_a_device_that_confirms_too_late_is_shown_to_have_it_and_nobody_hears_of_another_end(ward: Ward) -> None:
    device = (await ward.house.add()).id
    ward.house.wire.listening.add(device)
    command = await ward.ask(device)
    await ward.pass_s(60)
    await ward.hear(device, Ack(command.number, "puback"))
    after = await ward.now(command)
    assert (after.stage, after.steps[-1].stage) == (Stage.expired, Stage.expired)
    assert after.acknowledged_at == moment(ward.house.clock.now() + 1)
    assert "confirmed later" in (after.error or "")
    assert ward.house.screens.told[-1][1]["acknowledged_at"] == after.acknowledged_at
    ends = [figure for figure in ward.outbound.figures() if figure.labels == {"stage": Stage.expired}]
    assert [figure.value for figure in ends] == [1]
    assert await ward.store.next_due() is None


async def test_many_that_begin_to_listen_at_once_are_told_once_each(ward: Ward) -> None:
    devices = [(await ward.house.add(f"Lamp {number}")).id for number in range(210)]
    async with ward.house.kept.db.writing() as connection:
        for device in devices:
            command = await ward.commanding.prepare(ward.house.tenant, device, PULSE, "user:ann")
            await ward.store.add(connection, ward.house.tenant, command)
    ward.house.wire.listening.update(devices)
    for device in devices:
        ward.outbound.listens(device)
    await ward.outbound.step()
    assert sorted(device for device, *_ in ward.house.wire.asked) == sorted(devices)


async def test_what_waits_goes_on_after_a_restart(ward: Ward) -> None:
    device = (await ward.house.add()).id
    command = await ward.ask(device)
    again = Outbound(ward.house.kept, ward.store, ward.house.wire, ward.house.screens, ward.house.clock)
    await again.fill()
    ward.house.wire.listening.add(device)
    again.listens(device)
    await again.step()
    assert (await ward.now(command)).stage is Stage.sent


async def test_a_device_behind_hears_through_its_gateway(ward: Ward) -> None:
    gateway = (await ward.house.add("Gateway", is_gateway=True)).id
    device = (await ward.house.add("Valve", gateway=gateway)).id
    command = await ward.ask(device)
    ward.house.wire.listening.add(device)
    ward.outbound.listens(gateway)
    await ward.outbound.step()
    assert (await ward.now(command)).stage is Stage.sent
    await ward.hear(gateway, Ack(command.number, "puback", behind=device))
    assert (await ward.now(command)).stage is Stage.acknowledged


async def test_what_a_device_reports_proves_what_it_was_told(ward: Ward) -> None:
    house = ward.house
    shows = Capability(
        method="set", params={"level": Param(low=0, high=9)}, shows={"level": "{level}", "mode": "on"}, answers=False
    )
    kind = DeviceType(key="pump", name="Pump", capabilities=[shows], created_at=moment(house.clock.now()))
    await house.kept.types.add(house.tenant, kind)
    device = (await house.add(type="pump")).id
    with pytest.raises(Invalid, match="from 0 to 9"):
        await ward.ask(device, Wish(method="set", params={"level": 10}))
    house.wire.listening.add(device)
    command = await ward.ask(device, Wish(method="set", params={"level": 3}))
    await ward.hear(device, Ack(command.number, "puback"), Attributes({"level": 3}), Attributes({"mode": "off"}))
    assert (await ward.now(command)).stage is Stage.acknowledged
    await ward.hear(device, Attributes({"mode": "on"}))
    after = await ward.now(command)
    assert (after.stage, after.steps[-1].proof) == (Stage.succeeded, "reported level, mode")


async def test_what_a_device_reports_after_the_time_of_a_command_proves_nothing(ward: Ward) -> None:
    house = ward.house
    shows = Capability(method="on", shows={"on": True}, answers=False)
    kind = DeviceType(key="lamp", name="Lamp", capabilities=[shows], created_at=moment(house.clock.now()))
    await house.kept.types.add(house.tenant, kind)
    device = (await house.add(type="lamp")).id
    house.wire.listening.add(device)
    command = await ward.ask(device, Wish(method="on"))
    await ward.hear(device, Ack(command.number, "puback"))
    await ward.pass_s(61)
    assert (await ward.now(command)).stage is Stage.acknowledged
    await ward.hear(device, Attributes({"on": True}))
    assert (await ward.now(command)).stage is Stage.acknowledged


async def test_what_a_device_answers_again_writes_nothing(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    device = (await ward.house.add()).id
    command = await ward.ask(device)
    said = Ack(command.number, "puback"), Ack(command.number, "answer", answered=True, result="ok")
    await ward.hear(device, *said)

    def writing() -> None:
        raise AssertionError

    monkeypatch.setattr(ward.house.kept.db, "writing", writing)
    await ward.hear(device, *said)
    assert (await ward.now(command)).version == 3


async def test_an_answer_to_nothing_is_remarked(ward: Ward) -> None:
    device = (await ward.house.add()).id
    await ward.hear(device, Ack(7, "answer", answered=True))
    await ward.house.kept.remarks.write()
    [remark] = await ward.house.kept.remarks.of(ward.house.tenant, device)
    assert "not known here" in remark.message


async def test_it_can_be_cancelled_until_the_device_has_it(ward: Ward) -> None:
    device = (await ward.house.add()).id
    first, second = await ward.ask(device), await ward.ask(device, Wish(method="stop"))
    tenant = ward.house.tenant
    assert (await ward.commanding.cancel(tenant, first.id, "user:ann")).stage is Stage.cancelled
    await ward.hear(device, Ack(second.number, "poll"))
    with pytest.raises(Conflict):
        await ward.commanding.cancel(tenant, second.id, "user:ann")
    with pytest.raises(Missing):
        await ward.commanding.cancel("another", second.id, "user:ann")


async def test_what_is_cancelled_just_before_it_would_go_out_stays_here(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = (await ward.house.add()).id
    command = await ward.ask(device)
    undelivered = ward.store.undelivered

    async def while_it_looks(devices: list[str]) -> list[tuple[str, Command]]:
        found = await undelivered(devices)
        await ward.commanding.cancel(ward.house.tenant, command.id, "user:ann")
        return found

    monkeypatch.setattr(ward.store, "undelivered", while_it_looks)
    ward.house.wire.listening.add(device)
    ward.outbound.listens(device)
    await ward.outbound.step()
    assert ward.house.wire.asked == []
    assert (await ward.now(command)).stage is Stage.cancelled


@pytest.mark.parametrize("wish", [Wish(method="", params=1), Wish(method="m", params="x" * 20_000)])
async def test_what_no_device_could_take_is_refused(ward: Ward, wish: Any) -> None:
    device = (await ward.house.add()).id
    with pytest.raises(Invalid):
        await ward.ask(device, wish)
