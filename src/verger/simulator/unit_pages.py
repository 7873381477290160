"""A control unit's own pages in its network, without a password, as its firmware has them: what is called is done."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from verger.base.clock import Clock
from verger.base.errors import Invalid
from verger.simulator.life import Wait
from verger.simulator.radios import Board, Radio

_LARGEST, _PATIENCE_S = 4_096, 5.0
_RADIO_S, _ACK_S = 0.3, 3.0
_CONFIG = "No ACK. Is PIC in config mode?"
_SOCKETS = {"a": 0, "1": 0, "b": 1, "2": 1}

Asked = dict[str, str]


class Wrong(Exception):
    """What was asked for cannot be."""


@dataclass
class Pages:
    """Answers on a port of 127.0.0.1 from `open` to `close`; port 0 picks a free one."""

    ccu_id: str
    board: Board
    clock: Clock
    wait: Wait
    port: int = 0
    _server: asyncio.Server | None = None
    _begun: int = field(init=False)

    def __post_init__(self) -> None:
        """Know since when it is on."""
        self._begun = self.clock.now()

    async def open(self) -> None:
        """Answer from now on; raise Invalid where the port is taken."""
        if self._server is None:
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            except OSError as taken:
                raise Invalid(f"Port {self.port} is taken; choose another for --pages.") from taken
            self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Answer no longer."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                status, told = await self._answer(*await _request(reader))
            kind, body = ("text/html", told) if isinstance(told, str) else ("application/json", json.dumps(told))
            head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body.encode())}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n{body}".encode())
            await writer.drain()
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
            pass  # whoever asks asks again
        finally:
            writer.close()

    async def _answer(self, method: str, path: str, asked: Asked) -> tuple[int, Any]:
        handler = _ROUTES.get((method, path))
        if handler is None:
            return 404, {"error": "Not found"}
        try:
            told = handler(self, asked)
        except Wrong as wrong:
            return 400, {"error": str(wrong)}
        if path in _BY_RADIO:
            await self.wait(_BY_RADIO[path])
        return 200, told

    # what is told

    def page(self, _asked: Asked) -> str:
        """Return a page for people."""
        return f"<title>CCU {self.ccu_id}</title><h1>CCU {self.ccu_id}</h1><p>{len(self.board.outlets)} outlets</p>"

    def ping(self, _asked: Asked) -> Any:
        """Tell that it is there."""
        return {"alive": True, "uptime_ms": (self.clock.now() - self._begun) // 1000}

    def devices(self, _asked: Asked) -> Any:
        """Tell which outlets it knows."""
        known = enumerate(self.board.outlets.items())
        return [{"index": at, "name": one.name, "id": f"0x{name.lower()}"} for at, (name, one) in known]

    def status(self, asked: Asked) -> Any:
        """Tell how an outlet stands, as far as that is known."""
        name, one = self._one(asked)
        a, b = one.relays
        about = {"id": f"0x{name.lower()}", "name": one.name, "relayA": a, "relayB": b}
        about |= {"currentA": one.currents[0], "currentB": one.currents[1]}
        return about | {"threshold": one.threshold, "masterID": int(self.ccu_id, 16)}

    def breaker(self, _asked: Asked) -> Any:
        """Tell what flows through the breaker, and how much may."""
        flows, limit = self.board.flows(self.clock.now()), self.board.limit
        told = {"amps": flows / 1000, "milliAmps": flows, "threshold": limit, "overload": flows > limit}
        return told | {"hasReading": True}

    # what is done

    def add(self, asked: Asked) -> Any:
        """Know one outlet more."""
        name = _id(asked.get("id", ""))
        if self.board.add(name, asked.get("name", "")) is None:
            raise Wrong("Device list full")
        return {"ok": True, "index": list(self.board.outlets).index(name)}

    def rename(self, asked: Asked) -> Any:
        """Call an outlet something else."""
        self._one(asked)[1].name = asked.get("name", "")
        return {"ok": True}

    def remove(self, asked: Asked) -> Any:
        """Forget an outlet."""
        del self.board.outlets[self._one(asked)[0]]
        return {"ok": True}

    def renumber(self, asked: Asked) -> Any:
        """Ask an outlet to take another id, which it does in its config mode alone."""
        self._one(asked)
        _id(asked.get("newId", ""))
        return {"success": False, "reason": _CONFIG}

    def master(self, asked: Asked) -> Any:
        """Ask all outlets to obey another unit, which they do in their config mode alone."""
        _id(asked.get("value", ""))
        return {"success": 0, "total": len(self.board.outlets)}

    def relay(self, asked: Asked) -> Any:
        """Switch a socket."""
        _, one = self._one(asked)
        if asked.get("state") not in {"on", "off"} or asked.get("socket") not in {"1", "2"}:
            raise Wrong("Bad parameters")
        self.board.switch(one, _SOCKETS[asked["socket"]], on=asked["state"] == "on")
        return {"ok": True}

    def threshold(self, asked: Asked) -> Any:
        """Bound the sockets of an outlet."""
        self._one(asked)[1].bound(_value(asked))
        return {"ok": True}

    def sensors(self, asked: Asked) -> Any:
        """Ask an outlet what flows."""
        self._one(asked)[1].read(self.clock.now())
        return {"ok": True}

    def limit(self, asked: Asked) -> Any:
        """Bound the breaker."""
        self.board.limit = _value(asked)
        return {"ok": True}

    def cut(self, asked: Asked) -> Any:
        """Turn off all sockets of an outlet, or of all."""
        some = list(self.board.outlets.values()) if asked.get("index") == "all" else [self._one(asked)[1]]
        for one in some:
            for socket in (0, 1):
                self.board.switch(one, socket, on=False)
        return {"ok": True, "cut": len(some)}

    # what a server calls; who is not known yet is from then on

    def ext_relay(self, asked: Asked) -> Any:
        """Switch a socket by the outlet's id; it says yes before the outlet obeys."""
        name, one = self._known(asked)
        command, socket = asked.get("command"), _SOCKETS.get(asked.get("socket", "").lower())
        if command not in {"relay_on", "relay_off"} or socket is None:
            raise Wrong("Unknown command")
        self.board.switch(one, socket, on=command == "relay_on")
        return {"success": True, "device_id": name}

    def ext_threshold(self, asked: Asked) -> Any:
        """Bound the sockets of an outlet by its id."""
        self._known(asked)[1].bound(_value(asked))
        return {"success": True}

    def _known(self, asked: Asked) -> tuple[str, Radio]:
        name = _id(asked.get("device_id", ""))
        one = self.board.add(name)
        if one is None:
            raise Wrong("Device list full")
        return name, one

    def _one(self, asked: Asked) -> tuple[str, Radio]:
        known, index = list(self.board.outlets.items()), asked.get("index", "")
        if not index.isdecimal() or int(index) >= len(known):
            raise Wrong("Invalid index")
        return known[int(index)]


def _id(told: str) -> str:
    try:
        number = int(told, 16)
    except ValueError:
        raise Wrong("Invalid id") from None
    return f"{number & 0xFF:02X}"


def _value(asked: Asked) -> int:
    told = asked.get("value", "")
    if not told.isdecimal() or int(told) == 0:
        raise Wrong("Invalid value")
    return int(told)


async def _request(reader: asyncio.StreamReader) -> tuple[str, str, Asked]:
    """Return what is asked: method, path, and the fields of the address and of the form."""
    top, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, *_ = [*top.split(" "), "", ""]
    named = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(min(int(named.get("content-length", 0)), _LARGEST))
    where = urlsplit(target)
    return method, where.path, dict(parse_qsl(where.query)) | dict(parse_qsl(body.decode(errors="replace")))


_BY_RADIO = {"/api/ext/relay": _RADIO_S, "/api/ext/threshold": _RADIO_S, "/api/devices/changeId": _ACK_S}
"""What waits for the radio, and how long."""
_ROUTES: dict[tuple[str, str], Callable[[Pages, Asked], Any]] = {
    ("GET", "/"): Pages.page,
    ("GET", "/dashboard"): Pages.page,
    ("GET", "/settings"): Pages.page,
    ("POST", "/settings/save"): Pages.page,
    ("GET", "/scan"): lambda _pages, _asked: [{"ssid": "workshop", "rssi": -58, "open": False}],
    ("GET", "/api/devices"): Pages.devices,
    ("POST", "/api/devices/add"): Pages.add,
    ("POST", "/api/devices/rename"): Pages.rename,
    ("POST", "/api/devices/delete"): Pages.remove,
    ("POST", "/api/devices/changeId"): Pages.renumber,
    ("POST", "/api/relay"): Pages.relay,
    ("POST", "/api/threshold"): Pages.threshold,
    ("POST", "/api/master"): Pages.master,
    ("GET", "/api/status"): Pages.status,
    ("POST", "/api/sensors"): Pages.sensors,
    ("GET", "/api/breaker"): Pages.breaker,
    ("POST", "/api/breaker/threshold"): Pages.limit,
    ("POST", "/api/breaker/cut"): Pages.cut,
    ("POST", "/api/ext/relay"): Pages.ext_relay,
    ("POST", "/api/ext/threshold"): Pages.ext_threshold,
    ("GET", "/api/ext/ping"): Pages.ping,
}
