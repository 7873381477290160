"""A central control unit with its outlets: each cycle it tells its breaker, asks for the focus, and serves one outlet.

As its firmware does: one request after the other, answers searched for strings, one outlet in the background each
fifteen cycles; the version before serves every outlet each cycle. It serves the outlets in its memory, and those that
the server lists. It may have pages of its own, at a port that stands for the 80 of its address.
"""

from verger.simulator import faults
from verger.simulator.http import Client
from verger.simulator.kinds import seed_of
from verger.simulator.life import Door, Nature
from verger.simulator.mqtt import Lost
from verger.simulator.radios import MOST_OUTLETS, UNKNOWN, Board, Radio
from verger.simulator.sockets import PLUGGED, Outlet
from verger.simulator.unit_pages import Pages

__all__ = ["MOST_OUTLETS", "UNKNOWN", "Outlet", "Radio", "Unit"]

NAME = "outlet"
EVERY_S, BACKGROUND_EACH = 2.0, 15

_DATA = '{"device_id":"%s","current_a":%d,"current_b":%d,"relay_a":%s,"relay_b":%s,"is_overload":false}'


class Unit:
    """One control unit."""

    again_s = 2.0

    def __init__(
        self,
        nature: Nature,
        door: Door,
        outlets: dict[str, Outlet],
        *,
        old: bool = False,
        pages: int | None = None,
    ) -> None:
        """Have some outlets in its memory, and pages of its own at a port: 0 for a free one, None for no pages."""
        self._nature, self._old = nature, old
        self._http = Client(door.host, door.port, door.path(NAME), {"User-Agent": "ESP32HTTPClient"})
        self.ccu_id = f"{nature.number + 1:02X}"
        self.board = Board(lambda name: outlets.get(name) or outlet_of(name, nature.seed), self._refuses)
        for name in outlets:
            self.board.add(name)
        self.radio = self.board.outlets
        self.pages = None if pages is None else Pages(self.ccu_id, self.board, nature.clock, nature.wait, pages)
        self._booted = False
        self._cycles = self._turn = 0

    async def cycle(self) -> float:
        """Do once what is done every two seconds."""
        nature, now = self._nature, self._nature.clock.now()
        if self.pages is not None:
            await self.pages.open()
        if nature.faults.lasts(faults.WIFI, now):
            await self._http.close()
            return nature.every_s
        if not self._booted:
            await self._http.welcome("GET", "/")
            await self._learn(first=True)
            self._booted = True
        else:
            await self._learn()
        await self._post("/api/breaker-data/", f'{{"ccu_id":"{self.ccu_id}","current_ma":{self.board.flows(now)}}}')
        for name in await self._served():
            await self._serve(name, now)
        self._cycles += 1
        return nature.every_s

    async def stop(self) -> None:
        """Hang up."""
        await self._http.close()
        if self.pages is not None:
            await self.pages.close()

    async def _learn(self, *, first: bool = False) -> None:
        ask = self._http.welcome if first else self._http.ask
        for name in devices_in((await ask("GET", "/api/devices/")).body.decode()):
            self.board.add(name)

    async def _served(self) -> list[str]:
        """Return the outlets that are served in this cycle."""
        if self._old:
            return list(self.radio)
        focus = focus_in((await self._http.ask("GET", "/api/focus/")).body.decode())
        served = [] if focus is None or focus not in self.radio else [focus]
        others = [name for name in self.radio if name != focus]
        if self._cycles % BACKGROUND_EACH == 0 and others:
            self._turn += 1
            served.append(others[self._turn % len(others)])
        return served

    async def _serve(self, name: str, now: int) -> None:
        """Tell how one outlet stands, and do what it is to do."""
        one = self.radio.get(name)
        if one is None:
            return  # it was taken out on the unit's own page meanwhile
        one.read(now)
        a, b = one.currents
        said = _DATA % (name, a, b, *(str(relay).lower() for relay in one.relays))
        for _ in range(1 + self._nature.faults.strikes(faults.TWICE, now)):
            await self._post("/api/data/", said)
        answer = await self._http.ask("GET", f"/api/commands/{name}/")
        for number, command in enumerate(commands_in(answer.body.decode()) if answer.status == 200 else []):
            if number:
                await self._nature.wait(min(0.1, self._nature.every_s / 20))
            self._do(one, *command)

    def _do(self, one: Radio, command: str, socket: str, value: int) -> None:
        """Do a command; a socket that is not a is b. A relay that refuses stays as it was."""
        if command == "set_threshold" and value > 0:
            one.bound(value)
        elif command in {"relay_on", "relay_off"}:
            self.board.switch(one, int(socket != "a"), on=command == "relay_on")

    def _refuses(self) -> bool:
        return self._nature.faults.strikes(faults.RELAY, self._nature.clock.now())

    async def _post(self, path: str, said: str) -> None:
        answer = await self._http.ask("POST", path, said.encode(), {"Content-Type": "application/json"})
        if answer.status not in (200, 201, 404):
            raise Lost(f"The server answered {answer.status} to {path}.")


def outlet_of(name: str, seed: int) -> Outlet:
    """Return the outlet of a name: what is plugged in follows from its seed."""
    own = seed_of(seed, name)
    return Outlet(own, PLUGGED[own % len(PLUGGED)])


def names(count: int, first: int = 0) -> list[str]:
    """Return ids of outlets as people give them: FE, FD and so on."""
    return [f"{0xFE - first - n:02X}" for n in range(count)]


# what the firmware makes of its answers


def devices_in(answer: str) -> list[str]:
    """Return the ids that the firmware finds in a list of outlets."""
    bare = answer.replace(" ", "")
    start, end = bare.find("["), bare.find("]")
    if '"success":true' not in bare or start < 0 or end < start:
        return []
    quoted = bare[start + 1 : end].split('"')[1::2]
    return [f"{int(each, 16) & 0xFF:02X}" for each in quoted if _is_hex(each)]


def focus_in(answer: str) -> str | None:
    """Return the outlet that the firmware takes for the one in focus."""
    _, found, rest = answer.replace(" ", "").partition('"device_id":"')
    return rest.partition('"')[0] if found else None


def commands_in(answer: str) -> list[tuple[str, str, int]]:
    """Return what the firmware is to do; what does not stand exactly one blank after its colon is not found."""
    if '"success": true' not in answer and '"success":true' not in answer:
        return []
    found, start = [], 0
    while (start := answer.find('{"command":', start)) >= 0:
        end = answer.find("}", start)
        if end < 0:
            break
        one, start = answer[start : end + 1], end
        number = one.partition('"value":')[2].strip(" }").partition(",")[0]
        found.append((_text(one, "command"), _text(one, "socket"), int(number) if number.isdecimal() else 0))
    return found


def _text(one: str, name: str) -> str:
    _, found, rest = one.partition(f'"{name}": "')
    return rest.partition('"')[0] if found else ""


def _is_hex(text: str) -> bool:
    return bool(text) and all(each in "0123456789abcdefABCDEF" for each in text)
