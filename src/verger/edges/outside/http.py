"""Posting over HTTP: every connection, also after a redirect, goes to an address that was checked."""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import urljoin, urlsplit

import httpcore

from verger.base.errors import Refused
from verger.base.outgoing import Outgoing, checked
from verger.domain.notifications.ways import Gone

_CALL_S = 20.0
_MOST_REDIRECTS = 3
_READ = 2_000  # bytes of an answer that are looked at
_SAME = (307, 308)
_ENDED = (404, 410)
_PRIVATE = ("authorization", "cookie", "proxy-authorization")  # meant for the machine that was named and no other
_PORTS = {"http": 80, "https": 443}
_TROUBLE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)  # TLS raises the last


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to what `Outgoing` allows and to nothing else: a name is looked up once."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing, self._plain = outgoing, httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  httpcore says so
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        trouble: Exception | None = None
        for number in await self._outgoing.addresses(host, port):
            try:
                return await self._plain.connect_tcp(number, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
        raise trouble or httpcore.ConnectError("no address")


class Http:
    """Posts to other machines; a connection is used once."""

    def __init__(self, outgoing: Outgoing, redirects: int = _MOST_REDIRECTS) -> None:
        """Call through a door; follow so many redirects, each through the same door."""
        self._network, self._redirects = _Checked(outgoing), redirects

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Post something; raise Refused with a sentence unless it was taken, Gone when nobody is there any more."""
        status, where, said = await self._post(url, headers, body)
        for _ in range(self._redirects):
            if status in _SAME and where is not None:
                onward = _onward(url, where)
                if _origin(onward) != _origin(url):
                    headers = {name: said for name, said in headers.items() if name.lower() not in _PRIVATE}
                url = onward
                status, where, said = await self._post(url, headers, body)
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise Refused(f"It answered {status} and pointed elsewhere; give the address that it moved to.")
        kind = Gone if status in _ENDED else Refused
        raise kind(f"It answered {status}{f': {said}' if said else ''}.")

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str | None, str]:
        """Return (status, where it points, the first line of what it said)."""
        try:
            async with asyncio.timeout(_CALL_S), self._pool() as pool:
                sent = {"User-Agent": "Verger", **headers}
                async with pool.stream("POST", url, headers=list(sent.items()), content=body) as answer:
                    where = next((value for name, value in answer.headers if name.lower() == b"location"), None)
                    said = b""
                    async for part in answer.aiter_stream():
                        said += part
                        if len(said) >= _READ:
                            break
                    return answer.status, where.decode("latin-1") if where else None, _line(said)
        except TimeoutError:
            raise Refused("It did not answer in time.") from None
        except _TROUBLE as error:
            raise Refused(f"It is not reached ({str(error) or type(error).__name__}).") from None

    def _pool(self) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(max_keepalive_connections=0, network_backend=self._network)


def _onward(url: str, where: str) -> str:
    """Return where a redirect leads; raise Refused when that is no address, or less safe than the one before."""
    onward = checked(urljoin(url, where))
    if url.startswith("https:") and not onward.startswith("https:"):
        raise Refused("It points from https to http, which is not followed.")
    return onward


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _line(said: bytes) -> str:
    text = said[:200].decode("utf-8", "replace").strip()
    return text.splitlines()[0].rstrip(".") if text and "<" not in text else ""
