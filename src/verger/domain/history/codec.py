"""Chunks of readings as bytes and back: exact for every time and every float64 bit pattern, many chunks at once.

A chunk is a head (fixed, see HEAD) and a body: byte planes of two unsigned columns, zstd-packed when that is smaller.
Times: differences less the smallest one, in the coarsest unit of 1 us, 1 ms, 1 s that fits. Values: whole numbers
after scaling by a power of ten, as differences (DELTA) or above the smallest (PLAIN); else the bits of the float,
each XORed with the one before (BITS). First elements are zero; `tmin`, `tmax`, `vmin`, `vlast` give the rest back.
"""

import threading
import zlib
from collections.abc import Sequence

import numpy as np
import zstandard
from numpy.typing import NDArray

from verger.domain.history.columns import (
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

VERSION = 1
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
        ("crc", "<u4"),
    ]
)
Heads = NDArray[np.void]
_UNITS = np.array([1, 1000, 1_000_000], np.uint64)
_COVERED = HEAD.itemsize - 4
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
    """Return heads and bodies of the chunks that begin at `starts`; each is ascending in time and not empty."""
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


def _unfold_times(times: Unsigned, heads: Heads, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> Times:
    first, last = heads["tmin"].astype(np.uint64), heads["tmax"].astype(np.uint64)
    unit = _UNITS[heads["unit"]]
    rest = (last - first) // unit - np.add.reduceat(times, starts)
    least = rest // np.maximum(lengths - 1, 1).astype(np.uint64)
    steps = times
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


def _unfold_values(values: Unsigned, heads: Heads, starts: NDArray[np.intp], lengths: NDArray[np.intp]) -> Values:
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
    way: int, values: Unsigned, heads: Heads, starts: NDArray[np.intp], lengths: NDArray[np.intp]
) -> Values:
    last = heads["vlast"].astype(np.float64)
    if way == BITS:
        bits = last.view(np.uint64)
        begin = bits ^ np.bitwise_xor.reduceat(values, starts)
        begin[1:] ^= bits[:-1]
        values[starts] = begin
        value: Values = np.bitwise_xor.accumulate(values).view(np.float64)
        return value
    powers = POWERS[heads["decimals"]]
    if way == PLAIN:
        whole = values.view(np.int64) + spread(_whole(heads["vmin"], powers), lengths)
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
    raw, size = heads.tobytes(), HEAD.itemsize
    heads["crc"] = [
        zlib.crc32(body, zlib.crc32(raw[where : where + _COVERED]))
        for body, where in zip(bodies, range(0, len(raw), size), strict=True)
    ]
    return bodies


def _unpack(heads: Heads, bodies: Sequence[bytes]) -> list[bytes]:
    raw, size, unpack = heads.tobytes(), HEAD.itemsize, _packers.unpack
    plain = []
    columns = zip(bodies, heads["crc"].tolist(), heads["packed"].tolist(), heads["version"].tolist(), strict=True)
    for which, (body, crc, packed, version) in enumerate(columns):
        where = which * size
        if version != VERSION:
            raise Damaged(which, f"its version is {version}, known is {VERSION}")
        if zlib.crc32(body, zlib.crc32(raw[where : where + _COVERED])) != crc:
            raise Damaged(which, "its checksum does not match")
        plain.append(unpack(body) if packed else body)
    return plain
