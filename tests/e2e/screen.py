"""A screen that is open on the live socket, as a program sees it."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self

from websockets.sync.client import ClientConnection, connect

from tests.e2e.home import Home
from tests.e2e.waiting import PATIENCE_S

Shown = dict[str, dict[str, tuple[int, float]]]


class Screen:
    """One connection; `shown` is what a person would see: per device and metric, time in milliseconds and value."""

    def __init__(self, home: Home, token: str | None = None, **more: Any) -> None:
        """Open with a bearer token, the owner's if none is given; `more` goes to the client."""
        asked = {"subprotocols": ["bearer", token or home.token]} | more
        self._connecting = connect(f"ws://127.0.0.1:{home.server.http}/api/v1/live", **asked)
        self._line: ClientConnection
        self.shown: Shown = {}
        self.online: dict[str, bool] = {}

    def __enter__(self) -> Self:
        self._line = self._connecting.__enter__()
        return self

    def __exit__(self, *how: object) -> None:
        self._connecting.__exit__(*how)  # type: ignore[arg-type]

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self._line.subprotocol

    def say(self, **word: str) -> None:
        """Tell the server something."""
        self.say_raw(json.dumps(word))

    def say_raw(self, text: str) -> None:
        """Tell the server something that may be no word at all."""
        self._line.send(text)

    def watch(self, **subject: str) -> dict[str, Any]:
        """Subscribe to a place or a device; return the first frame, which is to be its snapshot."""
        self.say(type="subscribe", **subject)
        return self.hear()

    def hear(self, within: float = PATIENCE_S) -> dict[str, Any]:
        """Return the next frame and show it; raise TimeoutError when there is none in time."""
        frame: dict[str, Any] = json.loads(self._line.recv(timeout=within))
        self._show(frame)
        return frame

    def hear_until(self, met: Callable[[dict[str, Any]], bool], within: float = PATIENCE_S) -> dict[str, Any]:
        """Return the first frame that meets a condition."""
        while not met(frame := self.hear(within)):
            pass
        return frame

    def _show(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "snapshot":
                for device in frame["devices"]:
                    self.online[device["id"]] = device["online"]
                    self.shown[device["id"]] = shown(device["latest"])
            case "device":
                self.online[frame["id"]] = frame["online"]
            case "readings":
                latest = self.shown.setdefault(frame["device"], {})
                for metric, value in frame["values"].items():
                    if metric not in latest or frame["at"] > latest[metric][0]:
                        latest[metric] = (frame["at"], value)


def shown(latest: dict[str, Any]) -> dict[str, tuple[int, float]]:
    """Return fetched values as a screen shows them."""
    return {metric: (_ms(each["at"]), each["value"]) for metric, each in latest.items()}


def _ms(told: str) -> int:
    return int(datetime.fromisoformat(told).timestamp() * 1_000_000 + 0.5) // 1000
