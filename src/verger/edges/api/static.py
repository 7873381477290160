"""The web UI as files: everything that is not /api, with one page for every deep link into it."""

import asyncio
import gzip
import mimetypes
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send
from msgspec import Struct

BUILT = Path(__file__).parent / "static"

# Style attributes are allowed: the charts place their parts by them.
SAFETY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
"""What keeps our pages to themselves: nothing from elsewhere, no script in the page, in nobody's frame."""

_FOREVER = "public, max-age=31536000, immutable"
_LOOK_AGAIN = "no-cache"
_WORTH_PACKING = 1024
_PACKS = ("text/", "application/json", "application/javascript", "application/manifest+json", "image/svg+xml")
# What machines differ in.
_KINDS = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}
NOT_BUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Verger</title>
<h1>The web UI was not built</h1>
<p>Verger runs, and its API is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.
To build the web UI, start it with <code>python3 dev.py run</code>, or install the wheel.</p></html>"""


class File(Struct, frozen=True):
    """A file as it is sent: packed (gzip) where that is smaller."""

    body: bytes
    packed: bytes | None
    media_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> "File":
        """Return a file's bytes, packed once."""
        worth = len(body) >= _WORTH_PACKING and media_type.startswith(_PACKS)
        packed = gzip.compress(body, 9, mtime=0) if worth else None
        text = media_type.startswith("text/") and "charset" not in media_type
        kind = f"{media_type}; charset=utf-8" if text else media_type
        return cls(
            body, packed if packed and len(packed) < len(body) else None, kind, f'"{sha256(body).hexdigest()[:16]}"'
        )


class Site:
    """A folder of built files as an ASGI app; each is read and packed when first asked for."""

    def __init__(self, folder: Path = BUILT) -> None:
        """Serve what is in the folder now, and nothing that appears in it later."""
        self._paths = {f"/{path.relative_to(folder).as_posix()}": path for path in folder.rglob("*") if path.is_file()}
        self._files: dict[str, File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a file or a page."""
        if scope["type"] != ScopeType.HTTP:
            return
        if scope["method"] not in {"GET", "HEAD"}:
            await _say(scope, send, HTTPStatus.METHOD_NOT_ALLOWED, {"allow": "GET, HEAD"}, b"")
            return
        path = scope["path"]
        name = path if path in self._paths else self._page(path)
        if name is None:
            await _say(scope, send, HTTPStatus.NOT_FOUND, {"content-type": "text/plain"}, b"There is no such file.")
            return
        await _send(scope, send, await self._file(name), kept=_FOREVER if name.startswith("/assets/") else _LOOK_AGAIN)

    def _page(self, path: str) -> str | None:
        """Return the page for a path that is no file: the UI itself for what may be a link into it."""
        return None if "." in path.rpartition("/")[2] or path.startswith("/assets/") else "/index.html"

    async def _file(self, name: str) -> File:
        if name not in self._files:
            path = self._paths.get(name)
            if path is None:
                return File.of(NOT_BUILT, "text/html")
            kind = _KINDS.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            self._files[name] = await asyncio.to_thread(lambda: File.of(path.read_bytes(), kind))
        return self._files[name]


async def _send(scope: HTTPScope, send: Send, file: File, kept: str) -> None:
    asked = {name: value.decode("latin-1") for name, value in scope["headers"]}
    headers = {"etag": file.etag, "cache-control": kept, "vary": "accept-encoding"}
    if file.etag in asked.get(b"if-none-match", ""):
        await _say(scope, send, HTTPStatus.NOT_MODIFIED, headers, b"")
        return
    headers["content-type"] = file.media_type
    body = file.body
    if file.packed is not None and "gzip" in asked.get(b"accept-encoding", ""):
        headers["content-encoding"], body = "gzip", file.packed
    await _say(scope, send, HTTPStatus.OK, headers, body)


async def _say(scope: HTTPScope, send: Send, status: HTTPStatus, headers: dict[str, str], body: bytes) -> None:
    lengths = {} if status is HTTPStatus.NOT_MODIFIED else {"content-length": str(len(body))}
    told = [(name.encode(), value.encode()) for name, value in (headers | SAFETY | lengths).items()]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body, "more_body": False})
