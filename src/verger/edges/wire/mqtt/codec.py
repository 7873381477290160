"""The data types of MQTT (MQTT 5, section 1.5), read from and written to bytes."""

from verger.edges.wire.mqtt.reasons import ProtocolError

MOST_VARINT = 268_435_455


class Cursor:
    """Reads the fields of one packet in order; raises ProtocolError when it ends too early."""

    __slots__ = ("_at", "_data", "_stop")

    def __init__(self, data: bytes, at: int, stop: int) -> None:
        """Stand at the first of the bytes from `at` to `stop`."""
        self._data, self._at, self._stop = data, at, stop

    @property
    def at(self) -> int:
        """Where the next field begins."""
        return self._at

    @property
    def left(self) -> int:
        """How many bytes are left."""
        return self._stop - self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        begin, self._at = self._at, self._at + size
        if self._at > self._stop:
            raise ProtocolError("A packet ends in the middle of a field.")
        return self._data[begin : self._at]

    def byte(self) -> int:
        """Return one byte as a number."""
        return self.take(1)[0]

    def short(self) -> int:
        """Return a number of two bytes."""
        return int.from_bytes(self.take(2), "big")

    def long(self) -> int:
        """Return a number of four bytes."""
        return int.from_bytes(self.take(4), "big")

    def varint(self) -> int:
        """Return a number of one to four bytes, seven bits in each."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if byte == 0 and shift:
                    raise ProtocolError("A length is written with more bytes than it needs.")
                return value
        raise ProtocolError("A length has more than four bytes.")

    def binary(self) -> bytes:
        """Return bytes that follow their length."""
        return self.take(self.short())

    def text(self) -> str:
        """Return UTF-8 text that follows its length."""
        return text_of(self.binary())

    def packet_id(self) -> int:
        """Return the number of a packet, which is never 0."""
        number = self.short()
        if not number:
            raise ProtocolError("A packet identifier is 0.")
        return number

    def part(self, size: int) -> "Cursor":
        """Return a cursor over the next `size` bytes and step behind them."""
        begin = self._at
        self.take(size)
        return Cursor(self._data, begin, self._at)

    def finish(self) -> None:
        """Make sure that nothing is left."""
        if self.left:
            raise ProtocolError("A packet is longer than its fields.")


def text_of(raw: bytes) -> str:
    """Return bytes as text; NUL, surrogates and broken UTF-8 raise ProtocolError."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ProtocolError("A text is not UTF-8.") from None
    if "\0" in text:
        raise ProtocolError("A text holds the character NUL.")
    return text


def varint(value: int) -> bytes:
    """Write a number with seven bits in each byte."""
    if not 0 <= value <= MOST_VARINT:
        raise ValueError(f"{value} does not fit into a length of MQTT")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def short(value: int) -> bytes:
    """Write a number in two bytes."""
    return value.to_bytes(2, "big")


def binary(value: bytes) -> bytes:
    """Write bytes behind their length."""
    return short(len(value)) + value


def text(value: str) -> bytes:
    """Write text behind its length."""
    return binary(value.encode())


def filter_is_sound(topic_filter: str) -> bool:
    """Whether a topic filter uses its wildcards where the standard allows them."""
    parts = topic_filter.split("/")
    return (
        bool(topic_filter)
        and all(part in {"+", "#"} or not ("+" in part or "#" in part) for part in parts)
        and "#" not in parts[:-1]
    )
