"""All parts of a gateway's message are kept, or none is, for it sends the whole again."""

import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from tests.flows.conftest import House
from tests.flows.sides import Side, side_of
from verger.base.clock import SECOND
from verger.base.db import Database
from verger.base.rates import Meter
from verger.base.settings import Settings
from verger.domain.devices.model import DeviceType, TypeLimits
from verger.domain.telemetry.model import Ack, Answer, Behind, Event, Readings, Relayed, Said
from verger.domain.tenancy.limits import LimitStore
from verger.flows.limiting import Limiting


class Yard:
    """A gateway with devices behind it, and limits."""

    def __init__(self, side: Side, gateway: str, limiting: Limiting, store: LimitStore) -> None:
        self.side, self.gateway, self.limiting, self.store = side, gateway, limiting, store

    async def allow(self, **own: str | None) -> None:
        await self.store.change(self.side.house.tenant, own)
        await self.limiting.look()

    async def say(self, **said: tuple[Said, ...]) -> Answer:
        """Let the gateway tell of some devices in one message."""
        behind = tuple(Behind(name, parts) for name, parts in said.items())
        return (await self.side.way_in.take([Relayed(self.gateway, (), behind=behind)]))[0]

    def kept(self) -> int:
        return sum(len(batch.value) for batch in self.side.log.batches)


@pytest_asyncio.fixture
async def yard(house: House, db: Database) -> Yard:
    side, store = side_of(house), LimitStore(db)
    gateway = (await house.add("Gateway", is_gateway=True)).id
    return Yard(side, gateway, await Limiting.over(house.kept, store, Settings()), store)


def values(count: int = 1) -> tuple[Readings, ...]:
    return (Readings({f"m{number}": 1.0 for number in range(count)}),)


async def test_one_device_that_speaks_too_soon_holds_back_the_whole_message(yard: Yard) -> None:
    await yard.allow(messages="2:60")
    assert (await yard.say(a=values())).kept
    assert (await yard.say(a=values())).kept
    answer = await yard.say(a=values(), b=values())
    assert (answer.kept, answer.wait_s) == (False, 30)
    assert answer.later == "A device behind this gateway may send messages at a rate of 2:60; send this again in 30 s."
    assert yard.kept() == 2
    assert yard.side.house.kept.registry.over == {"messages": 1}
    await yard.side.house.kept.remarks.write()
    device = yard.side.stories.reception.behind(yard.gateway, "a")
    remarks = [
        remark.message
        for of in (str(device), yard.gateway)
        for remark in await yard.side.house.kept.remarks.of(yard.side.house.tenant, of)
    ]
    assert remarks == [
        "This device may send messages at a rate of 2:60; what came sooner was refused.",
        "A device behind this gateway may send messages at a rate of 2:60; what came sooner was refused.",
    ]
    yard.side.house.clock.advance(30)
    assert (await yard.say(a=values(), b=values())).kept
    assert yard.kept() == 4
    assert (await yard.say(b=values())).kept  # what was refused with another was not counted


async def test_data_points_are_counted_over_all_parts(yard: Yard) -> None:
    await yard.allow(data_points="6:60")
    assert (await yard.say(a=values(2), b=values(2))).kept
    answer = await yard.say(a=values(2), b=values(2))
    assert (answer.kept, answer.wait_s) == (False, 20)
    assert "Your organisation may send data points at a rate of 6:60" in answer.later
    assert yard.kept() == 4
    assert (await yard.say(a=values(2))).kept


async def test_a_message_that_is_more_than_may_come_at_once_passes_when_it_was_said_and_is_paid_for(
    yard: Yard,
) -> None:
    await yard.allow(data_points="3:30")
    assert (await yard.say(a=values())).kept
    answer = await yard.say(a=values(2), b=values(2))
    assert (answer.kept, answer.wait_s) == (False, 10)
    yard.side.house.clock.advance(answer.wait_s)
    assert (await yard.say(a=values(2), b=values(2))).kept
    assert (await yard.say(a=values())).wait_s == 20


async def test_what_proves_a_command_passes_with_all_that_stands_beside_it(yard: Yard) -> None:
    await yard.allow(messages="1:60")
    assert (await yard.say(a=values(), b=values())).kept
    proof = (Ack(7, "answered", answered=True),)
    assert (await yard.say(a=proof)).kept
    assert (await yard.say(a=proof, b=values())).kept
    assert (await yard.say(a=values())).wait_s == 60
    assert (await yard.say(b=values())).wait_s == 120  # it was counted all the same


async def test_devices_of_a_type_that_may_say_less_hold_back_the_message_too(yard: Yard) -> None:
    house = yard.side.house
    kind = DeviceType(key="slow", name="slow", limits=TypeLimits(messages="1:60"), created_at=house.place.created_at)
    await house.kept.types.add(house.tenant, kind)
    await yard.limiting.look()
    await house.add("a", gateway=yard.gateway, type="slow")
    assert (await yard.say(a=values(), b=values())).kept
    assert not (await yard.say(b=values(), a=values())).kept
    assert (await yard.say(b=values())).kept


async def test_without_room_a_message_is_kept_whole_when_a_rule_needs_a_part_of_it(yard: Yard) -> None:
    await yard.say(a=values(), b=values())
    gate = yard.side.gate
    known = yard.side.house.kept.registry.known(str(yard.side.stories.reception.behind(yard.gateway, "a")))
    assert known is not None
    number = known.series["m0"]
    gate.shut, gate.needed = "The disk is nearly full.", frozenset({number})
    answer = await yard.say(b=values(), c=(Event("opened"),))
    assert (answer.kept, answer.later, gate.refused) == (False, "The disk is nearly full.", 1)
    assert (await yard.say(b=values(), a=values())).kept
    assert yard.kept() == 4


@given(
    rates=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 60)), min_size=1, max_size=2),
    counts=st.lists(st.integers(1, 12), min_size=1, max_size=20),
)
def test_whatever_the_bound_a_message_passes_after_the_wait_that_was_told(
    rates: list[tuple[int, int]], counts: list[int]
) -> None:
    now, meter = 0, Meter(",".join(f"{most}:{seconds}" for most, seconds in rates), 0)
    for count in counts:
        wait = meter.wait(count, now)
        now += -(-round(wait * SECOND * 1000) // 1000)
        assert meter.wait(count, now) == 0
        meter.spend(count)
