"""Inbound."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from tests.flows.conftest import House
from verger.base.clock import DAY, HOUR, MINUTE, SECOND
from verger.base.errors import Busy, Fault
from verger.domain.devices.series import Series
from verger.domain.telemetry.model import Answer, Attributes, Batch, Event, Heard, Once, Readings, Run
from verger.domain.telemetry.record import pack, unpack
from verger.flows.inbound import Inbound

KEPT = Answer(kept=True)


@dataclass
class FakeLog:
    """A log that keeps in memory, unless it is told to be full."""

    batches: list[Batch] = field(default_factory=list)
    full: bool = False

    async def append(self, batch: Batch) -> Batch:
        if self.full:
            raise Busy("The disk is full.")
        self.batches.append(msgspec.structs.replace(batch, sequence=len(self.batches) + 1))
        return self.batches[-1]


@dataclass
class FakeGate:
    """A gate that is open, unless it is told why not."""

    shut: str | None = None
    needed: frozenset[int] = frozenset()
    refused: int = 0

    def named(self, series: int) -> bool:
        return series in self.needed


@dataclass
class Path:
    """The way in, and what came out at its end."""

    house: House
    log: FakeLog
    inbound: Inbound
    gate: FakeGate

    def rows(self) -> list[tuple[int, int, float]]:
        return [
            row
            for batch in self.log.batches
            for row in zip(batch.series.tolist(), batch.at.tolist(), batch.value.tolist(), strict=True)
        ]

    async def say(self, device: str, *said: dict[str, float] | Event, at: int | None = None) -> Answer:
        heard = tuple(Readings(each, at) if isinstance(each, dict) else each for each in said)
        return (await self.inbound.take([Heard(device, heard)]))[0]


@pytest.fixture
def path(house: House) -> Path:
    log = FakeLog()
    kept = house.kept
    gate = FakeGate()
    return Path(house, log, Inbound(kept.registry, kept.series, log, kept.remarks, house.clock, gate), gate)


async def remarks(path: Path, device: str) -> list[str]:
    await path.house.kept.remarks.write()
    return [remark.message for remark in await path.house.kept.remarks.of(path.house.tenant, device)]


async def test_a_new_metric_gets_its_row_before_the_log_names_it(path: Path) -> None:
    device = await path.house.add()
    assert await path.say(device.id, {"temperature": 21.5, "humidity": 60}, at=path.house.clock.now()) == KEPT
    rows = await path.house.kept.series.of(path.house.tenant, [device.id])
    assert {(s.number, s.metric) for s in rows} == {(n, path.house.kept.registry.metric(n)) for n, _, _ in path.rows()}


async def test_a_metric_known_already_keeps_its_number(path: Path) -> None:
    device = await path.house.add()
    await path.say(device.id, {"temperature": 21.5})
    await path.say(device.id, {"temperature": 22})
    assert len({number for number, _, _ in path.rows()}) == 1


async def test_one_metric_twice_in_one_batch_is_one_series(path: Path) -> None:
    device = await path.house.add()
    await path.say(device.id, {"temperature": 1}, {"temperature": 2})
    assert len({number for number, _, _ in path.rows()}) == 1
    assert len({at for _, at, _ in path.rows()}) == 2


async def test_attributes_told_with_numbers_are_of_the_same_moment(path: Path) -> None:
    device = await path.house.add()
    await path.inbound.take(
        [Heard(device.id, (Readings({"t": 4.0, "h": 1.0}), Attributes({"on": True}), Attributes({"on": False})))]
    )
    [batch] = path.log.batches
    measured = set(batch.at.tolist())
    assert len(measured) == 1
    first, second = (told.said.at for told in batch.told)
    assert first in measured
    assert second not in measured


async def test_a_message_that_is_kept_once_has_its_number_in_the_same_record(path: Path) -> None:
    device, once = await path.house.add(), Once("session", 7, 1)
    heard = Heard(device.id, (Readings({"t": 1.0}),), once=once)
    assert await path.inbound.take([heard, heard]) == [KEPT, KEPT]
    [batch] = path.log.batches
    assert [(told.device, told.said) for told in batch.told] == [
        (device.id, msgspec.structs.replace(once, at=path.house.clock.now()))
    ] * 2
    assert unpack(1, pack(batch)).told == batch.told


async def test_a_message_of_which_nothing_is_kept_leaves_no_number(path: Path) -> None:
    device = await path.house.add()
    refused = Heard(device.id, (), (Fault("t", "No."),), once=Once("session", 7, 1))
    assert not (await path.inbound.take([refused]))[0].kept
    assert path.log.batches == []


async def test_readings_without_a_time_never_share_one(path: Path) -> None:
    device = await path.house.add()
    for value in range(5):
        await path.say(device.id, {"temperature": value})
    times = [at for _, at, _ in path.rows()]
    assert len(set(times)) == 5
    assert all(at % 1000 for at in times)
    assert max(times) - path.house.clock.now() < SECOND


@pytest.mark.parametrize("count", [1, 2, 10, 2500])
@pytest.mark.parametrize("offset", [0, 1, 995])
async def test_a_run_is_kept_as_its_messages_would_be(path: Path, offset: int, count: int) -> None:
    path.house.clock.advance(offset)
    one, other = await path.house.add("one"), await path.house.add("other")
    run = Run(one.id, ("t", "h"), [float(number) for number in range(2 * count)])
    singly = [msgspec.structs.replace(heard, device=other.id) for heard in run.messages()]
    for _ in range(2):  # first the metrics are new
        assert await path.inbound.take([run]) == await path.inbound.take(singly) == [KEPT] * count
    metric = path.house.kept.registry.metric
    named = [
        (batch.at.tolist(), batch.value.tolist(), [metric(n) for n in batch.series.tolist()])
        for batch in path.log.batches
    ]
    assert (named[0], named[2]) == (named[1], named[3])
    times = [at for when, _, _ in (named[0], named[2]) for at in when[::2]]
    assert len(set(times)) == 2 * count
    assert all(at % 1000 for at in times)


async def test_a_run_of_a_stranger_or_without_room_is_answered_message_by_message(path: Path) -> None:
    device, values = await path.house.add(), [1.0, 2.0]
    strangers = await path.inbound.take([Run("nobody", ("t",), values)])
    assert [answer.kept for answer in strangers] == [False, False]
    path.gate.shut = "No room."
    assert await path.inbound.take([Run(device.id, ("t",), values)]) == [Answer(kept=False, later="No room.")] * 2
    assert path.log.batches == []


async def test_a_device_s_own_time_is_kept_however_old(path: Path) -> None:
    device = await path.house.add()
    long_ago = path.house.clock.now() - 400 * 24 * HOUR
    await path.say(device.id, {"temperature": 1}, at=long_ago)
    assert [at for _, at, _ in path.rows()] == [long_ago]


@pytest.mark.parametrize("wrong", [0, 11 * MINUTE])
async def test_a_wrong_clock_gets_the_time_of_receipt_and_is_told(path: Path, wrong: int) -> None:
    device = await path.house.add()
    now = path.house.clock.now()
    assert await path.say(device.id, {"temperature": 1}, at=now + wrong if wrong else 5 * SECOND) == KEPT
    assert [at // SECOND for _, at, _ in path.rows()] == [now // SECOND]
    assert "check its clock" in (await remarks(path, device.id))[0]


async def test_a_series_too_many_is_refused_by_name_and_the_others_are_kept(path: Path) -> None:
    device = await path.house.add()
    await path.say(device.id, {"a": 1, "b": 1, "c": 1})
    answer = await path.say(device.id, {"d": 1, "e": 1, "a": 2})
    assert answer.kept
    assert [fault.field for fault in answer.refused] == ["e"]
    assert len(path.rows()) == 5
    assert any("4 metrics already" in message for message in await remarks(path, device.id))


async def test_what_the_dialect_refused_stands_on_the_device_s_log_page(path: Path) -> None:
    device = await path.house.add()
    refused = (Fault("co2", "NaN is not a number."),)
    answers = await path.inbound.take([Heard(device.id, (Readings({"temperature": 1}),), refused)])
    assert answers == [Answer(kept=True, refused=refused)]
    assert await remarks(path, device.id) == ["co2: NaN is not a number."]


async def test_a_stranger_s_message_does_not_stop_the_batch(path: Path) -> None:
    device = await path.house.add()
    one, two = Heard("nobody", (Readings({"a": 1}),)), Heard(device.id, (Readings({"a": 1}),))
    answers = await path.inbound.take([one, two])
    assert [answer.kept for answer in answers] == [False, True]
    assert len(path.rows()) == 1


async def test_an_empty_message_is_told_and_nothing_is_appended(path: Path) -> None:
    device = await path.house.add()
    answer = await path.say(device.id, {})
    assert not answer.kept
    assert path.log.batches == []


async def test_an_event_goes_into_the_record_with_its_time_filled_in(path: Path) -> None:
    device = await path.house.add()
    await path.say(device.id, Event("treatment.basic", {"n": 1}))
    told = path.log.batches[0].told[0]
    assert (told.tenant, told.device) == (path.house.tenant, device.id)
    assert told.said.at is not None


async def test_a_log_that_cannot_keep_is_told_to_the_wire(path: Path) -> None:
    device = await path.house.add()
    path.log.full = True
    with pytest.raises(Busy, match="disk is full"):
        await path.say(device.id, {"temperature": 1})


async def test_a_failing_series_store_does_not_leave_rows_behind(path: Path) -> None:
    device = await path.house.add()

    class Broken:
        async def create(self, wanted: Mapping[tuple[str, str], list[str]]) -> list[Series]:
            raise Busy("The database is busy.")

    broken = replace(path.inbound, series=Broken())
    with pytest.raises(Busy):
        await broken.take([Heard(device.id, (Readings({"new": 1}),))])
    assert path.log.batches == []


async def test_without_room_only_what_a_rule_needs_is_kept_and_the_rest_may_come_again(path: Path) -> None:
    device = await path.house.add()
    await path.say(device.id, {"needed": 1.0, "other": 1.0}, at=path.house.clock.now())
    known = path.house.kept.registry.known(device.id)
    assert known is not None
    path.gate.shut, path.gate.needed = "No room.", frozenset({known.series["needed"]})
    assert await path.say(device.id, {"other": 2.0}) == Answer(kept=False, later="No room.")
    assert await path.say(device.id, {"new": 2.0}) == Answer(kept=False, later="No room.")
    assert await path.say(device.id, Event("pressed")) == Answer(kept=False, later="No room.")
    assert await path.say(device.id, {"needed": 3.0, "other": 3.0}) == KEPT
    assert [row[2] for row in path.rows()] == [1.0, 1.0, 3.0, 3.0]
    assert path.gate.refused == 3
    assert "new" not in known.series
    path.gate.shut = None
    assert await path.say(device.id, {"other": 4.0}) == KEPT


async def test_without_room_a_device_that_asks_is_still_answered(path: Path) -> None:
    device = await path.house.add()
    path.gate.shut = "No room."
    assert not (await path.inbound.take([Heard(device.id, ())]))[0].later


async def test_times_of_receipt_are_right_again_once_the_clock_is(path: Path) -> None:
    device, clock = await path.house.add(), path.house.clock
    noon = clock.now()
    await path.say(device.id, {"t": 0.0})
    for ahead, back in ((10 * DAY, 10 * DAY), (HOUR, HOUR), (30 * SECOND, 30 * SECOND)):
        clock.advance(ahead // SECOND)
        await path.inbound.take([Run(device.id, ("t",), [1.0])])
        clock.advance(-back // SECOND)
        before = len(path.rows())
        await path.inbound.take([Run(device.id, ("t",), [2.0])])
        await path.inbound.take([Run(device.id, ("t",), [3.0, 4.0])])
        await path.say(device.id, {"t": 5.0})
        times = [at for _, at, _ in path.rows()[before:]]
        assert times == sorted({*times})
        assert all(noon <= at <= noon + MINUTE for at in times)
