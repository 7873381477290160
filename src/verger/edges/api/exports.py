"""Exports: readings as a file."""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post
from litestar.response import Stream

from verger.base.errors import Missing
from verger.domain.errands.model import Errand
from verger.domain.exports.model import Wanted
from verger.edges.api.given import Caller, Given, Id, JSONBody
from verger.edges.api.grounds import Grounds
from verger.edges.api.jobs import begun, own
from verger.flows.exporting import KIND

_TAGS = ["exports"]
_PIECE = 256 << 10
_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
_TAKES_GZIP = re.compile(r"(?:^|[,\s])(?:gzip|\*)(?!\s*;\s*q=0(?:\.0*)?(?:[,\s]|$))", re.IGNORECASE)


@post("/exports", status_code=202, summary="Export readings as CSV or Parquet", tags=_TAGS)
async def add(data: JSONBody[Wanted], caller: Given[Caller], grounds: Given[Grounds]) -> Response[Errand]:
    """Begin to write a file; the job's result tells its `url`, and until when it can be fetched there."""
    given = await grounds.exporting.checked(caller.needs("history:read").tenant, data)
    return begun(await grounds.errands.begin(caller.tenant, caller.name, KIND, given))


@get("/exports/{export:str}/file", summary="Fetch an exported file", tags=_TAGS, raises=[])
async def file(export: Id, request: Request[Any, Any, Any], caller: Given[Caller], grounds: Given[Grounds]) -> Stream:
    """Return the file, until it expires."""
    job = await grounds.errands.get(caller.needs("history:read").tenant, export, own(caller))
    if job.kind != KIND or not job.result:
        raise Missing("There is no such file; its job may still run.")
    path, name = grounds.exporting.folder.find(job.id), job.result["name"]
    kind = name.rpartition(".")[2]
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Vary": "Accept-Encoding"}
    if kind == "parquet":
        return Stream(
            _read(path), media_type=_TYPES[kind], headers=headers | {"Content-Length": str(job.result["bytes"])}
        )
    if _TAKES_GZIP.search(request.headers.get("accept-encoding", "")):
        return Stream(_read(path), media_type=_TYPES[kind], headers=headers | {"Content-Encoding": "gzip"})
    return Stream(_unpacked(path), media_type=_TYPES[kind], headers=headers)


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(path.open, "rb") as opened:
        while piece := await asyncio.to_thread(opened.read, _PIECE):
            yield piece


async def _unpacked(path: Path) -> AsyncIterator[bytes]:
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    async for piece in _read(path):
        more = piece
        while more:  # a little at a time, for a piece may hold a hundred times its size
            yield await asyncio.to_thread(unpacking.decompress, more, 4 * _PIECE)
            more = unpacking.unconsumed_tail
    yield unpacking.flush()
