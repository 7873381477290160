"""Every route is walked: nobody gets in without a caller, nobody sees another tenant's, viewers change nothing."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from litestar import Litestar

from tests.edges.api.conftest import HERE, visitor
from tests.people import PASSWORD
from tests.recorded import Record
from verger.app import build_api, open_house, open_stores
from verger.base.settings import Settings
from verger.domain.tenancy.model import Founding, Role
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.schema import described

# A body that a route takes, so that it is refused for the right reason; {} where a route is not named here.
BODIES: dict[str, dict[str, Any]] = {
    "POST /places": {"name": "Barn"},
    "POST /devices": {"name": "Probe", "place": "place"},
    "POST /devices/{device}/replace": {"by": "device"},
    "POST /device-types": {"key": "probe", "name": "Probe"},
    "POST /api-keys": {"name": "Export"},
    "PATCH /members/{member}": {"role": "viewer"},
}

# What people may change whatever their role: themselves.
OWN = {"PATCH /me", "POST /auth/logout", "DELETE /members/{member}"}


@dataclass(frozen=True)
class Whole:
    """The whole product over a fresh folder, with two tenants, and something of every kind in the first."""

    api: Litestar
    tokens: dict[str, str]
    samples: dict[str, str]

    def ask(self, who: str | None = None) -> httpx.AsyncClient:
        client = visitor(self.api, base=f"{HERE}/api/v1")
        if who:
            client.headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return client

    def routes(self, *, open_to_all: bool = False) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Give each route as its name, its address with samples put in, and a body that it takes."""
        for route in self.api.routes:
            for handler in getattr(route, "route_handlers", []):
                path = route.path_format.removeprefix("/api/v1")
                for method in handler.http_methods - {"OPTIONS"}:
                    if bool(handler.opt.get("open")) == open_to_all:
                        name = f"{method} {path}"
                        yield name, self._filled(path), self._body(name)

    def _filled(self, path: str) -> str:
        for place, sample in self.samples.items():
            path = path.replace(place, sample)
        assert "{" not in path, f"{path} needs a sample: make one in `furnished`."
        return path

    def _body(self, name: str) -> dict[str, Any]:
        own = {place.strip("/{}"): sample.strip("/") for place, sample in self.samples.items()}
        return {key: own.get(str(value), value) for key, value in BODIES.get(name, {}).items()}


async def furnished(owner: httpx.AsyncClient) -> dict[str, str]:
    """Make one of each kind; return what stands for each part of a path."""

    async def made(path: str, **body: Any) -> dict[str, Any]:
        answer = await owner.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    place = (await made("/places", name="Cottage"))["id"]
    return {
        "/places/{place}": f"/places/{place}",
        "/devices/{device}": f"/devices/{(await made('/devices', name='Probe', place=place))['device']['id']}",
        "/device-types/{key}": f"/device-types/{(await made('/device-types', key='meter', name='Meter'))['key']}",
        "/api-keys/{key}": f"/api-keys/{(await made('/api-keys', name='Export'))['id']}",
        "/members/{member}": f"/members/{(await owner.get('/members')).json()['items'][0]['id']}",
    }


@pytest_asyncio.fixture
async def whole(tmp_path: Path) -> AsyncIterator[Whole]:
    settings = Settings.read({"VERGER_DATA": str(tmp_path / "data"), "VERGER_MQTT_PORT": "0"})
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        api: Any = build_api(house).api
        tokens = await moved_in(house.stores.tenancy)
        found = Whole(api, tokens, {})
        yield Whole(api, tokens, await furnished(found.ask("owner")))


async def moved_in(tenancy: Tenancy) -> dict[str, str]:
    """Make an owner and a viewer of one tenant, and the owner of another; return their tokens."""
    tenant, owner = await tenancy.users.found(Founding("Mökki", "Aino", "aino@example.test", PASSWORD))
    viewer = await tenancy.users.add(tenant.id, Role.viewer, "Veikko", "veikko@example.test", PASSWORD)
    farm = await tenancy.users.add_tenant("Farm", "Asia/Manila")
    stranger = await tenancy.users.add(farm.id, Role.owner, "Bea", "bea@example.test", PASSWORD)
    people = {"owner": owner, "viewer": viewer, "stranger": stranger}
    return {who: await tenancy.sessions.open(person.id) for who, person in people.items()}


async def walk(whole: Whole, who: str | None) -> dict[str, int]:
    """Ask every route that needs a caller; return the status of each by its name."""
    client = whole.ask(who)
    return {
        name: (await client.request(name.split()[0], path, json=None if name.startswith("GET") else body)).status_code
        for name, path, body in whole.routes()
    }


async def test_nobody_gets_in_without_a_caller(whole: Whole) -> None:
    statuses = await walk(whole, None)
    assert len(statuses) > 20
    assert {name: status for name, status in statuses.items() if status != 401} == {}


async def test_what_is_another_tenants_is_not_there(whole: Whole) -> None:
    statuses = await walk(whole, "stranger")
    assert {name: status for name, status in statuses.items() if "{" in name and status != 404} == {}


async def test_a_viewer_changes_nothing(whole: Whole) -> None:
    statuses = await walk(whole, "viewer")
    changing = {name for name in statuses if not name.startswith("GET ")} - OWN
    assert {name: statuses[name] for name in changing if statuses[name] != 403} == {}


async def test_an_owner_may_read_everything(whole: Whole) -> None:
    statuses = await walk_reading(whole)
    assert {name: status for name, status in statuses.items() if status != 200} == {}


async def walk_reading(whole: Whole) -> dict[str, int]:
    client = whole.ask("owner")
    return {name: (await client.get(path)).status_code for name, path, _ in whole.routes() if name.startswith("GET ")}


async def test_anothers_ids_are_no_use_inside_a_body(whole: Whole) -> None:
    stranger = whole.ask("stranger")
    place, device = whole.samples["/places/{place}"], whole.samples["/devices/{device}"]
    theirs, its = place.rpartition("/")[2], device.rpartition("/")[2]
    mine = (await stranger.post("/places", json={"name": "Barn"})).json()["id"]
    own = (await stranger.post("/devices", json={"name": "Probe", "place": mine})).json()["device"]["id"]
    for method, path, body in (
        ("POST", "/places", {"name": "Shed", "parent": theirs}),
        ("PATCH", f"/places/{mine}", {"parent": theirs}),
        ("DELETE", f"/places/{mine}?contents=move&to={theirs}", None),
        ("POST", "/devices", {"name": "Probe", "place": theirs}),
        ("POST", "/devices", {"name": "Probe", "place": mine, "gateway": its}),
        ("PATCH", f"/devices/{own}", {"place": theirs}),
        ("PATCH", f"/devices/{own}", {"gateway": its}),
        ("POST", f"/devices/{own}/replace", {"by": its}),
    ):
        answer = await stranger.request(method, path, json=body)
        assert answer.status_code in {404, 422}, (method, path, answer.text)


async def test_the_description_of_the_api_is_as_recorded(whole: Whole, record: Record) -> None:
    answer = await whole.ask().get("/openapi.json")
    assert answer.status_code == 200
    record("openapi.json", json.loads(answer.content))


async def test_every_route_is_described(whole: Whole) -> None:
    told = json.loads(described(whole.api))
    ids = []
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("description"), (method, path)
            assert operation.get("tags"), (method, path)
            ids.append(operation["operationId"])
    assert len(ids) == len(set(ids))
    assert told["openapi"].startswith("3.1")
