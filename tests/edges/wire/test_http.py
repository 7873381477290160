"""Devices over HTTP."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from tests.edges.wire.conftest import FakeHouse, FakeInbound
from verger.base.patience import Patience
from verger.base.proxies import Proxies
from verger.domain.telemetry.model import Attributes, Claim, Event, Heard, Readings, Relayed
from verger.edges.wire.http import DeviceHttp, owns
from verger.edges.wire.inlet import Inlet
from verger.edges.wire.strangers import Strangers


class Impatient(Patience):
    """Answers at once, and remembers who failed."""

    keys: tuple[str, ...] = ()

    def failed(self, *keys: str) -> float:
        self.keys = keys
        return 0.0


@pytest.fixture
def app(house: FakeHouse, inlet: Inlet) -> DeviceHttp:
    return DeviceHttp(house, inlet, Impatient(), body_bytes=1000, call_bytes=100)


@dataclass
class Got:
    """An answer."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def ask(
    app: DeviceHttp,
    method: str,
    path: str,
    *chunks: bytes,
    length: int | None = None,
    hangs_up: bool = False,
    headers: Any = (),
) -> Got:
    """Send one request and return its answer."""
    path, _, query = path.partition("?")
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    if hangs_up:
        messages = [*messages[:-1], {"type": "http.disconnect"}]
    got = Got()

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            got.status, got.headers = message["status"], dict(message["headers"])
        got.body += message.get("body", b"")

    told = [*headers] if length is None else [*headers, (b"content-length", str(length).encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": told,
        "client": ("10.0.0.7", 1234),
    }
    await app(scope, receive, send)
    assert int(got.headers.get(b"content-length", b"0")) == len(got.body)
    return got


async def test_what_is_kept_is_answered_with_nothing(app: DeviceHttp, inbound: FakeInbound) -> None:
    got = await ask(app, "POST", "/api/v1/token-d/telemetry", b'{"t"', b":1}")
    assert (got.status, got.body) == (200, b"")
    await ask(app, "POST", "/api/v1/token-d/attributes", b'{"floor":3}')
    await ask(app, "POST", "/api/v1/token-d/events", b'{"kind":"door.opened"}')
    said = (Readings({"t": 1.0}), Attributes({"floor": 3}), Event("door.opened"))
    assert inbound.heard == [Heard("d", (one,)) for one in said]


async def test_what_is_refused_is_named(app: DeviceHttp) -> None:
    got = await ask(app, "POST", "/api/v1/token-d/telemetry", b'{"t":1,"h":"nan"}')
    assert got.status == 200
    assert got.json() == {"refused": [{"field": "h", "message": "This is not a number."}]}


@pytest.mark.parametrize("body", [b"{", b"", b'{"t":NaN}', b"{}", b"7"])
async def test_nothing_kept_is_a_problem(app: DeviceHttp, body: bytes) -> None:
    got = await ask(app, "POST", "/api/v1/token-d/telemetry", body)
    assert got.status == 422
    assert got.headers[b"content-type"] == b"application/problem+json"
    problem = got.json()
    assert problem["title"] == "Unprocessable Entity"
    assert problem["detail"] == problem["errors"][0]["message"]


@pytest.mark.parametrize("path", ["telemetry", "attributes", "rpc", "firmware"])
async def test_an_unknown_token_is_refused_slowly_and_not_written_down(
    app: DeviceHttp, house: FakeHouse, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    got = await ask(app, "POST", f"/api/v1/nobody-knows-me/{path}", b"{}")
    assert (got.status, app.refused) == (401, 1)
    assert isinstance(app.patience, Impatient)
    assert app.patience.keys[0] == "address 10.0.0.7"
    assert "nobody-knows-me" not in app.patience.keys[1] + capsys.readouterr().out
    assert house.remarks == []


async def test_a_stranger_is_known_by_the_address_that_a_trusted_proxy_tells(app: DeviceHttp) -> None:
    app.proxies = Proxies(("10.0.0.0/8",))
    forwarded = (b"x-forwarded-for", b"198.51.100.1, 203.0.113.9, 10.0.0.8")
    await ask(app, "POST", "/api/v1/nobody/telemetry", b"{}", headers=[forwarded])
    assert isinstance(app.patience, Impatient)
    assert app.patience.keys[0] == "address 203.0.113.9"


async def test_only_so_many_strangers_wait(app: DeviceHttp) -> None:
    app.strangers = Strangers(Patience(), most=0)
    got = await ask(app, "POST", "/api/v1/stranger/telemetry", b"{}")
    assert got.status == 429
    assert got.headers[b"retry-after"] == b"30"


@pytest.mark.parametrize("length", [None, 1001])
async def test_too_large_a_body_is_not_read(app: DeviceHttp, length: int | None) -> None:
    chunks = [b"x" * 600] * 3 if length is None else []
    got = await ask(app, "POST", "/api/v1/token-d/telemetry", *chunks, length=length)
    assert got.status == 413
    got = await ask(app, "POST", "/api/v1/token-d/rpc", b"x" * 101)
    assert got.status == 413


async def test_when_the_log_cannot_keep_the_device_is_told_when_to_come_again(
    app: DeviceHttp, inbound: FakeInbound
) -> None:
    inbound.be_busy()
    got = await ask(app, "POST", "/api/v1/token-d/telemetry", b'{"t":1}')
    assert got.status == 503
    assert int(got.headers[b"retry-after"]) > 0


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", {"client": {"floor": 3}, "shared": {"every_s": 60}}),
        ("?clientKeys=floor,x", {"client": {"floor": 3}}),
        ("?sharedKeys=every_s&clientKeys=x", {"shared": {"every_s": 60}}),
        ("?sharedKeys=", {"client": {"floor": 3}, "shared": {"every_s": 60}}),
    ],
)
async def test_attributes_are_told(app: DeviceHttp, query: str, told: dict[str, Any]) -> None:
    got = await ask(app, "GET", f"/api/v1/token-d/attributes{query}")
    assert (got.status, got.json()) == (200, told)


async def test_a_device_may_call_us(app: DeviceHttp) -> None:
    got = await ask(app, "POST", "/api/v1/token-d/rpc", b'{"method":"getSessionLimits","params":{}}')
    inbox = {"messages": 1000, "bytes": 1 << 20, "days": 7}
    assert got.json() == {"maxPayloadSize": 1000, "maxInflightMessages": 100, "rateLimits": {}, "inbox": inbox}
    got = await ask(app, "POST", "/api/v1/token-d/rpc", b'{"method":"sing"}')
    assert got.json() == {"error": "There is no method sing here, only getSessionLimits."}
    assert (await ask(app, "POST", "/api/v1/token-d/rpc", b"{}")).status == 422
    assert (await ask(app, "POST", "/api/v1/token-d/rpc/7", b'{"ok":true}')).status == 200


@pytest.mark.parametrize("path", ["rpc?timeout=1", "attributes/updates?timeout=1"])
async def test_waiting_for_orders_ends_after_a_while(app: DeviceHttp, path: str) -> None:
    assert (await ask(app, "GET", f"/api/v1/token-d/{path}")).status == 408


async def test_a_change_answers_who_waits_for_it(app: DeviceHttp) -> None:
    asking = asyncio.create_task(ask(app, "GET", "/api/v1/token-d/attributes/updates?timeout=60000"))
    for _ in range(3):
        await asyncio.sleep(0)  # until it waits
    assert app.polls.tell("d", {"every_s": 60}, ["old"])
    got = await asking
    assert (got.status, got.json()) == (200, {"every_s": 60, "deleted": ["old"]})


@pytest.mark.parametrize("path", ["rpc", "attributes/updates"])
async def test_only_so_many_questions_of_a_device_wait_at_once(app: DeviceHttp, path: str) -> None:
    app.polls_per_device = 2
    open_ = [asyncio.create_task(ask(app, "GET", f"/api/v1/token-d/{word}")) for word in ("rpc", "attributes/updates")]
    for _ in range(3):
        await asyncio.sleep(0)  # until they wait
    got = await ask(app, "GET", f"/api/v1/token-d/{path}")
    assert (got.status, got.headers[b"retry-after"], app.polls_refused, app.open_polls) == (429, b"10", 1, 2)
    assert (await ask(app, "GET", "/api/v1/token-e/rpc?timeout=1")).status == 408
    for task in open_:
        task.cancel()
    await asyncio.gather(*open_, return_exceptions=True)
    assert (await ask(app, "GET", f"/api/v1/token-d/{path}?timeout=1")).status == 408
    assert app.open_polls == 0


async def test_a_device_may_say_that_it_can_be_claimed(app: DeviceHttp, inbound: FakeInbound) -> None:
    await ask(app, "POST", "/api/v1/token-d/claim", b'{"secretKey":"s","durationMs":60000}')
    assert inbound.batches == [[Relayed("d", (), claims=(Claim("", "s", 60000),))]]


@pytest.mark.parametrize("word", ["firmware", "software"])
async def test_a_firmware_that_is_not_there_is_not_found(app: DeviceHttp, word: str) -> None:
    got = await ask(app, "GET", f"/api/v1/token-d/{word}?title=T&version=1")
    assert got.status == 404
    assert word in got.json()["detail"]


async def test_a_device_without_a_token_asks_for_one(app: DeviceHttp) -> None:
    body = b'{"provisionDeviceKey":"k","provisionDeviceSecret":"%s"}'
    got = await ask(app, "POST", "/api/v1/provision", body % b"right")
    assert (got.status, got.json()["credentialsValue"]) == (200, "vt_fresh")
    got = await ask(app, "POST", "/api/v1/provision", body % b"wrong")
    assert (got.status, got.json()["status"]) == (200, "NOT_FOUND")
    assert isinstance(app.patience, Impatient)
    assert app.patience.keys[0] == "address 10.0.0.7"
    assert (await ask(app, "POST", "/api/v1/provision", b"{}")).json()["status"] == "FAILURE"
    assert (await ask(app, "GET", "/api/v1/provision")).status == 405
    assert owns("/api/v1/provision")


async def test_who_hangs_up_is_not_answered(app: DeviceHttp, inbound: FakeInbound) -> None:
    assert (await ask(app, "GET", "/api/v1/token-d/rpc", hangs_up=True)).status == 0
    assert (await ask(app, "POST", "/api/v1/token-d/telemetry", b'{"t":1}', hangs_up=True)).status == 0
    assert inbound.heard == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "telemetry"), ("GET", "claim"), ("GET", "firmware"), ("POST", "telemetry/x")]
)
async def test_what_is_not_there_is_not_found(app: DeviceHttp, method: str, path: str) -> None:
    assert (await ask(app, method, f"/api/v1/token-d/{path}")).status == 404


@pytest.mark.parametrize(
    "word", ["telemetry", "attributes", "attributes/updates", "events", "rpc/7", "claim", "software"]
)
def test_device_paths_are_its_own(word: str) -> None:
    assert owns(f"/api/v1/vt_abc/{word}")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/devices/7/events",
        "/api/v1/devices/events",
        "/api/v1/places/rpc",
        "/api/v1/vt_abc",
        "/api/v1/vt_abc/",
        "/api/v1/vt_abc/history",
        "/api/v1//telemetry",
        "/api/v2/vt_abc/telemetry",
        "/health",
    ],
)
def test_paths_of_people_are_not(path: str) -> None:
    assert not owns(path)
