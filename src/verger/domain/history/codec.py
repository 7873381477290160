"""Chunks of readings as bytes and back: exact for every time and every float64 bit pattern, many chunks at once.

A chunk is a head (fixed, see HEAD) and a body: byte planes of two unsigned columns, zstd-packed when that is smaller.
Times: differences less the smallest one, in the coarsest unit of 1 us, 1 ms, 1 s that fits. Values: whole numbers
after scaling by a power of ten, as differences (DELTA) or above the smallest (PLAIN); else the bits of the float,
each XORed with the one before (BITS). First elements are zero; `tmin`, `tmax`, `vmin`, `vlast` give the rest back.

Version 1 had one checksum over head and body. Since version 2 the head has its own, over itself and the summary of
hours beside it, and tells that of the body: so a head is proved without its body, and stays when the body goes.
"""

import threading
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import zstandard
from numpy.typing import NDArray

from verger.domain.history.columns import (
    Narrow,
    Unsigned,
    bytes_used,
    join_planes,
    split_planes,
    spread,
    unzigzag,
    zigzag,
)
from verger.domain.history.model import Readings, Times, Values
from verger.domain.history.scaling import BITS, DELTA, PLAIN, POWERS, Shapes, shapes

VERSION = 2
LEVEL = 3
HEAD = np.dtype(
    [
        ("version", "u1"),
        ("way", "u1"),
        ("decimals", "u1"),
        ("unit", "u1"),
        ("time_planes", "u1"),
        ("value_planes", "u1"),
        ("packed", "u1"),
        ("n", "<u4"),
        ("tmin", "<i8"),
        ("tmax", "<i8"),
        ("vmin", "<f8"),
        ("vmax", "<f8"),
        ("vsum", "<f8"),
        ("vlast", "<f8"),
        ("body_crc", "<u4"),
        ("crc", "<u4"),
    ]
)
Heads = NDArray[np.void]
_UNITS = np.array([1, 1000, 1_000_000], np.uint64)
_COVERED = HEAD.itemsize - 4
_OLD_COVERED = HEAD.itemsize - 8
_FRAME = zstandard.FORMAT_ZSTD1_MAGICLESS


class Damaged(Exception):
    """A chunk is not what was written; `which` is its place among those that were to be decoded."""

    def __init__(self, which: int, reason: str) -> None:
        """Keep its place and the reason."""
        super().__init__(reason)
        self.which = which
        self.reason = reason


class _Packers(threading.local):
    """The zstd machines of one thread; they must not be shared."""

    def __init__(self) -> None:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            LEVEL, format=_FRAME, write_content_size=True, write_checksum=False
        )
        self.pack = zstandard.ZstdCompressor(compression_params=parameters).compress
        self.unpack = zstandard.ZstdDecompressor(format=_FRAME).decompress


_packers = _Packers()


def encode(at: Times, value: Values, starts: NDArray[np.intp]) -> tuple[Heads, list[bytes]]:
    """Return heads, not sealed yet, and bodies of the chunks that begin at `starts`, each ascending, none empty."""
    heads = np.zeros(len(starts), HEAD)
    lengths = np.diff(starts, append=len(at))
    with np.errstate(all="ignore"):
        _summarise(heads, at, value, starts, lengths)
        times, unit = _fold_times(at, starts, lengths)
        values, shape = _fold_values(value, starts, lengths)
    heads["unit"] = unit
    heads["way"], heads["decimals"] = shape.way, shape.decimals
    heads["time_planes"] = bytes_used(times, starts)
    heads["value_planes"] = bytes_used(values, starts)
    plain = join_planes((times, values), (heads["time_planes"], heads["value_planes"]), starts, lengths)
    return heads, _pack(heads, plain)


def decode(heads: Heads, bodies: Sequence[bytes]) -> Readings:
    """Return the readings of all chunks, one after the other; raises Damaged for the first that is not as written."""
    plain = _unpack(heads, bodies)
    lengths = heads["n"].astype(np.intp)
    starts = np.cumsum(lengths) - lengths
    times, values = split_planes(plain, (heads["time_planes"], heads["value_planes"]), lengths)
    at = _unfold_times(times, heads, starts, lengths)
    return Readings(at, _unfold_values(values, heads, starts, lengths))


def _summarise(heads: Heads, at: Times, value: Values, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> None:
    ends = starts + lengths - 1
    heads["version"] = VERSION
    heads["n"] = lengths
    heads["tmin"], heads["tmax"] = at[starts], at[ends]
    heads["vmin"] = np.minimum.reduceat(value, starts)
    heads["vmax"] = np.maximum.reduceat(value, starts)
    heads["vsum"] = np.add.reduceat(value, starts)
    heads["vlast"] = value[ends]


def _fold_times(at: Times, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> tuple[Unsigned, NDArray[np.uint8]]:
    # Unsigned, so that differences wider than an int64 wrap and come back.
    steps = np.zeros(len(at), np.uint64)
    steps[1:] = at[1:] - at[:-1]
    steps[starts] = 0
    unit = np.zeros(len(starts), np.uint8)
    for coarser in (1, 2):
        fewer = steps // np.uint64(1000)
        fits = np.logical_and.reduceat(fewer * np.uint64(1000) == steps, starts) & (unit == coarser - 1)
        if not fits.any():
            break
        unit[fits] = coarser
        steps = fewer if fits.all() else np.where(np.repeat(fits, lengths), fewer, steps)
    steps[starts] = np.iinfo(np.uint64).max
    steps -= spread(np.minimum.reduceat(steps, starts), lengths)
    steps[starts] = 0
    return steps, unit


def _unfold_times(times: Narrow, heads: Heads, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> Times:
    first, last = heads["tmin"].astype(np.uint64), heads["tmax"].astype(np.uint64)
    unit = _UNITS[heads["unit"]]
    steps = times.astype(np.uint64)
    rest = (last - first) // unit - np.add.reduceat(steps, starts)
    least = rest // np.maximum(lengths - 1, 1).astype(np.uint64)
    steps += spread(least, lengths)
    steps *= spread(unit, lengths)
    # Each chunk begins with the way from where the one before ends, so one running sum serves all.
    first[1:] -= last[:-1]
    steps[starts] = first
    at: Times = steps.cumsum(out=steps).view(np.int64)
    return at


def _fold_values(value: Values, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> tuple[Unsigned, Shapes]:
    shape = shapes(value, starts, lengths)
    folded = np.empty(len(value), np.uint64)
    for way in (DELTA, PLAIN, BITS):
        of_way = shape.way == way
        if not of_way.any():
            continue
        rows = slice(None) if of_way.all() else np.repeat(of_way, lengths)
        if way == BITS:
            bits = value.view(np.uint64)
            steps = bits.copy()
            steps[1:] ^= bits[:-1]
        elif way == DELTA:
            steps = zigzag(np.diff(shape.whole, prepend=0))
        else:
            steps = (shape.whole - spread(shape.least, lengths)).view(np.uint64)
        folded[rows] = steps[rows]
    folded[starts[shape.way != PLAIN]] = 0
    return folded, shape


def _unfold_values(values: Narrow, heads: Heads, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> Values:
    ways = heads["way"]
    first = ways[0]
    if len(ways) == 1 or (ways == first).all():
        return _unfold_alike(first, values, heads, starts, lengths)
    out = np.empty(len(values), np.float64)
    for way in (DELTA, PLAIN, BITS):
        of_way = ways == way
        if of_way.any():
            rows = np.repeat(of_way, lengths)
            some = lengths[of_way]
            out[rows] = _unfold_alike(way, values[rows], heads[of_way], np.cumsum(some) - some, some)
    return out


def _unfold_alike(
    way: int, values: Narrow, heads: Heads, starts: NDArray[np.intp], lengths: NDArray[np.intp]
) -> Values:
    last = heads["vlast"].astype(np.float64)
    if way == BITS:
        bits = last.view(np.uint64)
        turns = values.astype(np.uint64)
        begin = bits ^ np.bitwise_xor.reduceat(turns, starts)
        begin[1:] ^= bits[:-1]
        turns[starts] = begin
        value: Values = np.bitwise_xor.accumulate(turns).view(np.float64)
        return value
    powers = POWERS[heads["decimals"]]
    if way == PLAIN:
        whole = values.astype(np.int64) + spread(_whole(heads["vmin"], powers), lengths)
        return np.asarray(whole / spread(powers, lengths))
    steps = unzigzag(values)
    final = _whole(last, powers)
    first = final - np.add.reduceat(steps, starts)
    first[1:] -= final[:-1]
    steps[starts] = first
    return np.asarray(steps.cumsum(out=steps) / spread(powers, lengths))


def _whole(value: NDArray[np.float64], powers: Values) -> NDArray[np.int64]:
    return np.rint(value * powers).astype(np.int64)


def _pack(heads: Heads, plain: list[bytes]) -> list[bytes]:
    pack = _packers.pack
    bodies = []
    packed = np.zeros(len(plain), np.uint8)
    for which, body in enumerate(plain):
        smaller = pack(body)
        packed[which] = len(smaller) < len(body)
        bodies.append(smaller if packed[which] else body)
    heads["packed"] = packed
    heads["body_crc"] = [zlib.crc32(body) for body in bodies]
    return bodies


def _unpack(heads: Heads, bodies: Sequence[bytes]) -> list[bytes]:
    unpack = _packers.unpack
    plain = []
    columns = zip(bodies, _body_checks(heads), heads["packed"].tolist(), strict=True)
    for which, (body, (before, crc), packed) in enumerate(columns):
        if zlib.crc32(body, before) != crc:
            raise Damaged(which, "its checksum does not match")
        plain.append(unpack(body) if packed else body)
    return plain


def _body_checks(heads: Heads) -> Iterator[tuple[int, int]]:
    """Give by chunk the checksum of what goes before the body, and that of both."""
    if (heads["version"] == VERSION).all():
        yield from ((0, crc) for crc in heads["body_crc"].tolist())
        return
    for head in heads:
        old = head["version"] == 1
        yield (zlib.crc32(head.tobytes()[:_OLD_COVERED]), int(head["crc"])) if old else (0, int(head["body_crc"]))


def seal(heads: Heads, hours: Sequence[bytes | None]) -> None:
    """Set the checksum of each head and of the summary of hours beside it."""
    heads["crc"] = _sums(heads, hours)


def broken(heads: Heads, hours: Sequence[bytes | None]) -> list[tuple[int, str]]:
    """Return (place, reason) of each head that is not as it was sealed; one of version 1 is proved with its body."""
    version = heads["version"]
    wrong = (version != 1) & ((version != VERSION) | (heads["crc"] != _sums(heads, hours)))
    return [
        (which, "its head does not match its checksum" if version[which] == VERSION else _unknown(version[which]))
        for which in np.flatnonzero(wrong).tolist()
    ]


def heads_of(raw: Sequence[bytes]) -> Heads:
    """Return heads as they were kept; those of version 1, shorter by a checksum, in the form of today."""
    size = HEAD.itemsize
    fitting = [head if len(head) == size else _widened(head) for head in raw]
    return np.frombuffer(b"".join(fitting), HEAD)


def _widened(head: bytes) -> bytes:
    if len(head) == HEAD.itemsize - 4 and head[0] == 1:
        return head[:_OLD_COVERED] + bytes(4) + head[_OLD_COVERED:]
    return bytes(HEAD.itemsize)


def _sums(heads: Heads, hours: Sequence[bytes | None]) -> list[int]:
    raw, size = heads.tobytes(), HEAD.itemsize
    begins = range(0, len(raw), size)
    return [
        zlib.crc32(summary or b"", zlib.crc32(raw[begin : begin + _COVERED]))
        for begin, summary in zip(begins, hours, strict=True)
    ]


def _unknown(version: int) -> str:
    return f"its version is {version}, known are 1 and {VERSION}"
