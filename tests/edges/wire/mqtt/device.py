"""A device on a real socket."""

import asyncio
import ssl
from types import TracebackType
from typing import Self

from tests.edges.wire.mqtt.client import Client
from verger.edges.wire.mqtt.packets import ConnAck, Connect, Packet


class Device:
    """A client machine with a socket under it: `async with Device(port, level) as device`."""

    def __init__(
        self,
        port: int,
        level: int = 5,
        username: str = "token-d",
        client_id: str = "c",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.client = Client(level)
        self.connect = Connect(client_id, level, username=username, keep_alive=60)
        self._port, self._tls = port, tls

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    async def say(self, *packets: Packet) -> None:
        """Send packets."""
        self.client.say(*packets)
        await self.flush()

    async def flush(self) -> None:
        """Send what the client machine has to say."""
        self.writer.write(self.client.take())
        await self.writer.drain()

    async def hear(self) -> Packet | None:
        """Return the next packet, or None at the end."""
        while not self.client.got:
            raw = await self.reader.read(65_536)
            if not raw:
                return None
            self.client.hear(raw)
            await self.flush()
        return self.client.got.pop(0)

    async def begin(self, connect: Connect | None = None) -> ConnAck:
        """Connect and return the answer."""
        await self.say(connect or self.connect)
        answer = await self.hear()
        assert isinstance(answer, ConnAck)
        return answer

    async def ask(self, *packets: Packet) -> Packet | None:
        """Say something and return the next packet."""
        await self.say(*packets)
        return await self.hear()
