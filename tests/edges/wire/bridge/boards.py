"""Devices at somebody else's broker, which know nothing of Verger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from tests.edges.wire.bridge.broker import Broker
from tests.edges.wire.bridge.sides import Side
from tests.edges.wire.families.test_farm_life import REAL, Board
from tests.edges.wire.mqtt.device import Device
from verger.edges.wire.mqtt.packets import Connect, PubAck, Publish


@asynccontextmanager
async def device_at(broker: Broker, name: str = "device") -> AsyncIterator[Device]:
    """Be a device at a broker that knows nothing of Verger."""
    async with Device(broker.port, 4, "", name) as device:
        assert (await device.begin(Connect(name, 4, keep_alive=60))).reason == 0
        yield device


async def says(device: Device, topic: str, body: bytes) -> None:
    """Say something at QoS 1, and wait until the broker has it."""
    assert await device.ask(Publish(topic, body, 1, 9)) == PubAck(9)


def now() -> str:
    return datetime.now(UTC).isoformat()


class Prefixed(Board):
    """A board whose topics stand behind a prefix of its broker's owner."""

    def __init__(self, line: Device, prefix: str, way: str = REAL, device: str = "D1") -> None:
        super().__init__(line, way, "North", "Oyster", device)
        self.prefix = prefix

    def topic(self, word: str) -> str:
        return self.prefix + super().topic(word)


async def board_at(line: Device, prefix: str, way: str) -> Prefixed:
    board = Prefixed(line, prefix, way)
    await board.listens()
    return board


async def adopted(side: Side, board: Board, *values: float) -> str:
    """Let a board measure, be adopted, and measure again; return its device once all of it is kept."""
    await board.measures(now(), temperature_c=values[0])
    device = await side.adopts(f"North/{board.names[2]}")
    for value in values[1:]:
        await board.measures(now(), temperature_c=value)
    assert await side.values("temperature", len(values), device) == list(values)
    return device
