"""Devices of families stay at their own broker: over a bridge they are met, adopted, heard and told what to do."""

import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.edges.wire.bridge.boards import Prefixed, adopted, board_at, device_at, now, says
from tests.edges.wire.bridge.broker import Broker
from tests.edges.wire.bridge.sides import Side, once, opened, side_of
from tests.edges.wire.families.conftest import next_message
from tests.edges.wire.families.test_cottage import HUM, TEMP, code_in, reading
from tests.edges.wire.families.test_farm_life import README, REAL
from tests.edges.wire.mqtt.client import subscribe
from verger.domain.bridges.model import FAMILIES, Says
from verger.domain.bridges.ways import WayStore
from verger.edges.wire.dialects.families import SPOKEN
from verger.edges.wire.mqtt.packets import Publish, SubAck

pytestmark = pytest.mark.needs("mosquitto")

MAC = "3C8A1FA43EC4"


def test_every_family_that_speaks_mqtt_is_read() -> None:
    assert set(SPOKEN) == FAMILIES == {*get_args(Says)} - {"telemetry", "attributes", "events", "native"}


@pytest.mark.parametrize("protocol", [4, 5])
async def test_a_sensor_lives_its_whole_life_over_a_bridge(side: Side, broker: Broker, protocol: int) -> None:
    bridge = await side.listens(broker, "cottage", protocol=protocol)
    async with device_at(broker) as sensor:
        for name in (TEMP, HUM):
            assert isinstance(await sensor.ask(subscribe(f"site/sensors/provision/{name}")), SubAck)
        await sensor.say(Publish("site/sensors/data", reading(TEMP, 21.5, "nan")))
        told = await next_message(sensor)
        assert (told.topic, told.retain) == (f"site/sensors/provision/{TEMP}", False)
        await sensor.say(Publish("site/sensors/data", reading(HUM, 40.1, "nan")))
        code = code_in(told)
        assert code_in(await next_message(sensor)) == code
        await says(sensor, "site/sensors/data", reading(TEMP, 22.35, code))
        await side.until(bridge, lambda shown: shown["messages"] == 3)
        device = await side.adopts(TEMP)
        await says(sensor, "site/sensors/data", reading(TEMP, 4.25, code))
        await says(sensor, "site/sensors/data", reading(HUM, 60.5, code))
    assert await side.values("temperature", 3, device) == [21.5, 22.35, 4.25]
    assert await side.values("humidity", 2, device) == [40.1, 60.5]
    shown = await side.until(bridge, lambda shown: shown["messages"] == 5)
    assert (shown["told"], shown["refused"], shown["last_refused"]) == (2, 0, None)


@pytest.mark.parametrize("way", [REAL, README])
async def test_a_board_of_a_farm_lives_its_whole_life_over_a_bridge(side: Side, broker: Broker, way: str) -> None:
    bridge = await side.listens(broker, "farm", "site/+/")
    async with device_at(broker) as line:
        board = await board_at(line, "site/one/", way)
        device = await adopted(side, board, 22.5, 23.5)
        asked = await side.posted(f"/devices/{device}/commands", method="turn_on", params={"fan": 1})
        raw, told = await board.obeys()
        assert told.get("params", told.get("value")) == {"fan": 1}, raw
    command = await side.ends(asked["id"], "succeeded")
    assert [(step["stage"], step["proof"]) for step in command["steps"][1:]] == [
        ("sent", "bridge"),
        ("succeeded", "ack"),
    ]
    shown = await side.until(bridge, lambda shown: shown["messages"] == 3)
    assert (shown["refused"], shown["told"]) == (0, 1)


async def test_an_older_board_is_one_wherever_it_speaks(side: Side, broker: Broker) -> None:
    bridge = await side.listens(broker, "farm", "site/+/")
    async with device_at(broker) as line:
        for room, value in (("one", 20.0), ("two", 30.0)):
            await line.ask(subscribe(f"site/{room}/home/control/+"))
            await says(line, f"site/{room}/home/sensors", json.dumps({"temperature": value}).encode())
        await side.until(bridge, lambda shown: shown["messages"] == 2)
        waiting = await side.get("/pending-devices")
        first, second = sorted(waiting["items"], key=lambda each: str(each["address"]))
        assert first["address"].startswith("home:site.one@")
        assert second["sample"] == {"temperature": 30.0}
        device = await side.adopts(first["address"])
        await says(line, "site/one/home/sensors", b'{"temperature": 21}')
        await side.values("temperature", 2, device)
        asked = await side.posted(f"/devices/{device}/commands", method="fan1", params={"on": True})
        order = await next_message(line)
        assert (order.topic, order.body) == ("site/one/home/control/fan1", b"on")
        await says(line, "site/one/home/device_states", b'{"fan1": true}')
        await side.ends(asked["id"], "succeeded")


async def test_a_native_device_is_told_what_it_is_asked_and_answers(side: Side, broker: Broker) -> None:
    rule = {"topic": "mill/{device}/#", "says": "native"}
    bridge = await side.opens(broker, filters=["mill/#"], rules=[rule])
    async with device_at(broker) as press:
        asking = "mill/Press 1/v1/devices/me/rpc/request/"
        assert isinstance(await press.ask(subscribe(f"{asking}+")), SubAck)
        await says(press, "mill/Press 1/v1/devices/me/telemetry", b'{"t": 1}')
        await side.values("t", 1)
        asked = await side.posted(f"/devices/{side.device}/commands", method="pulse", params={"s": 2})
        order = await next_message(press)
        number = order.topic.removeprefix(asking)
        assert json.loads(order.body) == {"method": "pulse", "params": {"s": 2}}
        await says(press, f"mill/Press 1/v1/devices/me/rpc/response/{number}", b'{"done": true}')
    assert (await side.ends(asked["id"], "succeeded"))["result"] == {"done": True}
    shown = await side.until(bridge, lambda shown: shown["messages"] == 2)
    assert (shown["refused"], shown["told"]) == (0, 1)


async def test_after_a_restart_a_device_is_reached_that_says_nothing(tmp_path: Path, broker: Broker) -> None:
    tokens: dict[str, str] = {}
    async with device_at(broker) as line:
        async with opened(tmp_path / "data", tokens) as there, side_of(there, tokens["owner"]) as side:
            bridge = await side.listens(broker, "farm")
            board = await board_at(line, "site/", REAL)
            device = await adopted(side, board, 22.5, 23.5)
            stores = side.house.stores
            [(tenant, _)] = await stores.bridges.everything()
            await once(lambda: WayStore(stores.db).of(tenant, bridge), lambda ways: device in ways)
        async with opened(tmp_path / "data", tokens) as there, side_of(there, tokens["owner"]) as side:
            await side.until(bridge, lambda shown: bool(shown["connected"]))
            asked = await side.posted(f"/devices/{device}/commands", method="turn_on", params={})
            await board.obeys()
            await side.ends(asked["id"], "succeeded")
            await board.measures(now(), temperature_c=24.5)
            assert await side.values("temperature", 3, device) == [22.5, 23.5, 24.5]


async def test_what_waits_is_told_once_the_bridge_stands_again(side: Side, broker: Broker) -> None:
    bridge = await side.listens(broker, "farm")
    async with device_at(broker) as line:
        board = await board_at(line, "site/", REAL)
        device = await adopted(side, board, 22.5, 23.5)
        await side.owner.patch(f"/bridges/{bridge}", json={"enabled": False})
        asked = await side.posted(f"/devices/{device}/commands", method="turn_on", params={})
        assert asked["stage"] == "queued"
        await side.owner.patch(f"/bridges/{bridge}", json={"enabled": True})
        await board.obeys()
        await side.ends(asked["id"], "succeeded")


async def test_the_same_devices_of_two_organisations_never_meet(tmp_path: Path, broker: Broker) -> None:
    tokens: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(opened(tmp_path / "data", tokens))
        ours, theirs = [await stack.enter_async_context(side_of(there, tokens[who])) for who in ("owner", "stranger")]
        line, other = [await stack.enter_async_context(device_at(broker, name)) for name in ("one", "other")]
        await ours.listens(broker, "farm", "a/")
        await theirs.listens(broker, "farm", "b/")
        board, twin = await board_at(line, "a/", REAL), await board_at(other, "b/", REAL)
        device, elsewhere = await adopted(ours, board, 1, 2), await adopted(theirs, twin, 3, 4)
        assert (await ours.owner.get(f"/devices/{elsewhere}")).status_code == 404
        mine = await ours.posted(f"/devices/{device}/commands", method="mine", params={})
        _, told = await board.obeys()
        assert told["command"] == "mine"
        await ours.ends(mine["id"], "succeeded")
        its = await theirs.posted(f"/devices/{elsewhere}/commands", method="its", params={})
        _, told = await twin.obeys()
        assert told["command"] == "its"
        await theirs.ends(its["id"], "succeeded")
        rule = {"topic": "#", "says": "farm", "enrolment": await theirs.enrolled("farm")}
        body = {"name": "Theft", "host": "127.0.0.1", "filters": ["#"], "rules": [rule]}
        answer = await ours.owner.post("/bridges", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "rules[0].enrolment")


async def test_nothing_that_we_or_others_publish_comes_back_as_heard(side: Side, broker: Broker) -> None:
    rules = [{"topic": "#", "says": each, "enrolment": await side.enrolled(each)} for each in sorted(SPOKEN)]
    bridge = await side.opens(broker, filters=["#"], rules=rules, protocol=4)
    async with device_at(broker) as line:
        await says(line, "sensors/provision/A_Temp", b'{"status": "provisioned", "code": "0badcafe"}')
        await says(line, f"telemetry/commands/{MAC}", b"{}")
        await says(line, "farm/N/room/R/device/D/command", b"{}")
        await says(line, "home/control/fan1", b"on")
        await says(line, "test/ozon_telemetry", b"{}")
        await says(line, "test/mqtt_tester", b"{}")
        await says(line, f"telemetry/status/{MAC}", json.dumps({"basic_count": 1}).encode())
    shown = await side.until(bridge, lambda shown: shown["messages"] == 1)
    assert (shown["refused"], shown["told"]) == (0, 0)
    assert (await side.waits(MAC))["sample"] == {"count_basic": 1.0}
    broker.says("elsewhere", "1")
    assert "no rule reads" in (await side.until(bridge, lambda shown: shown["refused"] == 1))["last_refused"]


def refused(count: int) -> Callable[[dict[str, Any]], bool]:
    return lambda shown: bool(shown["refused"] == count)


async def test_an_adopted_device_is_heard_whatever_becomes_of_strangers(tmp_path: Path, broker: Broker) -> None:
    tokens: dict[str, str] = {}
    slowly = opened(tmp_path / "data", tokens, VERGER_STRANGER_RATE="3:3600")
    async with slowly as there, side_of(there, tokens["owner"]) as side, device_at(broker) as line:
        enrolment = await side.enrolled("farm", max_devices=1)
        rule = {"topic": "site/#", "says": "farm", "enrolment": enrolment}
        bridge = await side.opens(broker, filters=["site/#"], rules=[rule])
        board = await board_at(line, "site/", REAL)
        device = await adopted(side, board, 1, 2)
        stranger = Prefixed(line, "site/", device="D2")
        sentences = []
        for count in (1, 2, 3):
            await stranger.measures(now(), temperature_c=20)
            sentences.append(await side.until(bridge, refused(count)))
        assert [each["last_refused"].partition(": ")[2][:14] for each in sentences] == [
            "No new device ",
            "No new device ",
            "Strangers spea",
        ]
        await board.measures(now(), temperature_c=3)
        assert await side.values("temperature", 3, device) == [1, 2, 3]
        assert (await side.owner.delete(f"/enrolments/{enrolment}")).status_code == 204
        await board.measures(now(), temperature_c=4)
        shown = await side.until(bridge, lambda shown: shown["refused"] == 4)
        assert "The enrolment of this rule has ended" in shown["last_refused"]
        paused = await side.owner.patch(f"/bridges/{bridge}", json={"enabled": False})
        assert paused.status_code == 200, "a bridge whose enrolment has ended can still be paused"


async def test_nonsense_is_counted_and_stands_on_the_log_page_of_its_device(side: Side, broker: Broker) -> None:
    bridge = await side.listens(broker, "farm")
    async with device_at(broker) as line:
        board = await board_at(line, "site/", REAL)
        device = await adopted(side, board, 1, 2)
        await says(line, "site/farm/North/room/Oyster/device/D1/telemetry", b"not json")
        shown = await side.until(bridge, lambda shown: shown["refused"] == 1)
        sentence = shown["last_refused"].removeprefix("site/farm/North/room/Oyster/device/D1/telemetry: ")
        assert sentence in await side.log(device)
        await board.says("telemetry", {"device_id": "D9", "temperature_c": 9})
        shown = await side.until(bridge, lambda shown: shown["refused"] == 2)
        assert "is not the one of its topic" in shown["last_refused"]
        await board.measures(now(), temperature_c=3)
        assert await side.values("temperature", 3, device) == [1, 2, 3]


@pytest.mark.parametrize(
    ("rule", "field", "sentence"),
    [
        ({"topic": "#", "says": "cottage", "enrolment": "nobody's"}, "enrolment", "There is no such enrolment"),
        ({"topic": "#", "says": "ozone"}, "enrolment", "This enrolment is for cottage; choose one for ozone."),
        ({"topic": "site", "says": "cottage"}, "topic", "End it with #"),
    ],
)
async def test_what_is_wrong_with_a_rule_of_a_family_is_said(
    side: Side, rule: dict[str, Any], field: str, sentence: str
) -> None:
    wanted = {"enrolment": await side.enrolled("cottage")} | rule
    body = {"name": "Site", "host": "broker.example", "filters": ["#"], "rules": [wanted], "enabled": False}
    answer = await side.owner.post("/bridges", json=body)
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert fault["field"] == f"rules[0].{field}"
    assert sentence in fault["message"]


async def test_a_line_that_breaks_amid_a_stranger_loses_nothing_of_it(side: Side, broker: Broker) -> None:
    bridge = await side.listens(broker, "farm")
    async with device_at(broker) as line:
        board = Prefixed(line, "site/")
        for number in range(40):
            await board.measures(now(), temperature_c=number)
            if number % 10 == 5:
                await side.owner.patch(f"/bridges/{bridge}", json={"name": f"Site {number}"})
        device = await side.adopts("North/D1")
        await board.measures(now(), temperature_c=40)
    found = await side.values("temperature", 41, device)
    assert sorted({*found}) == [float(number) for number in range(41)]
