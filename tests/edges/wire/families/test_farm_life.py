"""The whole life of a mushroom farm over real sockets: its boards know nothing of Verger."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import enrolled, next_message, posted, stranger, waiting
from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.device import Device
from verger.base.clock import HOUR, MINUTE, SECOND, HeldClock, microseconds, moment
from verger.edges.wire.mqtt.packets import Disconnect, PubAck, Publish, SubAck

REAL, README = "farm/{0}/room/{1}/device/{2}/{3}", "farm/{0}/room/{1}/{3}/{2}"
ZONE = ZoneInfo("Europe/Helsinki")


class Board:
    """A board of the farm: it writes JSON as Python does, and answers what it is told."""

    def __init__(self, line: Device, way: str, farm: str, room: str, device: str) -> None:
        self.line, self.way, self.names = line, way, (farm, room, device)
        self.number = 0

    def topic(self, word: str) -> str:
        return self.way.format(*self.names, word)

    async def listens(self) -> None:
        assert isinstance(await self.line.ask(subscribe(self.topic("command"))), SubAck)

    async def says(self, word: str, told: dict[str, Any]) -> None:
        """Send something at QoS 1, and wait until it is acknowledged."""
        self.number += 1
        await self.line.say(Publish(self.topic(word), json.dumps(told).encode(), 1, self.number))
        while (heard := await self.line.hear()) != PubAck(self.number):
            assert heard is not None

    async def measures(self, timestamp: Any, **values: float) -> None:
        """Tell values flat, or nested in the README's way."""
        about = {"device_id": self.names[2], "timestamp": timestamp}
        if self.way == REAL:
            about |= {"status": "online", "firmware_version": "v1.2.3", **values}
        else:
            about |= {"data": values}
        await self.says("telemetry", about)

    async def obeys(self, **more: Any) -> tuple[bytes, dict[str, Any]]:
        """Hear a command and say that it was done; return it as it came, and what it says."""
        order = await next_message(self.line)
        assert order.topic == self.topic("command")
        told = json.loads(order.body)
        done = {"device_id": self.names[2], "command_id": told["command_id"], "status": "acked", "timestamp": "x"}
        await self.says("ack" if self.way == README else "status", done | {"response": "done"} | more)
        return order.body, told


async def of(product: Product, address: str) -> str:
    """Return the id of the device that has an address."""
    items = (await product.get("/devices"))["items"]
    return str(next(each["id"] for each in items if each.get("address") == address))


async def readings(product: Product, device: str) -> list[tuple[str, float, int]]:
    """Return everything that a device measured."""
    await product.house.oversight.followers.caught_up()
    found = await product.get(f"/devices/{device}/readings?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")
    at = [microseconds(datetime.fromisoformat(each["at"])) for each in found["items"]]
    return [(each["metric"], each["value"], when) for each, when in zip(found["items"], at, strict=True)]


@pytest.mark.parametrize("way", [REAL, README])
async def test_a_farm_waits_is_adopted_as_a_tree_measures_obeys_leaves_and_comes_back(
    product: Product, clock: HeldClock, way: str
) -> None:
    key = (await enrolled(product, "farm"))["key"]
    async with stranger(product, key) as line:
        await line.begin()
        air = Board(line, way, "North", "Oyster", "D1")
        fan = Board(line, way, "North", "Oyster", "D2")
        other = Board(line, way, "North", "Enoki", "D3")
        for each in (air, fan, other):
            await each.listens()
            await each.measures(moment(clock.at).isoformat(), temperature_c=22.5)
        assert {each["address"] for each in await waiting(product)} == {"North/D1", "North/D2", "North/D3"}
        # the whole farm in one step, with its rooms as places
        tree = await posted_tree(product)
        assert [(each["kind"], each["name"]) for each in tree["places"]] == [
            ("farm", "North"),
            ("room", "Oyster"),
            ("room", "Enoki"),
        ]
        assert sorted(each["name"] for each in tree["devices"]) == ["D1", "D2", "D3"]
        await every_clock(product, clock, air)
        await cooled(product, clock, air, fan)
        await line.say(Disconnect())
        assert await line.hear() is None
    await away_and_back(product, clock, way, key)


async def posted_tree(product: Product) -> Any:
    wish = {"prefix": "farm/North", "place": product.place["id"]}
    answer = await product.owner.post("/pending-devices/adopt", json=wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def every_clock(product: Product, clock: HeldClock, board: Board) -> None:
    """Say the time in every way in which a board may say it; each reading stands at its own."""
    begun = await readings(product, await of(product, "North/D1"))
    assert begun == [("temperature", 22.5, clock.at)]
    minutes = [moment(clock.at - number * MINUTE) for number in (1, 2, 3, 4, 5)]
    naive = minutes[0].astimezone(UTC).replace(tzinfo=None).isoformat()
    zulu = minutes[1].astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    offset = minutes[4].astimezone(ZONE).isoformat()
    ways = [naive, zulu, minutes[2].timestamp(), round(minutes[3].timestamp() * 1000), offset]
    for number, written in enumerate(ways):
        await board.measures(written, co2_ppm=900 + number, substrate_moisture=71.5, light_lux=300, humidity_pct=88)
    found = await readings(product, await of(product, "North/D1"))
    assert sorted((value, at) for metric, value, at in found if metric == "co2") == [
        (900 + number, microseconds(at)) for number, at in enumerate(minutes)
    ]
    assert {metric for metric, _, _ in found} == {"temperature", "co2", "substrate_moisture", "light", "humidity"}


async def cooled(product: Product, clock: HeldClock, air: Board, fan: Board) -> None:
    """Let a rule turn the fan on once it is too hot, and see what that does."""
    places = (await product.get("/places"))["items"]
    room = next(each["id"] for each in places if each["name"] == "Oyster")
    sensor, actor = await of(product, "North/D1"), await of(product, "North/D2")
    hot = {"metric": "temperature", "device": sensor, "is": "above", "value": 26}
    then = [{"command": {"device": actor, "method": "turn_on", "params": {}}}]
    await posted(product, "/rules", name="Cool it", place=room, when=hot, then=then)
    clock.at += MINUTE
    await fan.measures(moment(clock.at).isoformat(), battery_v=3.3)
    await air.measures(moment(clock.at).isoformat(), temperature_c=27.5)
    await product.house.oversight.followers.caught_up()
    raw, told = await fan.obeys()
    at = moment(clock.at).replace(tzinfo=None).isoformat()
    number = told["command_id"]
    if fan.way == REAL:
        wanted = f'{{"command_id":"{number}","command":"turn_on","params":{{}},"timestamp":"{at}"}}'
    else:
        wanted = f'{{"command_id":"{number}","device_id":"D2","action":"turn_on","value":{{}},"timestamp":"{at}Z"}}'
    assert raw == wanted.encode()
    assert str(UUID(number)) == number
    await product.house.oversight.followers.caught_up()
    (command,) = (await product.get(f"/devices/{actor}/commands"))["items"]
    assert (command["stage"], command["asked_by"][:5]) == ("succeeded", "rule:")
    assert command["result"] == {"status": "acked", "response": "done"}
    # its answer says nothing of how the device itself stands
    stands = (await product.get(f"/devices/{actor}"))["attributes"]["reported"].get("status")
    assert stands == ("online" if fan.way == REAL else None)
    clock.at += MINUTE
    await air.measures(moment(clock.at).isoformat(), temperature_c=24.0)
    await product.house.oversight.followers.caught_up()
    assert (await product.get(f"/devices/{sensor}/latest"))["temperature"]["value"] == 24


async def away_and_back(product: Product, clock: HeldClock, way: str, key: str) -> None:
    """Leave, be told something meanwhile, and find it on return, with all that was measured in between."""
    device = await of(product, "North/D2")
    silence = {"silence": {"after_s": 60}}
    assert (await product.owner.patch(f"/devices/{device}", json=silence)).status_code == 200
    for _ in range(20):
        clock.at += 5 * SECOND
        await product.house.presence.tick(product.house.stores.log.last)
    assert not (await product.get(f"/devices/{device}"))["online"]
    alerts = (await product.get("/alerts?state=active"))["items"]
    assert [(each["rule"], each["device"]) for each in alerts] == [("silence", device)]
    clock.at += 6 * HOUR
    waits = await posted(product, f"/devices/{device}/commands", method="set_speed", params={"value": 3}, ttl_s=3600)
    async with stranger(product, key) as line:
        await line.begin()
        fan = Board(line, way, "North", "Oyster", "D2")
        await fan.listens()
        _, told = await fan.obeys(ack_status="failed", response="stuck")
        assert told.get("params", {"value": told.get("value")}) == {"value": 3}
        before = moment(clock.at) - timedelta(hours=3)
        await fan.measures(before.isoformat(), battery_v=3.1)
        await product.house.oversight.followers.caught_up()
        await product.house.presence.look()
        assert (await product.get(f"/devices/{device}"))["online"]
    command = await product.get(f"/commands/{waits['id']}")
    assert (command["stage"], command["error"]) == ("failed", "stuck")
    latest = (await product.get(f"/devices/{device}/latest"))["battery_voltage"]
    assert datetime.fromisoformat(latest["at"]) == before
