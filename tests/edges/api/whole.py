"""The whole product over a fresh folder, for tests that walk every route."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.edges.api.conftest import HERE, visitor
from tests.people import PASSWORD
from verger.app import House, build_api, open_house, open_stores
from verger.base.clock import moment
from verger.base.pages import Asked
from verger.base.settings import Settings
from verger.domain.alerts.model import Opening, Severity
from verger.domain.backups.model import Contents, Counts
from verger.domain.errands.model import ErrandState
from verger.domain.notifications.model import Notice, Urgency, one
from verger.domain.telemetry.model import Readings
from verger.domain.tenancy.model import Founding, Role
from verger.domain.tenancy.tenancy import Tenancy
from verger.edges.api.app import Api
from verger.edges.wire.dialects.family import Voice
from verger.flows.notifying import Notifying

BRIDGE = {
    "name": "Plant",
    "host": "broker.example",
    "filters": ["#"],
    "rules": [{"topic": "{device}"}],
    "enabled": False,
}

RULE: dict[str, Any] = {
    "name": "Frost",
    "when": {"metric": "t", "is": "below", "value": 3},
    "then": [{"alert": {"message": "{value} degrees"}}],
    "limits": {"when.value": {"low": 0, "high": 5}},
}

# What a route cannot do without.
QUERIES = {"/analytics/measures": "?metric=t", "/analytics/measures/file": "?metric=t"}

DERIVED = {"metric": "twice", "expression": "t * 2"}

# A body that a route takes, so that it is refused for the right reason; {} where a route is not named here.
BODIES: dict[str, dict[str, Any]] = {
    "POST /places": {"name": "Barn"},
    "POST /devices": {"name": "Probe", "place": "place"},
    "POST /devices/{device}/replace": {"by": "device"},
    "POST /device-types": {"key": "probe", "name": "Probe"},
    "POST /api-keys": {"name": "Export"},
    "POST /exports": {"devices": ["device"]},
    "POST /imports": {"file": "file"},
    "POST /imports/installations": {"file": "file", "family": "cottage", "place": "place"},
    "POST /bridges": BRIDGE,
    "POST /enrolments": {"dialect": "cottage", "place": "place"},
    "POST /pending-devices/adopt": {"prefix": "A", "place": "place"},
    "POST /devices/{device}/commands": {"method": "pulse"},
    "POST /commands": {"method": "pulse", "place": "place"},
    "POST /places/{place}/off": {"confirm": True},
    "POST /places/{place}/blueprint": {"name": "cottage"},
    "POST /tasks": {"title": "Sweep"},
    "POST /cycles": {"place": "nowhere"},
    "POST /cycles/{cycle}/stage": {"stage": "incubation"},
    "POST /cycles/{cycle}/events": {"kind": "harvest", "weight_kg": 1},
    "POST /alerts/{alert}/assign": {"assignee": None},
    "POST /alerts/{alert}/comments": {"text": "Seen."},
    "POST /claims": {"device": "device", "place": "place", "secret": "no secret of it"},
    "PATCH /members/{member}": {"role": "viewer"},
    "POST /rules": RULE | {"place": "place"},
    "POST /derived": DERIVED | {"place": "place"},
    "POST /rules/test": {
        "rule": RULE | {"place": "nowhere"},
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-02-01T00:00:00Z",
    },
    "POST /rules/{rule}/thresholds": {"thresholds": {"when.value": 4}},
    "POST /me/notifications/targets": {"kind": "email", "name": "Mail"},
    "PATCH /devices/{device}/shedding": {"metric": "power", "limit": 2000},
    "POST /retention": {"keeps": "remarks", "days": 30},
    "POST /retention/preview": {"keeps": "remarks", "days": 30},
}


@dataclass(frozen=True)
class Whole:
    """The whole product over a fresh folder, with two tenants, and something of every kind in the first."""

    api: Api
    tokens: dict[str, str]
    samples: dict[str, str]

    def ask(self, who: str | None = None) -> httpx.AsyncClient:
        client = visitor(self.api, base=f"{HERE}/api/v1")
        if who:
            client.headers["Authorization"] = f"Bearer {self.tokens[who]}"
        return client

    def routes(self, *, open_to_all: bool = False) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Give each route as its name, its address with samples put in, and a body that it takes."""
        for route in self.api.frame.routes:
            for handler in getattr(route, "route_handlers", []):
                path = route.path_format.removeprefix("/api/v1")
                for method in handler.http_methods - {"OPTIONS"}:
                    if bool(handler.opt.get("open")) == open_to_all:
                        name = f"{method} {path}"
                        yield name, self.filled(path), self._body(name)

    def filled(self, path: str) -> str:
        """Return a path with samples put in."""
        query = QUERIES.get(path, "")
        for place, sample in self.samples.items():
            path = path.replace(place, sample)
        assert "{" not in path, f"{path} needs a sample: make one in `furnished`."
        return path + query

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
    probe = (await made("/devices", name="Probe", place=place))["device"]["id"]
    await owner.patch(f"/devices/{probe}/shedding", json={"metric": "power", "limit": 2000})
    old = (await made("/devices", name="Old", place=place))["device"]["id"]
    gone = (await owner.delete(f"/devices/{old}?history=delete")).json()["id"]
    cycle = f"/cycles/{(await made('/cycles', place=place))['id']}"
    return {
        "/cycles/{cycle}": cycle,
        "/events/{event}": f"/events/{(await made(f'{cycle}/events', kind='contamination'))['id']}",
        "/tasks/{task}": f"/tasks/{(await made('/tasks', title='Sweep'))['id']}",
        "/bridges/{bridge}": f"/bridges/{(await made('/bridges', **BRIDGE))['id']}",
        "/places/{place}": f"/places/{place}",
        "/devices/{device}": f"/devices/{probe}",
        "/commands/{command}": f"/commands/{(await made(f'/devices/{probe}/commands', method='stop'))['id']}",
        "/device-types/{key}": f"/device-types/{(await made('/device-types', key='meter', name='Meter'))['key']}",
        "/attributes/{key}": "/attributes/state",
        "/api-keys/{key}": f"/api-keys/{(await made('/api-keys', name='Export'))['id']}",
        "/deletions/{deletion}": f"/deletions/{gone}",
        "/derived/{derived}": f"/derived/{(await made('/derived', place=place, **DERIVED))['id']}",
        "/rules/{rule}": f"/rules/{(await made('/rules', place=place, **RULE))['id']}",
        "/targets/{target}": f"/targets/{(await made('/me/notifications/targets', kind='email', name='Mail'))['id']}",
        "/retention/{rule}": f"/retention/{(await made('/retention', keeps='events', days=30))['id']}",
        "/members/{member}": f"/members/{(await owner.get('/members')).json()['items'][0]['id']}",
    }


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Whole]:
    """Open the product over a folder and furnish it."""
    settings = Settings.read(
        {"VERGER_DATA": str(folder), "VERGER_MQTT_PORT": "0", "VERGER_RESERVE_BYTES": "0", "VERGER_API_BURST": "100000"}
    )
    async with AsyncExitStack() as stack:
        house = await open_house(stack, await open_stores(stack, settings))
        api: Any = build_api(house).api
        tokens = await moved_in(house.stores.tenancy)
        samples = await furnished(Whole(api, tokens, {}).ask("owner"))
        samples |= await told(house)
        job = await exported(house, Whole(api, tokens, {}).ask("owner"), samples)
        samples |= await knocked(house, Whole(api, tokens, {}).ask("owner"), samples)
        samples |= {"/alerts/{alert}": f"/alerts/{await alarmed(house, samples)}"}
        samples |= {"/backups/{backup}": f"/backups/{backup(house)}"}
        yield Whole(api, tokens, samples | {"/jobs/{job}": f"/jobs/{job}", "/exports/{export}": f"/exports/{job}"})


async def knocked(house: House, owner: httpx.AsyncClient, samples: dict[str, str]) -> dict[str, str]:
    """Let a device without a credential knock; return what stands for it and for its door."""
    place, desk = samples["/places/{place}"].rpartition("/")[2], house.families.desk
    made = (await owner.post("/enrolments", json={"dialect": "cottage", "place": place})).json()
    door = desk.meetings.by_key(made["key"])
    assert door is not None
    met = await desk.hear(door, "cottage", Voice("A1_Temp", (Readings({"temperature": 21.5}),), "0badcafe"))
    return {
        "/enrolments/{enrolment}": f"/enrolments/{made['id']}",
        "/pending-devices/{stranger}": f"/pending-devices/{met.stranger}",
    }


async def told(house: House) -> dict[str, str]:
    """Tell the owner something; return what stands for it."""
    tenancy, mailroom = house.stores.tenancy, house.stores.mailroom
    tenant = str(await tenancy.users.first_tenant())
    [owner] = [member for member in await tenancy.members.everyone(tenant) if member.role is Role.owner]
    async with house.stores.db.writing() as connection:
        hello = Notice(severity=Urgency.info, kind="test", title="Hello", to=one(owner.id))
        await mailroom.outbox.put(connection, tenant, hello)
    await Notifying(mailroom, tenancy.members, house.hub, house.stores.clock).spread()
    [notification] = (await mailroom.inbox.page(tenant, owner.id, Asked())).items
    return {"/notifications/{notification}": f"/notifications/{notification.id}"}


async def exported(house: House, owner: httpx.AsyncClient, samples: dict[str, str]) -> str:
    """Let a device have measured something, and export it; return the job."""
    device, stores = samples["/devices/{device}"].rpartition("/")[2], house.stores
    known = stores.kept.registry.known(device)
    assert known is not None
    [series] = await stores.kept.series.create({(known.tenant, device): ["t"]})
    await stores.history.load(np.array([series.number], np.uint32), np.array([10**15]), np.array([21.5]))
    job = str((await owner.post("/exports", json={"devices": [device]})).json()["id"])
    assert (await house.grounds.errands.outcome(known.tenant, job)).state == ErrandState.done
    return job


async def alarmed(house: House, samples: dict[str, str]) -> str:
    """Open an alert at the place; return its id."""
    place, stores = samples["/places/{place}"].rpartition("/")[2], house.stores
    known = stores.kept.registry.known(samples["/devices/{device}"].rpartition("/")[2])
    assert known is not None
    opening = Opening(rule="cold", device=None, place=place, severity=Severity.info, message="Cold", at=0)
    async with stores.db.writing() as connection:
        return (await stores.alerts.open(connection, known.tenant, opening)).alert.id


def backup(house: House) -> str:
    """Keep a backup of nothing, of long ago; return its id."""
    shelf = house.grounds.safekeeping.shelf()
    with shelf.held():
        nothing = Contents(begun_at=moment(0), last=0, position=0, parts=(), counts=Counts())
        return shelf.add(nothing, moment(0), "1").id


async def moved_in(tenancy: Tenancy) -> dict[str, str]:
    """Make an owner and a viewer of one tenant, and the owner of another; return their tokens."""
    tenant, owner = await tenancy.users.found(Founding("Mökki", "Aino", "aino@example.test", PASSWORD))
    viewer = await tenancy.users.add(tenant.id, Role.viewer, "Veikko", "veikko@example.test", PASSWORD)
    farm = await tenancy.users.add_tenant("Farm", "Asia/Manila")
    stranger = await tenancy.users.add(farm.id, Role.owner, "Bea", "bea@example.test", PASSWORD)
    people = {"owner": owner, "viewer": viewer, "stranger": stranger}
    return {who: await tenancy.sessions.open(person.id) for who, person in people.items()}
