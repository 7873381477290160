"""Just enough of ASGI to take a small body and give a small answer."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from verger.base.errors import Fault, TooLarge
from verger.base.plural import counted

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


_SPILT = 4 << 20


class Gone(Exception):
    """The caller hung up."""


async def body_of(scope: Scope, receive: Receive, most: int) -> bytes:
    """Return the body of a request; more than `most` bytes raise TooLarge.

    What is not much more is read to its end all the same, for an answer to whoever still sends is often not heard.
    """
    told = dict(scope["headers"]).get(b"content-length", b"0")
    length = int(told) if told.isdigit() else 0
    size, parts, more = 0, [], length <= most + _SPILT
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= most:
            parts.append(chunk)
        more = message.get("more_body", False) and size <= most + _SPILT
    if max(size, length) > most:
        raise TooLarge(f"This is larger than {counted(most, 'byte')}; send less at a time.")
    return b"".join(parts)


async def hang_up(receive: Receive) -> None:
    """Return once the caller hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def give(
    send: Send,
    status: int,
    body: bytes = b"",
    media_type: bytes = b"application/json",
    headers: Mapping[bytes, bytes] | None = None,
) -> None:
    """Answer."""
    told = [(b"content-length", str(len(body)).encode()), *(headers or {}).items()]
    if body:
        told.append((b"content-type", media_type))
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})


async def give_problem(
    send: Send,
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[bytes, bytes] | None = None,
) -> None:
    """Answer with a failure as problem+json."""
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    body = msgspec.json.encode({**told, "errors": faults})
    await give(send, status, body, b"application/problem+json", headers)


def for_a_page(scope: Scope) -> bool:
    """Whether a browser opens an address, such as anew; what begins with /api is no page."""
    if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or scope["path"].startswith("/api/"):
        return False
    headers = dict(scope["headers"])
    return b"text/html" in headers.get(b"accept", b"") and b"authorization" not in headers
