"""Bridges to a real mosquitto: what it was told is in our log before it is acknowledged."""

import asyncio
import json
from pathlib import Path

import pytest
from msgspec import structs

from tests.edges.wire.bridge.broker import Broker, papers
from tests.edges.wire.bridge.sides import Side, once

pytestmark = pytest.mark.needs("mosquitto")


@pytest.mark.parametrize("protocol", [4, 5])
async def test_what_is_said_there_is_kept_here(side: Side, broker: Broker, protocol: int) -> None:
    bridge = await side.opens(broker, protocol=protocol)
    broker.says("plant/Press 1/telemetry", '{"t": 1}')
    broker.says(f"plant/{side.device}/telemetry", '{"t": 2}')
    assert await side.values("t", 2) == [1.0, 2.0]
    shown = await side.until(bridge, lambda shown: shown["messages"] == 2)
    assert (shown["connected"], shown["error"], shown["refused"]) == (True, None, 0)


async def test_what_makes_no_sense_is_counted_and_goes_no_further(side: Side, broker: Broker) -> None:
    bridge = await side.opens(broker)
    for topic, body in (("Press 2/telemetry", '{"t": 1}'), ("Press 1/telemetry", "not json"), ("elsewhere", "1")):
        broker.says(f"plant/{topic}", body)
    shown = await side.until(bridge, lambda shown: shown["refused"] == 3)
    assert "no rule reads" in shown["last_refused"]
    broker.says("plant/Press 1/telemetry", '{"t": 1}')
    assert await side.values("t", 1) == [1.0]


async def test_a_device_that_is_added_or_renamed_is_known_by_its_name(side: Side, broker: Broker) -> None:
    await side.opens(broker)
    await side.owner.patch(f"/devices/{side.device}", json={"name": "Press A"})
    await asyncio.sleep(1.1)  # a name is looked up once a second at most
    broker.says("plant/Press A/telemetry", '{"t": 7}')
    assert await side.values("t", 1) == [7.0]


async def test_native_topics_and_gateways_behind_a_prefix(side: Side, broker: Broker) -> None:
    rules = [
        {"topic": "plant/gate/#", "says": "native", "device": side.device},
        {"topic": "plant/{device}/#", "says": "native"},
    ]
    await side.owner.patch(f"/devices/{side.device}", json={"is_gateway": True})
    await side.opens(broker, rules=rules)
    broker.says("plant/Press 1/v1/devices/me/telemetry", '{"t": 3}')
    broker.says(
        "plant/gate/v1/gateway/telemetry", json.dumps({"Boiler": [{"ts": 1_700_000_000_000, "values": {"b": 80}}]})
    )
    assert await side.values("t", 1) == [3.0]
    await once(lambda: side.owner.get("/devices"), lambda answer: "Boiler" in answer.text)


async def test_a_shared_subscription_shares(side: Side, broker: Broker) -> None:
    for number in range(2):
        await side.opens(broker, filters=["$share/verger/plant/#"], client_id=f"half-{number}")
    for number in range(20):
        broker.says("plant/Press 1/telemetry", json.dumps({"t": number}))
    assert sorted(await side.values("t", 20)) == [float(number) for number in range(20)]
    shown = (await side.owner.get("/bridges")).json()["items"]
    assert sum(each["messages"] for each in shown) == 20


async def test_it_comes_back_when_the_broker_does(side: Side, broker: Broker) -> None:
    bridge = await side.opens(broker)
    broker.stop()
    shown = await side.until(bridge, lambda shown: not shown["connected"])
    assert shown["error"]
    broker.start()
    await side.until(bridge, lambda shown: bool(shown["connected"]))
    broker.says("plant/Press 1/telemetry", '{"t": 4}')
    assert await side.values("t", 1) == [4.0]


async def test_what_there_is_no_room_for_is_not_acknowledged_and_asked_for_again(side: Side, broker: Broker) -> None:
    bridge = await side.opens(broker)
    mode = side.house.upkeep.room.mode
    mode.since = 1
    broker.says("plant/Press 1/telemetry", '{"t": 5}')
    shown = await side.until(bridge, lambda shown: not shown["connected"])
    assert "nearly full" in shown["error"]
    mode.since = None
    assert await side.values("t", 1) == [5.0]


async def test_what_comes_sooner_than_a_rate_allows_waits_and_is_kept_in_its_order(side: Side, broker: Broker) -> None:
    limiting = side.house.stores.limiting
    limiting.usual = structs.replace(limiting.usual, messages="2:1")
    for known in side.house.stores.kept.registry.everyone():
        limiting.allow(known)
    bridge = await side.opens(broker)
    for number in range(6):
        broker.says("plant/Press 1/telemetry", json.dumps({"t": number}))
    assert await side.values("t", 6) == [float(number) for number in range(6)]
    shown = await side.until(bridge, lambda shown: shown["messages"] == 6)
    assert (shown["connected"], shown["refused"]) == (True, 0)
    assert side.house.stores.kept.registry.over["messages"] > 0


async def test_with_a_client_certificate_over_tls(side: Side, tmp_path: Path) -> None:
    made = papers(tmp_path)
    secure = Broker(tmp_path, more=made.config).start()
    try:
        wrong = await side.adds(secure, tls=True, host="localhost")
        assert "not trusted" in (await side.until(wrong, lambda shown: bool(shown["error"])))["error"]
        proof = {"ca": made.ca, "certificate": made.certificate, "key": made.key}
        bridge = await side.opens(secure, tls=True, host="localhost", alpn="mqtt", **proof)
        shown = await side.shown(bridge)
        assert not proof.keys() & shown.keys()
        files = ("--cafile", "--cert", "--key")
        names = ("ca.pem", "cert.pem", "key.pem")
        papers_ = [part for file, name in zip(files, names, strict=True) for part in (file, str(tmp_path / name))]
        secure.says("plant/Press 1/telemetry", '{"t": 5}', "-h", "localhost", *papers_)
        assert await side.values("t", 1) == [5.0]
    finally:
        secure.stop()


async def test_inner_addresses_are_not_called_unless_the_operator_lists_them(side: Side, broker: Broker) -> None:
    for host in ("10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1"):
        bridge = await side.adds(broker, host=host)
        shown = await side.until(bridge, lambda shown: bool(shown["error"]))
        assert "VERGER_OUTGOING_NETWORKS" in shown["error"], host


async def test_secrets_stay_when_other_things_change(side: Side, broker: Broker) -> None:
    bridge = await side.adds(broker, username="verger", password="a secret of theirs", enabled=False)
    changed = await side.owner.patch(f"/bridges/{bridge}", json={"name": "Mill", "username": "mill"})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert "a secret of theirs" not in changed.text
    tenant = next(tenant for tenant, each in await side.house.stores.bridges.everything() if each.id == bridge)
    assert (await side.house.stores.bridges.secrets(tenant, bridge)).password == "a secret of theirs"


async def test_a_bridge_that_is_ended_hears_no_more(side: Side, broker: Broker) -> None:
    bridge = await side.opens(broker)
    assert (await side.owner.delete(f"/bridges/{bridge}")).status_code == 204
    assert (await side.owner.get(f"/bridges/{bridge}")).status_code == 404
    broker.says("plant/Press 1/telemetry", '{"t": 4}')
    assert side.house.grounds.bridging.lines.standing(bridge).messages == 0
