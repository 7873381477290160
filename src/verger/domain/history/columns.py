"""Columns of unsigned numbers cut into chunks: zigzag, byte planes, and one number per chunk spread over its rows."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Unsigned = NDArray[np.uint64]
Narrow = NDArray[np.unsignedinteger[Any]]
Planes = NDArray[np.uint8]
Number = TypeVar("Number", bound=np.number[Any])

_PLANES_OF = [tuple(plane for plane in range(8) if mask >> plane & 1) for mask in range(256)]


def zigzag(steps: NDArray[np.int64]) -> Unsigned:
    """Return small unsigned numbers for small signed ones."""
    return ((steps << 1) ^ (steps >> 63)).view(np.uint64)


def unzigzag(folded: Narrow) -> NDArray[np.int64]:
    """Return the signed numbers again."""
    signed = np.dtype(f"i{folded.itemsize}")
    # As narrow as they came: bytes are eight times quicker to work on than words.
    steps = (folded >> 1).view(signed)
    steps ^= -(folded & 1).view(signed)
    return steps.astype(np.int64, copy=False)


def spread(each: NDArray[Number], lengths: NDArray[np.intp]) -> NDArray[Number]:
    """Return one number per chunk for each of its rows; a single one when all are equal, for it fits all rows."""
    if len(each) == 1 or (each == each[0]).all():
        return each[:1]
    return np.repeat(each, lengths)


def bytes_used(column: Unsigned, starts: NDArray[np.intp]) -> Planes:
    """Return by chunk which of the eight bytes are ever other than zero, lowest byte as lowest bit."""
    used = np.bitwise_or.reduceat(column, starts).astype("<u8").view(np.uint8).reshape(-1, 8) != 0
    return np.packbits(used, axis=1, bitorder="little")[:, 0]


def join_planes(
    columns: Sequence[Unsigned], masks: Sequence[Planes], starts: NDArray[np.intp], lengths: NDArray[np.intp]
) -> list[bytes]:
    """Return by chunk its used byte planes, column by column, each plane one byte a row."""
    begin, end = starts.tolist(), (starts + lengths).tolist()
    planes = [_planes(column, mask) for column, mask in zip(columns, masks, strict=True)]
    wanted = [[_PLANES_OF[one] for one in mask.tolist()] for mask in masks]
    return [
        b"".join([plane[at][a:b] for plane, of_chunk in zip(planes, which, strict=True) for at in of_chunk])
        for a, b, *which in zip(begin, end, *wanted, strict=True)
    ]


def split_planes(plain: Sequence[bytes], masks: Sequence[Planes], lengths: NDArray[np.intp]) -> list[Narrow]:
    """Return the columns that `join_planes` was given, in numbers as narrow as they fit; not to be written to."""
    sizes = lengths.tolist()
    offsets = [0] * len(sizes)
    columns = []
    for mask in masks:
        used = mask.tolist()
        planes = _PLANES_OF[int(np.bitwise_or.reduce(mask))]
        gathered = [
            np.frombuffer(_gather(plain, [one >> plane & 1 for one in used], sizes, offsets), np.uint8)
            for plane in planes
        ]
        columns.append(_column(sum(sizes), planes, gathered))
    return columns


def _column(rows: int, planes: Sequence[int], bytes_: Sequence[Planes]) -> Narrow:
    """Return numbers made of some of their bytes, as narrow as these are."""
    if not planes:
        return np.zeros(rows, np.uint8)
    if planes == (0,):
        return bytes_[0]
    column = np.zeros(rows, "<u2" if planes[-1] == 1 else "<u8")
    by_byte = column.view(np.uint8).reshape(rows, -1)
    for plane, of_plane in zip(planes, bytes_, strict=True):
        by_byte[:, plane] = of_plane
    return column


def _planes(column: Unsigned, masks: Planes) -> dict[int, bytes]:
    by_byte = column.astype("<u8", copy=False).view(np.uint8).reshape(-1, 8)
    return {plane: by_byte[:, plane].tobytes() for plane in _PLANES_OF[int(np.bitwise_or.reduce(masks))]}


def _gather(plain: Sequence[bytes], there: list[int], sizes: list[int], offsets: list[int]) -> bytes:
    """Return one plane of every chunk, zeros where a chunk has it not; offsets move on past it."""
    ends = [at + size if has else at for at, size, has in zip(offsets, sizes, there, strict=True)]
    pieces = [body[at:end] for body, at, end in zip(plain, offsets, ends, strict=True)]
    offsets[:] = ends
    if not all(there):
        pieces = [piece if has else bytes(size) for piece, size, has in zip(pieces, sizes, there, strict=True)]
    return b"".join(pieces)
