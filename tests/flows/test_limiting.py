"""Limiting: what is refused at a limit, what is told, and who may use how much."""

from typing import Any

import pytest
from msgspec import structs

from tests.flows.conftest import House
from verger.base.clock import moment
from verger.base.db import Database
from verger.base.errors import Invalid
from verger.base.settings import Settings
from verger.domain.devices.model import DeviceType, TypeLimits
from verger.domain.telemetry.model import Answer, Attributes, Batch, Heard, Readings
from verger.domain.tenancy.limits import LimitStore
from verger.flows.inbound import Inbound
from verger.flows.limiting import Limiting


class OpenLog:
    """Keeps everything."""

    async def append(self, batch: Batch) -> Batch:
        return batch


class OpenGate:
    """Has room for everything."""

    refused = 0
    shut = None

    @staticmethod
    def named(_number: int) -> bool:
        return False


class Limited:
    """A house with limits."""

    def __init__(self, house: House, limiting: Limiting, store: LimitStore) -> None:
        self.house, self.limiting, self.store = house, limiting, store
        kept = house.kept
        self.inbound = Inbound(kept.registry, kept.series, OpenLog(), kept.remarks, house.clock, OpenGate())

    async def say(self, device: str, *said: dict[str, Any]) -> list[Answer]:
        """Let a device send each of these as a message; text is an attribute."""
        return await self.inbound.take([Heard(device, tuple(_said(values))) for values in said])

    async def allow(self, **own: str | None) -> None:
        await self.store.change(self.house.tenant, own)
        await self.limiting.look()


def _said(values: dict[str, Any]) -> list[Readings | Attributes]:
    numbers = {name: float(value) for name, value in values.items() if not isinstance(value, str)}
    words = {name: value for name, value in values.items() if isinstance(value, str)}
    return [*([Readings(numbers)] if numbers else []), *([Attributes(words)] if words else [])]


@pytest.fixture
async def limited(house: House, db: Database) -> Limited:
    store = LimitStore(db)
    return Limited(house, await Limiting.over(house.kept, store, Settings()), store)


async def test_without_a_rate_nothing_is_metered(limited: Limited) -> None:
    device = await limited.house.add()
    known = limited.house.kept.registry.known(device.id)
    assert known is not None
    assert not known.metered
    assert all(answer.kept for answer in await limited.say(device.id, *[{"t": 1}] * 5000))


async def test_a_message_that_comes_too_soon_is_refused_and_told_when_to_come_again(limited: Limited) -> None:
    device, other = await limited.house.add(), await limited.house.add("Other")
    await limited.allow(messages="3:60")
    answers = await limited.say(device.id, *[{"t": 1}] * 5)
    assert [answer.kept for answer in answers] == [True] * 3 + [False] * 2
    assert (answers[3].later, answers[3].wait_s) == (
        "This device may send messages at a rate of 3:60; send this again in 20 s.",
        20,
    )
    assert (await limited.say(other.id, {"t": 1}))[0].kept
    assert limited.house.kept.registry.over == {"messages": 2}
    limited.house.clock.advance(20)
    assert [answer.kept for answer in await limited.say(device.id, {"t": 1}, {"t": 1})] == [True, False]
    await limited.allow(messages=None)
    assert all(answer.kept for answer in await limited.say(device.id, *[{"t": 1}] * 50))


async def test_data_points_are_counted_for_the_whole_organisation(limited: Limited) -> None:
    device, other = await limited.house.add(), await limited.house.add("Other")
    await limited.allow(data_points="10:60")
    await limited.say(device.id, {"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 1, "b": 2, "c": 3, "d": 4})
    answers = await limited.say(other.id, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2}, {"mode": "eco"})
    assert [answer.kept for answer in answers] == [False, True, True]
    assert "Your organisation may send data points at a rate of 10:60" in answers[0].later


async def test_attributes_of_a_device_are_bounded_and_known_ones_go_on(limited: Limited) -> None:
    device = await limited.house.add()
    await limited.allow(attributes="2")
    first, second = await limited.say(device.id, {"a": "x", "b": "y", "c": "z"}, {"a": "n", "d": "o", "t": 1})
    assert (first.kept, [fault.field for fault in first.refused]) == (True, ["c"])
    assert (second.kept, [fault.field for fault in second.refused]) == (True, ["d"])
    third = (await limited.say(device.id, {"e": "p"}))[0]
    assert (third.kept, third.refused[0].message) == (
        False,
        "This device has 2 attributes already; a further one is not kept.",
    )


async def test_devices_of_a_type_may_use_less_but_never_more(limited: Limited) -> None:
    now = moment(limited.house.clock.now())
    for key, limits in (("slow", TypeLimits(messages="1:60", series=1)), ("greedy", TypeLimits(series=1000))):
        kind = DeviceType(key=key, name=key, limits=limits, created_at=now)
        await limited.house.kept.types.add(limited.house.tenant, kind)
    await limited.limiting.look()
    slow, greedy = await limited.house.add(type="slow"), await limited.house.add(type="greedy")
    answers = await limited.say(slow.id, {"a": 1, "b": 2}, {"a": 1})
    assert ([fault.field for fault in answers[0].refused], answers[1].kept) == (["b"], False)
    known = limited.house.kept.registry.known(greedy.id)
    assert known is not None
    assert (known.limit, known.metered) == (200, False)
    await limited.house.provisioning.change(limited.house.tenant, structs.replace(slow, type=None), {})
    assert (await limited.say(slow.id, {"b": 2}))[0].kept


async def test_inboxes_of_a_type_may_be_smaller_but_never_larger(limited: Limited) -> None:
    kind = DeviceType(
        key="slow",
        name="Slow",
        limits=TypeLimits(inbox_messages=5, inbox_bytes=1 << 30, inbox_days=30),
        created_at=moment(limited.house.clock.now()),
    )
    await limited.house.kept.types.add(limited.house.tenant, kind)
    await limited.limiting.look()
    slow, usual = await limited.house.add(type="slow"), await limited.house.add("Other")
    registry = limited.house.kept.registry
    found = [limited.limiting.inbox(known) for device in (slow, usual) if (known := registry.known(device.id))]
    assert found == [(5, 1 << 20, 7), (1_000, 1 << 20, 7)]


async def test_connections_of_an_organisation_are_bounded(limited: Limited) -> None:
    tenant, limiting = limited.house.tenant, limited.limiting
    await limited.allow(connections="2")
    assert [limiting.enter(tenant, again=False) for _ in "ab"] == ["", ""]
    assert "has 2 connections already" in limiting.enter(tenant, again=False)
    assert limiting.enter("another", again=False) == ""
    assert limiting.enter(tenant, again=True) == ""
    limiting.leave(tenant)
    limiting.leave(tenant)
    assert limiting.enter(tenant, again=False) == ""
    first_told = limiting.told(tenant)[0]
    assert (first_told.name, first_told.value, first_told.used) == ("connections", 2, 2)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("conections", "1", "There is no limit conections; there are connections,"),
        ("connections", "many", "connections is 'many'; write a whole number of 0 or more"),
        ("series", "0", "series is '0'; write a whole number of 1 or more"),
        ("messages", "fast", "messages is 'fast'; write rates such as"),
    ],
)
async def test_what_is_no_limit_is_refused_with_what_to_write(
    limited: Limited, name: str, text: str, wanted: str
) -> None:
    with pytest.raises(Invalid, match=wanted):
        await limited.allow(**{name: text})


async def test_a_type_with_limits_that_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid, match="rates such as"):
        TypeLimits(messages="often")
    with pytest.raises(Invalid, match="256 or more"):
        TypeLimits(packet_bytes=1)
