"""A central control unit as its firmware is: it searches answers for strings, and does one thing after the other."""

from dataclasses import dataclass, field
from typing import Any, Protocol

UNKNOWN = -1


class Line(Protocol):
    """What speaks HTTP for a unit."""

    async def get(self, path: str, /) -> Any:
        """Ask for something."""
        ...

    async def post(self, path: str, /, *, content: str, headers: dict[str, str]) -> Any:
        """Send something."""
        ...


def devices_in(answer: str) -> list[str]:
    """Return the ids that the firmware finds."""
    bare = answer.replace(" ", "")
    assert '"success":true' in bare
    listed = bare[bare.index("[") + 1 : bare.index("]")]
    return [f"{int(quoted, 16) & 0xFF:02X}" for quoted in listed.split('"')[1::2]]


def focus_in(answer: str) -> str | None:
    """Return the outlet that the firmware takes for the one in focus."""
    _, found, rest = answer.replace(" ", "").partition('"device_id":"')
    return rest.partition('"')[0] if found else None


def commands_in(answer: str) -> list[tuple[str, str, int]]:
    """Return what the firmware is to do; what stands a blank beside is not found."""
    assert '"success": true' in answer or '"success":true' in answer
    found, start = [], 0
    while (start := answer.find('{"command":', start)) >= 0:
        end = answer.index("}", start)
        one, start = answer[start : end + 1], end
        number = one.partition('"value":')[2].strip(" }").partition(",")[0]
        found.append((_text(one, "command"), _text(one, "socket"), int(number) if number.isdecimal() else 0))
    return found


def _text(one: str, name: str) -> str:
    _, found, rest = one.partition(f'"{name}": "')
    return rest.partition('"')[0] if found else ""


@dataclass
class Outlet:
    """One outlet over the radio: what flows, its relays as it acknowledged them, and its threshold."""

    currents: list[int] = field(default_factory=lambda: [UNKNOWN, UNKNOWN])
    relays: list[bool] = field(default_factory=lambda: [False, False])
    threshold: int = 3000
    deaf: bool = False

    def do(self, command: str, socket: str, value: int) -> None:
        """Do a command as the radio brings it; a socket that is not a is b."""
        if command == "set_threshold" and value > 0:
            self.threshold = value & 0xFFFF
        elif command in {"relay_on", "relay_off"} and not self.deaf:
            self.relays[socket != "a"] = command == "relay_on"


@dataclass
class Unit:
    """A control unit with its server's address; each `cycle` is what it does every two seconds."""

    http: Line
    base: str
    ccu_id: str = "02"
    breaker: int | None = None
    outlets: dict[str, Outlet] = field(default_factory=dict)
    failed: int = 0
    turn: int = 0

    async def boot(self) -> None:
        """See whether the server is there, and learn the outlets."""
        assert (await self.http.get(self.base)).status_code > 0
        await self.learn()

    async def learn(self) -> None:
        """Learn the outlets; one that is not listed any more stays until the next boot."""
        for name in devices_in((await self.http.get(f"{self.base}/api/devices/")).text):
            self.outlets.setdefault(name, Outlet())

    async def cycle(self, *, background: bool = False) -> None:
        """Do once what is done every two seconds, and once more for one in the background every thirty."""
        await self.learn()
        if self.breaker is not None:
            body = f'{{"ccu_id":"{self.ccu_id}","current_ma":{self.breaker}}}'
            await self._post("/api/breaker-data/", body)
        focus = focus_in((await self.http.get(f"{self.base}/api/focus/")).text)
        if focus in self.outlets:
            await self.serve(focus)
        others = [name for name in self.outlets if name != focus]
        if background and others:
            self.turn += 1
            await self.serve(others[self.turn % len(others)])

    async def serve(self, name: str) -> None:
        """Say how one outlet stands, and do what it is to do."""
        one = self.outlets[name]
        flags = ",".join(
            f'"{key}":{str(value).lower()}'
            for key, value in (("relay_a", one.relays[0]), ("relay_b", one.relays[1]), ("is_overload", False))
        )
        a, b = one.currents
        await self._post("/api/data/", f'{{"device_id":"{name}","current_a":{a},"current_b":{b},{flags}}}')
        answer = await self.http.get(f"{self.base}/api/commands/{name}/")
        if answer.status_code == 200:
            for command in commands_in(answer.text):
                one.do(*command)

    async def _post(self, path: str, body: str) -> None:
        headers = {"Content-Type": "application/json"}
        answer = await self.http.post(self.base + path, content=body, headers=headers)
        self.failed += answer.status_code not in {200, 201}
