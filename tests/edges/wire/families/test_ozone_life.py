"""The whole life of treatment machines of both generations, over real sockets and to the byte."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from tests.edges.api.product import Product
from tests.edges.wire.families.conftest import next_message, posted, waiting
from tests.edges.wire.families.esp32 import Esp32
from tests.edges.wire.families.machines import MAC, THERE, First, Second
from tests.people import PASSWORD
from verger.base.clock import HOUR, MINUTE, SECOND, HeldClock
from verger.base.settings import Settings
from verger.domain.tenancy.model import Role
from verger.edges.api.server import served


@pytest_asyncio.fixture
async def port(product: Product) -> AsyncIterator[int]:
    settings = Settings.read({"VERGER_HTTP_HOST": "127.0.0.1", "VERGER_HTTP_PORT": "0"})
    async with served(product.app, settings, None) as ports:
        yield ports.plain


@pytest_asyncio.fixture
async def branch(product: Product) -> Any:
    return await posted(product, "/places", name="Cheras", kind="branch", timezone="Asia/Kuala_Lumpur")


async def heard(product: Product, device: str, kind: str) -> list[Any]:
    """Return (kind, time, data) of what happened to a device."""
    await product.house.oversight.followers.caught_up()
    items = (await product.get(f"/devices/{device}/events?kind={kind}&sort=at"))["items"]
    return [(each["kind"], each["at"], each["data"]) for each in items]


async def adopted(product: Product, place: str) -> str:
    (pending,) = await waiting(product)
    made = await posted(product, f"/pending-devices/{pending['id']}/adopt", name="Machine", place=place)
    device: str = made["device"]["id"]
    return device


async def silent(product: Product, clock: HeldClock, device: str) -> None:
    """Let a device be silent for longer than it may."""
    assert (await product.owner.patch(f"/devices/{device}", json={"silence": {"after_s": 60}})).status_code == 200
    for _ in range(20):
        clock.at += 5 * SECOND
        await product.house.presence.tick(product.house.stores.log.last)
    assert not (await product.get(f"/devices/{device}"))["online"]
    rules = [each["rule"] for each in (await product.get("/alerts?state=active"))["items"]]
    assert "silence" in rules


async def back(product: Product, device: str) -> None:
    await product.house.oversight.followers.caught_up()
    await product.house.presence.look()
    assert (await product.get(f"/devices/{device}"))["online"]


async def test_a_machine_of_the_first_generation_lives_over_mqtt(
    product: Product, clock: HeldClock, branch: Any
) -> None:
    key = (await posted(product, "/enrolments", dialect="ozone", place=branch["id"]))["key"]
    machine = First(clock, counters={"basic": 15, "standard": 8, "premium": 3})
    # it boots, is unknown, and is adopted
    async with machine.connected(product, key):
        device = await adopted(product, branch["id"])
        # its treatments are told by the clock on its wall; one is told twice
        clock.at += MINUTE
        await machine.press("basic")
        told = {
            "device_id": MAC,
            "timestamp": machine.now,
            "type": "event",
            "data": {"event_type": "BASIC", "count": 1},
        }
        await machine.send("events", told)
        assert await heard(product, device, "treatment") == [("treatment.basic", "2027-01-15T08:01:00Z", None)]
        # a rule asks it for something, which it prints
        hello = {"command": {"device": device, "method": "hello", "params": {"a": 1}}}
        rule = {"name": "Greet", "place": branch["id"], "when": {"event": "treatment.premium"}, "then": [hello]}
        await posted(product, "/rules", **rule)
        clock.at += MINUTE
        await machine.press("premium")
        assert machine.line is not None
        order = await next_message(machine.line)
        assert order.topic == f"telemetry/commands/{MAC}"
        assert json.loads(order.body) | {"id": 0} == {"id": 0, "command": "hello", "params": {"a": 1}}
        await machine.stand()
    await product.house.oversight.followers.caught_up()
    (command,) = (await product.get(f"/devices/{device}/commands"))["items"]
    assert command["stage"] in {"sent", "acknowledged"}
    await without_network(product, clock, machine, device, key)


async def without_network(product: Product, clock: HeldClock, machine: First, device: str, key: str) -> None:
    """Go on where nobody hears it, and come back with a clock that stopped."""
    await silent(product, clock, device)
    # nobody hears what it does, and its clock stops; its counters tell of it when it is back
    for kind in ("basic", "basic", "standard"):
        clock.at += MINUTE
        await machine.press(kind)
    machine.clock_set = False
    async with machine.connected(product, key):
        await back(product, device)
        clock.at += MINUTE
        await machine.press("basic")
        await machine.stand()
        told_at = [at for _, at, _ in await heard(product, device, "treatment.basic")]
        assert len(told_at) == 2
        booked = [(kind, data) for kind, _, data in await heard(product, device, "gap")]
        assert sorted(booked) == [("gap.basic", {"count": 2}), ("gap.standard", {"count": 1})]
    reported = (await product.get(f"/devices/{device}"))["attributes"]["reported"]
    assert reported["current_counters"] == {"basic": 19, "standard": 9, "premium": 4}
    assert reported["rtc_available"] is False


async def test_a_machine_of_the_second_generation_lives_over_http(
    product: Product, clock: HeldClock, branch: Any, port: int
) -> None:
    made = await posted(product, "/enrolments", dialect="ozone", place=branch["id"])
    machine = Second(clock, http=Esp32(port), base=made["url"])
    # it boots and is unknown; what it says is heard and is its history once it is adopted
    assert (await machine.shake())["assigned"] is False
    machine.press("basic")
    await machine.upload()
    device = await adopted(product, branch["id"])
    # started anew it shakes hands in vain, which tells nobody its token, and goes on with the one that it keeps
    assert "token" not in await machine.shake()
    # each treatment counts once, however often it is sent
    clock.at += MINUTE
    machine.press("basic")
    machine.press("premium")
    await machine.upload(times=3)
    assert [at for _, at, _ in await heard(product, device, "treatment")] == [
        "2027-01-15T08:00:00Z",
        *["2027-01-15T08:01:00Z"] * 2,
    ]
    # a rule has its counters reset, which it does, and says so
    reset = {"command": {"device": device, "method": "RESET_COUNTERS", "params": {"priority": "high"}, "ttl_s": 86_400}}
    high = {"metric": "count_basic", "device": device, "is": "above", "value": 2}
    await posted(product, "/rules", name="Begin anew", place=branch["id"], when=high, then=[reset])
    clock.at += MINUTE
    machine.press("basic")
    await machine.upload()
    await product.house.oversight.followers.caught_up()
    clock.at += SECOND
    await machine.poll()
    assert machine.done == ["RESET_COUNTERS"]
    await product.house.oversight.followers.caught_up()
    (command,) = (await product.get(f"/devices/{device}/commands"))["items"]
    stages = [step["stage"] for step in command["steps"]]
    assert stages == ["queued", "sent", "acknowledged", "succeeded"]
    assert (await product.get(f"/devices/{device}/latest"))["count_basic"]["value"] == 0
    assert [data for _, _, data in await heard(product, device, "reset.basic")] == [{"from": 3, "to": 0}]
    await gone_for_hours(product, clock, machine, device)


async def gone_for_hours(product: Product, clock: HeldClock, machine: Second, device: str) -> None:
    """Lose the network and the token, until a person lets it have a new one; all is told late or booked."""
    await silent(product, clock, device)
    clock.at += MINUTE
    machine.press("standard")
    clock.at += HOUR
    for _ in range(2):
        machine.press("standard")
    lost, machine.token = machine.queue.pop(1), ""
    wish = {"method": "SYNC_TIME", "params": {"priority": "low"}, "ttl_s": 86_400}
    waits = await posted(product, f"/devices/{device}/commands", **wish)
    clock.at += HOUR
    late, machine.queue = machine.queue, []
    machine.press("premium")
    machine.queue += late
    await product.owner.post(f"/devices/{device}/code")
    await machine.upload()
    await machine.poll()
    await back(product, device)
    assert lost["counter"] == 2
    assert (machine.done[-1], (await product.get(f"/commands/{waits['id']}"))["stage"]) == ("SYNC_TIME", "succeeded")
    told = await heard(product, device, "treatment.standard")
    assert [data for _, _, data in told] == [{"counter": 1}, {"counter": 3}]
    assert sum(data["count"] for _, _, data in await heard(product, device, "gap.standard")) == 1
    assert await heard(product, device, "gap.basic") == []
    tenant = (await product.get("/me"))["tenant"]["id"]
    totals = await product.house.grounds.counting.totals(tenant, [device])
    assert totals[device] == {"basic": 3, "standard": 3, "premium": 2}


@dataclass
class Far:
    """Another organisation, with a branch in Lima."""

    product: Product
    tenant: str
    there: dict[str, str]

    @classmethod
    async def founded(cls, product: Product) -> "Far":
        tenancy = product.house.stores.tenancy
        tenant = await tenancy.users.add_tenant("Far", "UTC")
        user = await tenancy.users.add(tenant.id, Role.owner, "Eero", "eero@example.test", PASSWORD)
        token = await tenancy.sessions.open(user.id, tenant.id)
        return cls(product, tenant.id, {"Authorization": f"Bearer {token}"})

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = await self.product.owner.request(method, path, json=body or None, headers=self.there)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def adopt(self, place: str) -> str:
        (pending,) = (await self.ask("GET", "/pending-devices"))["items"]
        made = await self.ask("POST", f"/pending-devices/{pending['id']}/adopt", name="Theirs", place=place)
        device: str = made["device"]["id"]
        return device


async def test_two_tenants_have_machines_of_one_address_and_nothing_crosses(
    product: Product, clock: HeldClock, branch: Any, port: int
) -> None:
    far = await Far.founded(product)
    lima = await far.ask("POST", "/places", name="Lima", kind="branch", timezone="America/Lima")
    mine = await posted(product, "/enrolments", dialect="ozone", place=branch["id"])
    theirs = await far.ask("POST", "/enrolments", dialect="ozone", place=lima["id"])
    one, other = First(clock), First(clock, zone=THERE)
    ours, forms = (Second(clock, http=Esp32(port), base=each["url"]) for each in (mine, theirs))
    async with one.connected(product, mine["key"]), other.connected(product, theirs["key"]):
        device, another = await adopted(product, branch["id"]), await far.adopt(lima["id"])
        for machine, times in ((one, 1), (other, 3)):
            for _ in range(times):
                clock.at += SECOND
                await machine.press("basic")
        await posted(product, f"/devices/{device}/commands", method="hello", one_way=True)
        assert one.line is not None
        assert (await next_message(one.line)).topic == f"telemetry/commands/{MAC}"
        other.counters["basic"] += 5
        clock.at += MINUTE
        await other.stand()
        await product.house.oversight.followers.caught_up()
        await posted(product, f"/devices/{device}/code")
        await far.ask("POST", f"/devices/{another}/code")
        assert (await ours.shake())["token"] != (await forms.shake())["token"]
    await product.house.oversight.followers.caught_up()
    totals = product.house.grounds.counting.totals
    tenant = (await product.get("/me"))["tenant"]["id"]
    assert await totals(tenant, [device, another]) == {device: {"basic": 1}, another: {}}
    assert await totals(far.tenant, [device, another]) == {device: {}, another: {"basic": 8}}
    assert len(await heard(product, device, "treatment")) == 1
    assert (await product.owner.get(f"/devices/{device}/events", headers=far.there)).status_code == 404
    assert (await far.ask("GET", f"/devices/{another}/commands"))["items"] == []
    assert (await product.get("/alerts"))["items"] == []
