"""Thrift's compact protocol, as far as writing the metadata of a Parquet file needs it.

A struct is a mapping of field number to value, with None left out; the kind of each value follows from its type. A
number is told as `I32` or `I64`, since both are written alike and named differently.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

_TRUE, _FALSE, _I32, _I64, _BINARY, _LIST, _STRUCT = 1, 2, 5, 6, 8, 9, 12
_SHORT_LIST = 15


class I32(Struct, frozen=True):
    """A number that the schema calls i32, or an enum."""

    number: int


class I64(Struct, frozen=True):
    """A number that the schema calls i64."""

    number: int


class Packed(Struct, frozen=True):
    """A struct that is written already."""

    data: bytes


Fields = Mapping[int, Any]


def packed(fields: Fields) -> bytes:
    """Return a struct as bytes: values are bool, I32, I64, bytes, str, structs, or a list of one of these."""
    out = bytearray()
    before = 0
    for field, value in sorted(fields.items()):
        if value is None:
            continue
        kind, step = _kind(value), field - before
        if not 0 < step <= _SHORT_LIST:
            raise ValueError(f"Field {field} lies too far behind {before}.")
        out.append(step << 4 | kind)
        if not isinstance(value, bool):  # its kind has said it
            out += _body(value)
        before = field
    out.append(0)
    return bytes(out)


def _kind(value: Any) -> int:
    match value:
        case bool():
            return _TRUE if value else _FALSE
        case I32():
            return _I32
        case I64():
            return _I64
        case bytes() | str():
            return _BINARY
        case Mapping() | Packed():
            return _STRUCT
        case Sequence():
            return _LIST
    raise TypeError(f"{type(value).__name__} has no place in a struct.")


def _body(value: Any) -> bytes:
    match value:
        case I32(number) | I64(number):
            return varint(number << 1 ^ number >> 63)
        case str():
            return _body(value.encode())
        case bytes():
            return varint(len(value)) + value
        case Mapping():
            return packed(value)
        case Packed(data):
            return data
    kind = _kind(value[0]) if value else _STRUCT
    head = bytes([len(value) << 4 | kind]) if len(value) < _SHORT_LIST else bytes([0xF0 | kind]) + varint(len(value))
    return head + b"".join(map(_body, value))


def varint(number: int) -> bytes:
    """Return a number that is not negative in groups of seven bits, the lowest first."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
