"""Pages of other origins: who is listed may read answers, and nobody else; a cookie of ours is no proof there."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.people import PASSWORD
from verger.app import running
from verger.base.settings import BadSetting, Settings

LISTED, OTHER = "http://old.example.org:5173", "http://evil.example.org"
LOGIN = {"username": "aino@example.test", "password": PASSWORD}
ASKED = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
COTTAGE, SOCKET = "/compat/cottage/api", "/compat/cottage/ws/unified/1/"


@pytest_asyncio.fixture
async def web(founded: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Run Verger with one origin listed, and the cottage's words at the root too."""
    settings = replace(founded, compat_origins=(LISTED,), compat_root="cottage")
    async with running(settings) as (_, http), httpx.AsyncClient(base_url=f"http://127.0.0.1:{http.plain}") as client:
        yield client


@pytest.mark.parametrize("path", [f"{COTTAGE}/task/", "/api/task/", "/t/ve_nobody/compat/cottage/task/"])
async def test_a_listed_page_is_told_what_it_may_send(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.options(path, headers={"Origin": LISTED, **ASKED})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= set(answer.headers["access-control-allow-headers"].lower().split(", "))
    assert answer.headers["vary"] == "Origin"


async def test_other_pages_and_verger_s_own_api_are_told_nothing(web: httpx.AsyncClient) -> None:
    for path, origin in (
        (f"{COTTAGE}/task/", OTHER),
        (f"{COTTAGE}/task/", "null"),
        (f"{COTTAGE}/task/", f"{LISTED}.evil.example.org"),
        ("/api/v1/me", LISTED),
        ("/health", LISTED),
    ):
        for answer in (
            await web.options(path, headers={"Origin": origin, **ASKED}),
            await web.get(path, headers={"Origin": origin}),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control-")], (path, origin)


async def test_a_listed_page_signs_in_reads_answers_and_failures_and_needs_its_token(web: httpx.AsyncClient) -> None:
    there = {"Origin": LISTED}
    signed_in = await web.post(f"{COTTAGE}/login/", json=LOGIN, headers=there)
    assert signed_in.status_code == 200
    assert signed_in.headers["access-control-allow-origin"] == LISTED
    token = {"Authorization": f"Token {signed_in.json()['token']}"}
    read = await web.get(f"{COTTAGE}/task/", headers=there | token)
    assert (read.status_code, read.headers["access-control-allow-origin"]) == (200, LISTED)
    assert web.cookies  # which the browser would send along, and which is no proof from there
    bare = await web.get(f"{COTTAGE}/task/", headers=there)
    assert (bare.status_code, bare.headers["access-control-allow-origin"]) == (401, LISTED)
    for method, path in (("GET", "/compat/farm/api/farms"), ("POST", "/compat/farm/api/farms")):
        foreign = await web.request(method, path, json={"name": "x"}, headers=there)
        assert foreign.status_code == 401, path


async def test_a_live_socket_is_opened_by_the_cookie_of_a_listed_page_alone(web: httpx.AsyncClient) -> None:
    signed_in = await web.post(f"{COTTAGE}/login/", json=LOGIN)
    cookie = {"Cookie": f"verger_session={signed_in.json()['token']}"}
    address = f"{str(web.base_url).replace('http', 'ws')}{SOCKET}"
    async with connect(address, origin=Origin(LISTED), additional_headers=cookie):
        pass
    with pytest.raises(InvalidStatus):
        await connect(address, origin=Origin(OTHER), additional_headers=cookie)


async def test_nobody_is_listed_unless_told(founded: Settings) -> None:
    assert Settings.read({}).compat_origins == ()
    async with running(founded) as (_, http), httpx.AsyncClient(base_url=f"http://127.0.0.1:{http.plain}") as client:
        answer = await client.options(f"{COTTAGE}/task/", headers={"Origin": LISTED, **ASKED})
        assert answer.status_code == 405
        assert "access-control-allow-origin" not in answer.headers
        assert "vary" not in (await client.get("/compat/cottage/health/")).headers


def test_origins_are_written_as_browsers_do() -> None:
    read = Settings.read({"VERGER_COMPAT_ORIGINS": "https://Old.example.org/, http://[fd00::1]:81"})
    assert read.compat_origins == ("https://old.example.org", "http://[fd00::1]:81")
    for wrong in ("*", "null", "old.example.org", "https://old.example.org/app", "https://*.example.org"):
        with pytest.raises(BadSetting, match="VERGER_COMPAT_ORIGINS"):
            Settings.read({"VERGER_COMPAT_ORIGINS": wrong})
