"""Packets out of a stream of bytes that comes in pieces of any size."""

from verger.edges.wire.mqtt import decode
from verger.edges.wire.mqtt.packets import Connect, Packet
from verger.edges.wire.mqtt.reasons import ProtocolError, Reason


class Stream:
    """Cuts what a peer sends into packets; after `error` nothing more is read.

    `level` is the peer's protocol level and follows a CONNECT; `more` tells that whole packets may be waiting, `held`
    is what waits.
    """

    __slots__ = ("_wanted", "error", "held", "largest", "level", "more")

    def __init__(self, level: int = 4, largest: int = 268_435_460) -> None:
        """Expect packets of at most `largest` bytes, header included."""
        self.level, self.largest = level, largest
        self.error: ProtocolError | None = None
        self.more = False
        self.held = bytearray()
        self._wanted = 0

    def feed(self, chunk: bytes, most: int = 1 << 30) -> list[Packet]:
        """Return the packets that are now complete, at most `most`; feed nothing to go on while there is `more`."""
        packets: list[Packet] = []
        if self.error is not None:
            return packets
        if self.held:
            self.held += chunk
            if len(self.held) < self._wanted:
                return packets
            chunk = bytes(self.held)
            self.held.clear()
        try:
            at = self._cut(chunk, packets, most)
        except ProtocolError as error:
            self.error, self.more = error, False
            return packets
        if at < len(chunk):
            self.held += memoryview(chunk)[at:]
        return packets

    def lend(self, chunk: bytes) -> bytes | None:
        """Return what is held with `chunk` behind it, to be read elsewhere; feed the rest. None: feed the chunk."""
        if self.error is not None or len(self.held) + len(chunk) < self._wanted:
            return None
        held = bytes(self.held)
        self.held.clear()
        return held + chunk if chunk else held

    def _cut(self, data: bytes, packets: list[Packet], most: int) -> int:
        """Append the whole packets of `data`, and return where the first incomplete one begins."""
        at, end, level = 0, len(data), self.level
        self.more = False
        while at < end:
            begin = at + 2
            size = data[at + 1] if begin <= end else 128
            if size > 127:
                size, begin = _length(data, at + 1, end, strict=level == 5)
            stop = begin + size
            if stop - at > self.largest:
                raise ProtocolError(f"A packet is larger than {self.largest} bytes.", Reason.PACKET_TOO_LARGE)
            first = data[at]
            if size < 0 or stop > end:
                decode.check_header(first)
                self._wanted = stop - at if size >= 0 else 0
                return at
            if len(packets) == most:
                self.more, self._wanted = True, 0
                return at
            if 0x30 <= first < 0x40:
                packets.append(decode.publish(first, data, begin, stop, level))
            else:
                packet = decode.decode(first, data, begin, stop, level)
                packets.append(packet)
                if type(packet) is Connect:
                    level = self.level = packet.level
            at = stop
        return at


def _length(data: bytes, at: int, end: int, *, strict: bool) -> tuple[int, int]:
    """Return a packet's length and where its body begins; a length below 0 while it is not all there."""
    size = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            return -1, at
        byte = data[at]
        size |= (byte & 127) << shift
        at += 1
        if byte < 128:
            # MQTT 3.1.1 does not forbid padding, and some small clients always write four bytes
            if strict and not byte and shift:
                raise ProtocolError("A length is written with more bytes than it needs.")
            return size, at
    raise ProtocolError("A length has more than four bytes.")
