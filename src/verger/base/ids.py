"""Identifiers: UUID version 7 (RFC 9562, section 5.7), ordered by the time they were made."""

import os
import time
import uuid
from itertools import count

_SEQUENCE_BITS = 12
_RANDOM_BITS = 62
_ticks = count(int.from_bytes(os.urandom(1)))


def new_id() -> str:
    """Return a fresh UUIDv7 in its canonical text; ids made later in one process sort later, to the millisecond."""
    milliseconds = time.time_ns() // 1_000_000
    sequence = next(_ticks) & ((1 << _SEQUENCE_BITS) - 1)
    noise = int.from_bytes(os.urandom(8)) & ((1 << _RANDOM_BITS) - 1)
    number = milliseconds << 80 | 0x7 << 76 | sequence << 64 | 0b10 << 62 | noise
    return str(uuid.UUID(int=number))
