"""A device without a credential that asks for one over MQTT."""

import asyncio

import msgspec
import structlog

from verger.edges.wire import house
from verger.edges.wire.dialects import native_provision
from verger.edges.wire.mqtt.granting import Manners
from verger.edges.wire.mqtt.happenings import Ended, Happening
from verger.edges.wire.mqtt.packets import Publish
from verger.edges.wire.mqtt.reasons import Reason
from verger.edges.wire.mqtt.speaker import Line
from verger.edges.wire.mqtt.wiring import Wiring

log = structlog.get_logger()

MANNERS = Manners(lambda topic: topic == native_provision.RESPONSE)
MOST = 1_000
"""Newcomers at once; a further one is refused."""


class NewcomerSpeaker:
    """Asks for one credential at a time, is told on /provision/response, and says nothing else that is heard."""

    owner = ""

    def __init__(self, wiring: Wiring, line: Line, address: str) -> None:
        """Speak from an address; it has to leave after a while."""
        self.unanswered = 0
        self._wiring, self._line, self._session, self._address = wiring, line, line.session, address
        self._asking: asyncio.Task[None] | None = None
        wiring.newcomers.add(self)
        self._leaving = asyncio.get_running_loop().call_later(wiring.newcomer_s, self._leave)

    @property
    def asking(self) -> bool:
        """Whether it waits for its answer."""
        return self._asking is not None

    def heard(self, packet: Publish) -> None:
        """Take a wish; anything else is answered as nothing kept."""
        right = packet.topic == native_provision.REQUEST
        if packet.qos and right:
            self._session.acknowledge(packet.packet_id, packet.qos)
        elif packet.qos:
            sentence = f"Only {native_provision.REQUEST} is heard before you have a credential."
            self._session.acknowledge(packet.packet_id, packet.qos, Reason.TOPIC_NAME_INVALID, sentence)
        if right and self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask(packet.body))

    async def _ask(self, body: bytes) -> None:
        try:
            told = await house.provision(self._wiring.house, self._wiring.strangers, self._address, body)
            self._session.publish(native_provision.RESPONSE, msgspec.json.encode(told), 0)
        except Exception:
            log.exception("a newcomer could not be answered", address=self._address)
        self._asking = None
        self._line.write(self._session.take())
        self._line.pace()

    def on(self, happened: Happening) -> None:
        """Care for nothing else."""

    def ended(self, ended: Ended) -> None:
        """Have nothing to tell, and no will."""

    def gone(self) -> None:
        """Wait for nothing any more."""
        self._leaving.cancel()
        self._wiring.newcomers.discard(self)
        if self._asking is not None:
            self._asking.cancel()

    def _leave(self) -> None:
        self._line.end(Reason.MAXIMUM_CONNECT_TIME, "Connect again with the credential that you were given.")
