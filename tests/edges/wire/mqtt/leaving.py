"""Programs that leave wills, one that watches, and what of wills is on disk."""

from typing import Any

import msgspec

from tests.edges.wire.mqtt.client import subscribe
from tests.edges.wire.mqtt.conftest import FakeDisk
from tests.edges.wire.mqtt.device import Device
from verger.domain.messages.bequest import Bequest, LastWill
from verger.edges.wire.mqtt.connection import Connection
from verger.edges.wire.mqtt.listener import Listener
from verger.edges.wire.mqtt.packets import Connect, Publish, SubAck, Will
from verger.edges.wire.mqtt.properties import NONE, Properties

ATTRIBUTES = "v1/devices/me/attributes"


def program(port: int, client_id: str, key: str = "vk_farm") -> Device:
    return Device(port, 5, key, client_id)


def leaving(client_id: str = "a", body: bytes = b"a", *, delay: int = 0, lasts: int = 0, **more: Any) -> Connect:
    will = Will("gone", body, 1, properties=Properties(will_delay_interval=delay) if delay else NONE)
    said = Properties(session_expiry_interval=lasts) if lasts else NONE
    asked: dict[str, Any] = {"username": "vk_farm", "will": will, "clean_start": False, **more}
    return Connect(client_id, 5, keep_alive=60, properties=said, **asked)


async def body(device: Device) -> bytes:
    heard = await device.hear()
    assert isinstance(heard, Publish), heard
    return heard.body


async def watching(device: Device) -> Device:
    await device.begin()
    assert await device.ask(subscribe("gone")) == SubAck(1, (1,))
    return device


async def heard_first(watch: Device) -> bytes:
    """Return what is heard, `marker` when nothing was said before."""
    await watch.say(Publish("gone", b"marker"))
    return await body(watch)


async def lost(listener: Listener, device: Device, client_id: str = "a") -> None:
    """Break off, and wait until that is known."""
    lines = [line for line in listener.lines if isinstance(line, Connection) and line.client_id == client_id]
    device.writer.transport.abort()
    for line in lines:
        await line.gone.wait()


def on_disk(disk: FakeDisk) -> list[Bequest]:
    """Return the wills that would be read after a crash."""
    rows: dict[tuple[Any, Any], dict[str, Any]] = {}
    for page in disk.pages:
        for gone in page.willless:
            rows.pop((gone["of"], gone["is"]), None)
        for row in page.wills:
            rows[row["owner"], row["client_id"]] = row
    return [
        Bequest(
            row["tenant"],
            row["owner"],
            row["client_id"],
            msgspec.msgpack.decode(row["will"], type=LastWill),
            row["due_at"],
        )
        for row in rows.values()
    ]
