"""A control unit's own pages: what its firmware answers, to whom knows its address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from verger.base.clock import HOUR, MINUTE, HeldClock
from verger.base.errors import Invalid
from verger.simulator.radios import Board
from verger.simulator.sockets import Appliance, Outlet
from verger.simulator.unit_pages import Pages

STEADY = Appliance(1000, 0, HOUR, MINUTE)


@asynccontextmanager
async def opened(clock: HeldClock, *names: str) -> AsyncIterator[tuple[Pages, httpx.AsyncClient]]:
    async def wait(seconds: float) -> None:
        clock.advance(seconds)

    board = Board(lambda name: Outlet(int(name, 16), (STEADY, STEADY)))
    for name in names:
        board.add(name)
    pages = Pages("02", board, clock, wait)
    await pages.open()
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{pages.port}") as http:
            yield pages, http
    finally:
        await pages.close()


async def asked(http: httpx.AsyncClient, method: str, path: str, **form: str) -> tuple[int, Any]:
    answer = await http.request(method, path, data=form or None)
    return answer.status_code, answer.json()


async def test_what_a_server_calls_is_done_and_said_yes_to_before_the_outlet_obeys(clock: HeldClock) -> None:
    async with opened(clock, "FE") as (pages, http):
        begun = clock.now()
        off = {"device_id": "fe", "command": "relay_off", "socket": "a"}
        assert await asked(http, "POST", "/api/ext/relay", **off) == (200, {"success": True, "device_id": "FE"})
        assert clock.now() - begun == 300_000
        assert pages.board.outlets["FE"].outlet.relays == [False, True]
        assert pages.board.outlets["FE"].relays == [False, False]  # as the unit knows them: nothing yet
        bound = await asked(http, "POST", "/api/ext/threshold", device_id="FE", value="5000")
        assert bound == (200, {"success": True})
        assert pages.board.outlets["FE"].outlet.threshold == 5000
        unknown = {"device_id": "AA", "command": "relay_on", "socket": "2"}
        assert (await asked(http, "POST", "/api/ext/relay", **unknown))[0] == 200
        assert list(pages.board.outlets) == ["FE", "AA"]
        wrong = {"device_id": "FE", "command": "set_threshold", "socket": "", "value": "5000"}
        assert await asked(http, "POST", "/api/ext/relay", **wrong) == (400, {"error": "Unknown command"})
        assert await asked(http, "GET", "/api/ext/ping") == (200, {"alive": True, "uptime_ms": 900})


async def test_its_dashboard_tells_and_moves_outlets_and_breaker(clock: HeldClock) -> None:
    async with opened(clock, "FE", "FD") as (pages, http):
        listed = [{"index": 0, "name": "PIC 1", "id": "0xfe"}, {"index": 1, "name": "PIC 2", "id": "0xfd"}]
        assert await asked(http, "GET", "/api/devices") == (200, listed)
        about = {"id": "0xfe", "name": "PIC 1", "relayA": False, "relayB": False, "currentA": -1, "currentB": -1}
        assert await asked(http, "GET", "/api/status?index=0") == (200, about | {"threshold": -1, "masterID": 2})
        done = (200, {"ok": True})
        assert await asked(http, "POST", "/api/sensors?index=0") == done
        assert (await asked(http, "GET", "/api/status?index=0"))[1]["currentA"] > 900
        assert await asked(http, "POST", "/api/threshold?index=0&value=4000") == done
        assert await asked(http, "POST", "/api/relay?index=1&socket=2&state=off") == done
        assert pages.board.outlets["FD"].outlet.relays == [True, False]
        assert await asked(http, "POST", "/api/breaker/threshold?value=2500") == done
        _, breaker = await asked(http, "GET", "/api/breaker")
        assert (breaker["threshold"], breaker["overload"], breaker["hasReading"]) == (2500, True, True)
        assert breaker["amps"] == breaker["milliAmps"] / 1000
        assert await asked(http, "POST", "/api/breaker/cut?index=all") == (200, {"ok": True, "cut": 2})
        assert (await asked(http, "GET", "/api/breaker"))[1]["milliAmps"] == 0
        assert await asked(http, "POST", "/api/devices/add?name=Lamp&id=0x0c") == (200, {"ok": True, "index": 2})
        assert await asked(http, "POST", "/api/devices/rename?index=2&name=Desk") == done
        assert (await asked(http, "GET", "/api/devices"))[1][2] == {"index": 2, "name": "Desk", "id": "0x0c"}
        assert await asked(http, "POST", "/api/devices/delete?index=2") == done
        no = {"success": False, "reason": "No ACK. Is PIC in config mode?"}
        assert await asked(http, "POST", "/api/devices/changeId?index=0&newId=11") == (200, no)
        assert await asked(http, "POST", "/api/master?value=03") == (200, {"success": 0, "total": 2})
        assert (await http.get("/dashboard")).headers["content-type"] == "text/html"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/status?index=7", 400),
        ("POST", "/api/relay?index=0&socket=3&state=on", 400),
        ("POST", "/api/threshold?index=0&value=0", 400),
        ("POST", "/api/devices/add?id=zz", 400),
        ("POST", "/api/breaker/cut?index=-1", 400),
        ("GET", "/elsewhere", 404),
    ],
)
async def test_what_cannot_be_is_an_error(clock: HeldClock, method: str, path: str, status: int) -> None:
    async with opened(clock, "FE") as (_, http):
        answered, told = await asked(http, method, path)
        assert (answered, list(told)) == (status, ["error"])


async def test_a_port_that_is_taken_is_told(clock: HeldClock) -> None:
    async with opened(clock) as (pages, _):
        other = Pages("03", pages.board, clock, pages.wait, pages.port)
        with pytest.raises(Invalid, match="choose another for --pages"):
            await other.open()
