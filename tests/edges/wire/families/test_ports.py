"""Ports and roots of a family's own, over the whole program's real sockets."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority
from tests.edges.wire.mqtt.device import Device
from verger.app import House, running
from verger.base.certificates import fingerprint
from verger.base.settings import BadSetting, Settings
from verger.edges.api.server import listen
from verger.edges.wire.mqtt.packets import Connect, PubAck, Publish

BODY = b'{"sensors":[{"sensor_id":"A1_Temp","sensor_data":21.50}],"code":"0badcafe"}'


def free() -> int:
    """Return a port that nobody has."""
    with listen("127.0.0.1", 0) as found:
        port: int = found.getsockname()[1]
    return port


async def say(port: int, path: str, body: bytes = BODY) -> tuple[int, bytes]:
    """Post as the firmware does, byte for byte; return the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: ESP8266HTTPClient\r\nConnection: close\r\n"
    writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await reader.read()
    writer.close()
    top, _, rest = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), rest


async def enrolled(house: House, **more: Any) -> tuple[str, str]:
    """Open a place to sensors; return the enrolment's id and key."""
    tenant = str(await house.stores.tenancy.users.first_tenant())
    place = (await house.stores.places.tree(tenant)).places
    opened = await house.grounds.enrolling.add(tenant, {"dialect": "cottage", "place": next(iter(place)), **more})
    return opened.enrolment.id, opened.key


async def test_a_port_is_a_door_and_the_root_speaks_a_family(founded: Settings) -> None:
    own, named, line = free(), free(), free()
    async with running(founded) as (house, ports):
        enrolment, key = await enrolled(house)
        other, _ = await enrolled(house, port=named)
        assert (await say(ports.plain, f"/t/{key}/sensors/create_sensor/"))[0] == 200
        assert (await say(ports.plain, f"/t/{key}x/sensors/create_sensor/"))[0] == 401
        assert (await say(ports.plain, "/sensors/create_sensor/"))[0] != 200
        assert other != enrolment
    doors = (("cottage", own, enrolment), ("cottage", named, ""))
    spoken = replace(founded, compat_ports=doors, compat_root="cottage", mqtt_listeners=((line, enrolment),))
    async with running(spoken) as (house, ports):
        for path in ("/sensors/create_sensor/", "/api/sensors/create_sensor/"):
            status, body = await say(own, path)
            assert (status, body) == (200, b'{"status":"success","code":"0badcafe"}')
        assert (await say(named, "/sensors/create_sensor/"))[0] == 200
        assert (await say(ports.plain, "/sensors/create_sensor/"))[0] == 401
        async with Device(line, 4, "", "ESP8266Client-1") as device:
            assert (await device.begin(Connect("ESP8266Client-1", 4, keep_alive=15))).reason == 0
            assert isinstance(await device.ask(Publish("sensors/data", BODY, 1, 1)), PubAck)
        async with Device(house.mqtt.plain, 4, "", "ESP8266Client-1") as device:
            assert (await device.begin(Connect("ESP8266Client-1", 4, keep_alive=15))).reason == 5
        waiting = await house.stores.enrolled.strangers.all(str(await house.stores.tenancy.users.first_tenant()))
        assert [(each.address, each.readings) for each in waiting] == [("A1_Temp", 5)]


async def test_a_port_for_a_family_that_nobody_speaks_ends_the_start(founded: Settings) -> None:
    with pytest.raises(BadSetting, match="VERGER_COMPAT_PORTS names telex"):
        async with running(replace(founded, compat_ports=(("telex", 0, ""),))):
            pass


async def test_a_client_certificate_is_a_door_whatever_the_user_name(founded: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    cert, key = authority.sign("server")
    spoken = replace(founded, tls_cert=cert, tls_key=key, tls_client_ca=authority.path, mqtt_tls_port=0)
    mine, foreign = authority.sign("sensor"), authority.sign("other")
    async with running(spoken) as (house, _):
        await enrolled(house, certificates=[fingerprint(mine[0].read_text())])
        port = house.mqtt.tls
        assert port is not None
        for signed, user, reason in ((mine, "?SDK=Python&Version=1.5.4", 0), (mine, None, 0), (foreign, None, 5)):
            async with Device(port, 4, "", "sdk", tls=authority.client(signed)) as device:
                answer = await device.begin(Connect("sdk", 4, username=user, keep_alive=15))
                assert answer.reason == reason
                if not reason:
                    assert isinstance(await device.ask(Publish("sensors/data", BODY, 1, 1)), PubAck)
