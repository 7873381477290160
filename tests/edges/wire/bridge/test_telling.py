"""What a broker is told: within what it takes, once where no answer comes, and only where devices were heard."""

from types import SimpleNamespace
from typing import Any

import pytest

from verger.base.clock import SECOND, HeldClock, microseconds, moment
from verger.domain.bridges.model import Bridge, TopicRule
from verger.domain.bridges.ways import Way
from verger.domain.devices.addresses import Addressed
from verger.domain.enrolments.model import Admitted, Enrolment
from verger.edges.wire.bridge.abroad import Abroad
from verger.edges.wire.bridge.sending import MOST, Sending
from verger.edges.wire.dialects.native import Ask
from verger.edges.wire.mqtt.packets import PubAck, Publish
from verger.edges.wire.mqtt.properties import Properties
from verger.edges.wire.mqtt.stream import Stream
from verger.flows.bridging import Standing

NOW = moment(1_800_000_000_000_000)


class Pipe:
    """The writing end of a connection, with what its peer heard and how much it has not read."""

    def __init__(self, level: int = 5) -> None:
        self.unread, self.closing = 0, False
        self.transport = SimpleNamespace(get_write_buffer_size=lambda: self.unread)
        self.heard: list[Publish] = []
        self._stream = Stream(level)

    def is_closing(self) -> bool:
        return self.closing

    def write(self, raw: bytes) -> None:
        self.heard += [each for each in self._stream.feed(raw) if isinstance(each, Publish)]


def sending(pipe: Pipe, level: int = 5, **said: Any) -> Sending:
    out: Any = pipe
    made = Sending(level, out)
    made.greeted(Properties(**said))
    return made


def test_no_more_is_on_its_way_than_the_broker_takes() -> None:
    pipe, codes = Pipe(), list[int]()
    telling = sending(pipe, receive_maximum=2)
    assert [telling.publish("a", b"1", codes.append) for _ in range(3)] == [True, True, False]
    first, second = pipe.heard
    assert (first.qos, first.retain, first.packet_id != second.packet_id) == (1, False, True)
    telling.acknowledged(PubAck(second.packet_id, 0x10))
    telling.acknowledged(PubAck(999))
    assert codes == [0x10]
    assert telling.publish("a", b"1", codes.append)


def test_without_a_word_of_the_broker_there_is_a_bound_too() -> None:
    pipe = Pipe(4)
    telling = sending(pipe, 4)
    assert [telling.publish("a", b"", lambda _: None) for _ in range(MOST + 1)].count(True) == MOST


def test_a_broker_that_takes_qos_0_only_has_it_at_once() -> None:
    pipe, codes = Pipe(), list[int]()
    assert sending(pipe, maximum_qos=0).publish("a", b"1", codes.append)
    assert (pipe.heard[0].qos, codes) == (0, [0])


def test_what_lasts_for_a_while_is_kept_by_no_broker_for_longer() -> None:
    new, old = Pipe(5), Pipe(4)
    for pipe, level in ((new, 5), (old, 4)):
        assert sending(pipe, level).publish("a", b"1", lambda _: None, 20)
    assert (new.heard[0].qos, new.heard[0].properties.message_expiry_interval) == (1, 20)
    assert old.heard[0].qos == 0


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a\0", "x" * 65_536])
def test_what_is_no_topic_would_end_the_connection_and_is_not_sent(topic: str) -> None:
    pipe = Pipe()
    assert not sending(pipe).publish(topic, b"1", lambda _: None)
    assert pipe.heard == []


def test_what_is_too_large_or_finds_the_broker_behind_is_not_sent() -> None:
    pipe = Pipe()
    telling = sending(pipe, maximum_packet_size=50)
    assert not telling.publish("a", b"x" * 50, lambda _: None)
    pipe.unread = 2 << 20
    assert not telling.publish("a", b"", lambda _: None)
    pipe.unread, pipe.closing = 0, True
    assert not telling.publish("a", b"", lambda _: None)


class Broker:
    """Takes everything, and answers when it is asked to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.told: list[Any] = []
        self.lasts: list[int | None] = []

    def publish(self, topic: str, body: bytes, told: Any, lasts_s: int | None = None) -> bool:
        self.heard.append((topic, body))
        self.lasts.append(lasts_s)
        self.told.append(told)
        return True


def abroad(
    says: Any, address: str, way: Way, remarks: list[tuple[str, str]] | None = None, tenant: str = "t"
) -> Abroad:
    """Return who is abroad where one device was heard before."""
    enrolment = Enrolment(id="e", dialect=says, place="p", open_until=NOW, created_at=NOW)
    meetings = SimpleNamespace(
        by_enrolment=lambda _: Admitted("t", (enrolment,)),
        addressed=lambda device: Addressed(device, "t", says, address, {}),
    )
    noted = [] if remarks is None else remarks
    house = SimpleNamespace(tenant=lambda _: tenant, remark=lambda _, kind, sentence: noted.append((kind, sentence)))
    desk: Any = SimpleNamespace(
        meetings=meetings, house=house, switchboard=SimpleNamespace(orders=SimpleNamespace(listens=lambda _: None))
    )
    rule = TopicRule("{device}/#", "native") if says == "native" else TopicRule("site/+/#", says, enrolment="e")
    made = Bridge(id="b", name="B", host="h", client_id="c", filters=("#",), rules=(rule,), created_at=NOW)
    return Abroad(desk, "t", made, {"d": way}, Standing(NOW), HeldClock(microseconds(NOW)))


def test_a_machine_that_never_answers_is_told_once() -> None:
    broker = Broker()
    there = abroad("ozone", "A1", Way("ozone", "site/x/"))
    assert not there.ask("d", Ask(7, "PING")), "the line does not stand yet"
    there.listen(broker.publish)
    assert there.ask("d", Ask(7, "PING"))
    assert there.ask("d", Ask(7, "PING")), "the broker may not have it"
    broker.told[0](0)
    assert not there.ask("d", Ask(7, "PING"))
    assert there.ask("d", Ask(8, "PING"))
    assert {topic for topic, _ in broker.heard} == {"site/x/telemetry/commands/A1"}


def test_the_broker_is_told_how_long_a_command_holds() -> None:
    broker = Broker()
    there = abroad("ozone", "A1", Way("ozone", "site/x/"))
    there.listen(broker.publish)
    for until in (30, -5):
        assert there.ask("d", Ask(7, "PING", until=microseconds(NOW) + until * SECOND))
    assert broker.lasts == [30, 1]


def test_what_goes_one_way_is_told_once_and_what_is_answered_again() -> None:
    broker = Broker()
    there = abroad("native", "", Way("native", "Press/", "v2"))
    there.listen(broker.publish)
    for order in (Ask(1, "open", one_way=True), Ask(2, "open")):
        assert there.ask("d", order)
        broker.told[-1](0)
    assert not there.ask("d", Ask(1, "open", one_way=True))
    assert there.ask("d", Ask(2, "open"))
    assert {topic for topic, _ in broker.heard} == {"Press/v2/r/req/1", "Press/v2/r/req/2"}
    assert there.ours(*broker.heard[0])
    assert not there.ours(broker.heard[0][0], b"something else")


def test_a_board_of_a_farm_is_told_in_the_way_in_which_it_speaks() -> None:
    broker, reach = Broker(), "farm/N/room/R"
    for at in (f"{reach}/device/D/command", f"{reach}/command/D"):
        there = abroad("farm", "N/D", Way("farm", "site/x/", reach, at))
        there.listen(broker.publish)
        assert there.ask("d", Ask(1, "turn_on"))
    assert [topic for topic, _ in broker.heard] == [
        f"site/x/{reach}/device/D/command",
        f"site/x/{reach}/command/D",
    ]


@pytest.mark.parametrize(
    "way", [Way("ozone", "elsewhere/"), Way("farm", "site/x/", "farm/N/room/R"), Way("ozone", "site/x/y/")]
)
def test_a_way_that_the_rules_no_longer_know_leads_nowhere(way: Way) -> None:
    there = abroad("ozone", "A1", way)
    there.listen(Broker().publish)
    assert not there.ask("d", Ask(7, "PING"))


def test_a_device_that_belongs_to_others_now_is_told_nothing() -> None:
    there = abroad("ozone", "A1", Way("ozone", "site/x/"), tenant="other")
    there.listen(Broker().publish)
    assert not there.ask("d", Ask(7, "PING"))


def test_what_the_broker_does_not_take_stands_on_the_log_page() -> None:
    broker, remarks = Broker(), list[tuple[str, str]]()
    there = abroad("ozone", "A1", Way("ozone", "site/x/"), remarks)
    there.listen(broker.publish)
    assert there.ask("d", Ask(7, "PING"))
    broker.told[0](0x87)
    broker.told[0](0x10)
    assert [kind for kind, _ in remarks] == ["command", "command"]
    assert "let our user publish there" in remarks[0][1]
    assert "Nobody listened" in remarks[1][1]
    assert there.ask("d", Ask(7, "PING"))
