"""The front: which app answers a request."""

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

LIVE = "/api/v1/live"
MQTT = "/mqtt"
_API = ("/api/", "/health", "/ready", "/metrics")
_GONE = 1008
_FAILURES = 400


@dataclass(frozen=True, slots=True)
class Front:
    """Devices first, since they are many and each path costs; then families, screens, the API, and people's pages.

    `refused` counts the answers that tell a failure, by their status.
    """

    owned_by_devices: Callable[[str], bool]
    devices: App
    owned_by_families: Callable[[Scope], bool]
    families: App
    live: App
    mqtt: App
    api: App
    pages: App
    refused: Counter[int] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        elif scope["type"] == "http":
            await self._choose(scope)(scope, receive, self._counted(send))

    def _choose(self, scope: Scope) -> App:
        path = scope["path"]
        if self.owned_by_devices(path):
            return self.devices
        if self.owned_by_families(scope):
            return self.families
        if path.startswith(_API):
            return self.api
        return self.pages

    def _counted(self, send: Send) -> Send:
        async def counted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and message["status"] >= _FAILURES:
                self.refused[message["status"]] += 1
            await send(message)

        return counted

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == LIVE:
            await self.live(scope, receive, send)
        elif scope["path"] == MQTT:
            await self.mqtt(scope, receive, send)
        elif self.owned_by_families(scope):
            await self.families(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": _GONE})
